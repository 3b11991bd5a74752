"""A cap on what training costs, and what a job was estimated to take beside what it took."""

import pytest

from services.intake.job_request import parse_request
from services.trainer.run.progress import Forecast, PhaseClock
from services.trainer.settings import TrainerSettings
from shared.errors import UserFault
from shared.job.options import JobOptions
from shared.job.progress import Progress, Spending
from shared.settings import InvalidSettings, Settings, load
from shared.wording import spending

CLOUD = "n2-standard-8=0.40, g2-standard-4=0.80"


@pytest.mark.parametrize(
    ("budget", "max_cost", "price", "minutes"),
    [(60, None, 2.0, 60), (60, 1.0, 2.0, 30), (60, 1.0, 0.5, 60), (60, 1.0, None, 60), (60, 0.001, 60.0, 0.001)],
)
def test_the_smaller_of_both_caps_counts(budget, max_cost, price, minutes) -> None:
    assert JobOptions(budget_minutes=budget, max_cost=max_cost).minutes_at(price) == pytest.approx(minutes)


def test_a_cap_on_the_cost_without_a_price_is_one_clear_error() -> None:
    fields = [{"email": "you@example.org", "max_cost": "2.50"}]
    assert parse_request(fields, is_priced=True).options.max_cost == 2.5
    with pytest.raises(UserFault) as raised:
        parse_request(fields, is_priced=False)
    fault = raised.value.fault
    assert (fault.code, fault.details["field"]) == ("invalid_option", "max_cost")
    assert "does not know what an hour costs" in fault.message
    assert "budget_minutes" in fault.fix


@pytest.mark.parametrize("cost", ["0", "-1", "nan", "inf", "much", ""])
def test_a_cap_on_the_cost_is_a_number_above_nothing(cost) -> None:
    with pytest.raises(UserFault, match="max_cost"):
        parse_request([{"email": "you@example.org", "max_cost": cost}])


@pytest.mark.parametrize(
    ("text", "machine_type", "price"),
    [
        (None, "n2-standard-8", None),
        ("0.25", None, 0.25),
        ("0.25", "n2-standard-8", 0.25),
        (CLOUD, "n2-standard-8", 0.40),
        (CLOUD, "unheard-of", 0.80),
        (CLOUD, None, 0.80),
    ],
)
def test_an_hour_costs_what_its_machine_costs_and_the_dearest_where_that_is_not_named(text, machine_type, price):
    assert Settings(price_per_hour=text).price_of(machine_type) == price
    assert TrainerSettings(price_per_hour=text, machine_type=machine_type).hourly_price == price


@pytest.mark.parametrize("text", ["free", "0", "-1", "a=1,b", "a=1,2", "a=nan", "1,2"])
def test_a_price_that_is_none_stops_the_service_at_its_start(text) -> None:
    with pytest.raises(InvalidSettings, match=r"CONVTAILOR_PRICE_PER_HOUR: .*such as 0\.38"):
        load(Settings, {"CONVTAILOR_PRICE_PER_HOUR": text})


def test_every_report_brings_the_estimate_and_the_price_once_they_are_known() -> None:
    told: list[Progress] = []
    clock = PhaseClock(
        listener=told.append,
        forecast=Forecast(
            plan_s={"prepare": 1.0, "screen": 5.0, "tune": 1.0, "evaluate": 1.0, "export": 1.0}, started=0
        ),
        monotonic=lambda: 0.0,
        price_per_hour=3.6,
    )
    clock.report(Progress(phase="prepare"))
    assert told[0].estimate is None
    clock.estimate_by({"prepare": 10.0, "screen": 60.0, "tune": 20.0, "evaluate": 5.0, "export": 5.24})
    clock.report(Progress(phase="screen"))
    assert told[1].estimate == Spending(seconds=100.2, cost=pytest.approx(0.1002))
    assert told[1].price_per_hour == 3.6


def test_money_is_said_with_the_time_and_not_at_all_where_there_is_no_price() -> None:
    assert spending(185, None) == "3 min 05 s"
    assert spending(185, 0.021) == "3 min 05 s at a cost of 0.021"
    assert spending(7300, 12.3456) == "2 h 01 min at a cost of 12.35"
