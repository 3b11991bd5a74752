"""The forecast against jobs whose end is known."""

import math
from itertools import pairwise

import pytest

from services.trainer.run.progress import PHASES, Forecast, PhaseClock, remaining_s
from shared.job.progress import Best, Progress

PLAN_S = {"prepare": 5.0, "screen": 60.0, "tune": 30.0, "evaluate": 3.0, "export": 8.0}


def run_through(true_s: dict[str, float], plan_s: dict[str, float]) -> list[tuple[float, float]]:
    """Return (true, foretold) seconds left at 50 points of every phase."""
    forecast = Forecast(plan_s=dict(plan_s), started=100.0)
    now, end = 100.0, 100.0 + sum(true_s.values())
    points = []
    for phase in PHASES:
        for done in range(1, 51):
            now += true_s[phase] / 50
            points.append((end - now, forecast.update(phase, done, 50, now)))
    return points


def test_a_job_that_keeps_to_the_plan_is_foretold_exactly() -> None:
    for true, foretold in run_through(PLAN_S, PLAN_S):
        assert foretold == pytest.approx(true, abs=0.5)


@pytest.mark.parametrize("slowness", [0.25, 4.0])
def test_a_slower_or_faster_machine_is_found_out_early(slowness: float) -> None:
    points = run_through({phase: slowness * planned for phase, planned in PLAN_S.items()}, PLAN_S)
    assert all(foretold == pytest.approx(true, rel=0.35, abs=3) for true, foretold in points[75:])
    assert points[-1][1] < 1.0


def test_it_hardly_ever_rises_while_the_speed_is_even() -> None:
    foretold = [value for _, value in run_through({phase: 2 * planned for phase, planned in PLAN_S.items()}, PLAN_S)]
    rises = [later - earlier for earlier, later in pairwise(foretold[60:]) if later > earlier]
    assert sum(rises) < 0.05 * foretold[60]


def test_nothing_done_yet_gives_the_plan() -> None:
    assert remaining_s(PLAN_S, {}, "prepare", 0.0) == sum(PLAN_S.values())


@pytest.mark.parametrize(
    ("spent_s", "fraction", "by_rate_s", "slowness"),
    [
        pytest.param({"prepare": 10.0}, 0.5, 10.0, 11 / 3.5, id="slower than planned"),
        pytest.param({"prepare": 1.0}, 0.8, 0.25, 2 / 5, id="faster, and nearly done"),
        pytest.param({}, 0.5, 0.0, 1 / 3.5, id="found finished by an earlier attempt"),
    ],
)
def test_the_phase_at_hand_is_foretold_from_its_own_rate_the_more_the_further_it_is(
    spent_s: dict[str, float], fraction: float, by_rate_s: float, slowness: float
) -> None:
    by_plan_s = (1 - fraction) * 5.0 * slowness
    here_s = fraction * by_rate_s + (1 - fraction) * by_plan_s
    assert remaining_s(PLAN_S, spent_s, "prepare", fraction) == pytest.approx(here_s + 101.0 * slowness)


def test_a_phase_without_a_total_still_has_a_forecast() -> None:
    assert Forecast(plan_s=dict(PLAN_S), started=0.0).update("export", 0, 0, 1.0) > 0


def test_waiting_for_something_else_says_nothing_about_speed() -> None:
    forecast = Forecast(plan_s=dict(PLAN_S), started=0.0)
    forecast.update("prepare", 1, 1, 5.0)
    forecast.skip(50.0)
    assert forecast.update("screen", 0, 10, 50.5) == pytest.approx(sum(PLAN_S.values()) - 5, rel=0.02)


def test_waiting_before_anything_was_foretold_is_no_work_either() -> None:
    forecast = Forecast(plan_s=dict(PLAN_S), started=0.0)
    forecast.skip(100.0)
    forecast.skip(200.0)
    assert forecast.update("prepare", 1, 2, 202.5) == pytest.approx(sum(PLAN_S.values()) - 2.5)


def test_more_done_than_there_was_to_do_is_all_of_it() -> None:
    exact, over = (Forecast(plan_s=dict(PLAN_S), started=0.0) for _ in range(2))
    assert over.update("screen", 12, 10, 65.0) == exact.update("screen", 10, 10, 65.0)


def test_a_forecast_follows_a_surprise_by_two_thirds_in_two_seconds() -> None:
    forecast = Forecast(plan_s=dict(PLAN_S), started=0.0)
    first = forecast.update("prepare", 1, 2, 2.5)
    assert first == pytest.approx(103.5)
    measured = remaining_s(PLAN_S, {"prepare": 4.5}, "prepare", 0.5)
    assert forecast.update("prepare", 1, 2, 4.5) == pytest.approx(
        (first - 2) + (measured - (first - 2)) * (1 - math.exp(-1))
    )


class Hands:
    """Seconds that a test counts."""

    def __init__(self) -> None:
        self.now = 10.0

    def __call__(self) -> float:
        return self.now


def test_the_clock_of_a_run_times_phases_and_completes_every_report() -> None:
    hands, told = Hands(), list[Progress]()
    clock = PhaseClock(listener=told.append, forecast=Forecast(plan_s=dict(PLAN_S), started=10.0), monotonic=hands)
    with clock.phase("prepare"):
        hands.now += 2.5
        clock.report(Progress(phase="prepare", done=1, total=2, unit="images"))
    assert clock.spent_s == {"prepare": 2.5}
    assert [(each.phase, each.done, each.total, each.unit) for each in told] == [
        ("prepare", 0, 0, ""),
        ("prepare", 1, 2, "images"),
    ]
    assert [each.eta_s for each in told] == [106.0, 103.5]


def test_a_phase_that_fails_is_timed_too() -> None:
    hands = Hands()
    clock = PhaseClock(listener=lambda _: None, forecast=Forecast(plan_s=dict(PLAN_S), started=10.0), monotonic=hands)

    def fail() -> None:
        with clock.phase("tune"):
            hands.now += 3
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert clock.spent_s == {"tune": 3.0}


def test_the_best_so_far_stays_in_sight_and_only_an_equal_or_better_one_takes_its_place() -> None:
    told: list[Progress] = []
    clock = PhaseClock(listener=told.append, forecast=Forecast(plan_s=dict(PLAN_S), started=0.0), monotonic=lambda: 1.0)
    for best in (
        Best(candidate="a", val_accuracy=0.5),
        None,
        Best(candidate="b", val_accuracy=0.4),
        Best(candidate="c", val_accuracy=0.5),
        Best(candidate="d", val_accuracy=0.9),
    ):
        clock.report(Progress(phase="screen", best=best))
    assert [each.best.candidate for each in told if each.best] == ["a", "a", "a", "c", "d"]


def test_waiting_for_another_process_counts_for_no_phase() -> None:
    hands, told = Hands(), list[Progress]()
    clock = PhaseClock(listener=told.append, forecast=Forecast(plan_s=dict(PLAN_S), started=10.0), monotonic=hands)

    def wait() -> None:
        hands.now += 500.0

    clock.wait_for(wait)
    clock.report(Progress(phase="prepare"))
    assert told[0].eta_s == pytest.approx(106.0)
