"""The forecast against jobs whose end is known."""

from itertools import pairwise

import pytest

from services.trainer.run.progress import PHASES, Forecast, remaining_s

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


def test_a_phase_without_a_total_still_has_a_forecast() -> None:
    assert Forecast(plan_s=dict(PLAN_S), started=0.0).update("export", 0, 0, 1.0) > 0


def test_waiting_for_something_else_says_nothing_about_speed() -> None:
    forecast = Forecast(plan_s=dict(PLAN_S), started=0.0)
    forecast.update("prepare", 1, 1, 5.0)
    forecast.skip(50.0)
    assert forecast.update("screen", 0, 10, 50.5) == pytest.approx(sum(PLAN_S.values()) - 5, rel=0.1)
