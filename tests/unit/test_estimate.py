"""What a training would take, told before anything is sent: a range that rests on like ones, or nothing."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.intake.overview.estimate import Took, estimate_of, took
from shared.job.job import JobState
from shared.job.options import JobOptions
from shared.job.progress import Progress, Spending
from tests.intake_fixture import IntakeFixture
from tests.job_fixture import NOW, archive_of, make_job

USUAL = JobOptions()


def known(*pairs: tuple[int, float], options: JobOptions = USUAL) -> list[Took]:
    return [Took(num_images=number, seconds=seconds, options=options) for number, seconds in pairs]


def test_where_nothing_like_it_was_trained_nothing_is_said() -> None:
    assert estimate_of([], 100, USUAL).most is None
    other = JobOptions(candidates=("tiny",))
    assert estimate_of(known((100, 60.0), options=other), 100, USUAL).num_jobs == 0
    assert estimate_of(known((100, 60.0), options=replace(USUAL, seed=4)), 100, USUAL).num_jobs == 1


def test_one_training_of_as_many_photographs_says_how_long_this_one_takes() -> None:
    found = estimate_of(known((100, 60.0)), 100, USUAL)
    assert found.least is not None
    assert found.most is not None
    assert found.least.seconds < 60 < found.most.seconds < 90


@pytest.mark.parametrize("num_images", [50, 150, 400, 1000, 2000])
def test_the_truth_lies_in_the_range_for_fewer_and_for_more_photographs(num_images: int) -> None:
    def truth(number: int) -> float:
        return 40 + 0.5 * number

    found = estimate_of(known(*((each, truth(each)) for each in (100, 300, 900))), num_images, USUAL)
    assert found.least is not None
    assert found.most is not None
    assert found.least.seconds <= truth(num_images) <= found.most.seconds


def test_trainings_that_disagree_make_no_range_that_is_empty() -> None:
    found = estimate_of(known((100, 500.0), (200, 60.0)), 150, USUAL)
    assert found.least is not None
    assert found.most is not None
    assert 0 < found.least.seconds < found.most.seconds


def test_no_training_is_said_to_take_longer_than_its_budget() -> None:
    found = estimate_of(known((100, 600.0)), 10_000, replace(USUAL, budget_minutes=15))
    assert found.most is not None
    assert found.most.seconds == 900


def test_a_cap_on_the_cost_is_a_budget_for_estimates_too() -> None:
    priced = [replace(each, price_per_hour=2.0) for each in known((100, 600.0))]
    found = estimate_of(priced, 10_000, replace(USUAL, max_cost=0.5))
    assert found.most == Spending(seconds=900, cost=0.5)
    progress = Progress(phase="export", price_per_hour=2.0)
    job = make_job(state=JobState.DONE, archive=archive_of(), attempts=1, trained_s=895.0, progress=progress)
    assert took(job) is not None
    capped = replace(job, options=replace(job.options, max_cost=0.5))
    assert took(capped) is None, "its cap ended it"


def test_what_was_stopped_or_broke_off_tells_nothing_of_others() -> None:
    job = make_job(state=JobState.DONE, archive=archive_of(), attempts=1, trained_s=100.0)
    assert took(job) is not None
    for changes in ({"attempts": 2}, {"state": JobState.CANCELLED}, {"trained_s": 3590.0}, {"archive": None}):
        assert took(replace(job, **changes)) is None


def test_time_and_cost_are_told_over_http() -> None:
    service = IntakeFixture()
    unknown = service.http.get("/v1/estimate?num_images=30")
    assert unknown.json == {"least": None, "most": None, "num_jobs": 0}
    progress = Progress(phase="export", price_per_hour=3.6)
    done = make_job("done", JobState.DONE, archive=archive_of("done"), attempts=1, trained_s=100.0, progress=progress)
    service.store.create(replace(done, updated_at=NOW - timedelta(hours=1)))
    service.clock.advance(301)
    told = service.http.get("/v1/estimate?num_images=30&seed=7").json
    assert told["num_jobs"] == 1
    assert told["least"]["seconds"] < 100 < told["most"]["seconds"]
    assert told["most"]["cost"] == pytest.approx(told["most"]["seconds"] / 1000)
    assert service.http.get("/v1/estimate?num_images=none").json["error"]["code"] == "invalid_option"
    assert service.http.get("/v1/estimate?num_images=3&colour=red").json["error"]["code"] == "unknown_option"
