"""Whoever waits learns how long: places in the queue and expected starts."""

from datetime import timedelta

import pytest

from services.intake.overview.look import MOST_WAITING
from services.intake.overview.queue import Place, queue_of
from shared.job.claim import Claim
from shared.job.job import Job, JobState
from shared.job.options import JobOptions
from shared.job.progress import Progress, Spending
from tests.intake_fixture import IntakeFixture, small_archive
from tests.job_fixture import NOW, make_heartbeat, make_job


def waiting(number: int, **changes: object) -> Job:
    return make_job(f"job-{number}", JobState.QUEUED, updated_at=NOW + timedelta(seconds=number), **changes)


def at_work(*, spent_s: float, left_s: float | None, estimate_s: float | None = None) -> Job:
    estimate = None if estimate_s is None else Spending(seconds=estimate_s)
    progress = Progress(phase="screen", eta_s=left_s, estimate=estimate)
    return make_job("at-work", JobState.TRAINING, trained_s=spent_s, progress=progress)


def test_jobs_are_taken_in_the_order_in_which_they_came() -> None:
    jobs = [waiting(3), waiting(1), waiting(2)]
    queue = queue_of(jobs, [], now=NOW)
    assert [queue.place_of(job, NOW).position for job in jobs] == [3, 1, 2]


def test_a_job_starts_when_those_ahead_have_had_their_turn_on_as_many_trainers_as_are_at_work() -> None:
    trained = [at_work(spent_s=60, left_s=40), at_work(spent_s=30, left_s=70)]  # 100 s each
    jobs = [waiting(number) for number in range(4)]
    queue = queue_of(jobs, trained, now=NOW)
    assert [queue.place_of(job, NOW).starts_in_s for job in jobs] == [40, 70, 140, 170]
    assert queue.place_of(waiting(9), NOW) == Place(position=5, starts_in_s=240)


def test_a_job_ahead_takes_no_longer_than_its_own_budget() -> None:
    jobs = [waiting(1, options=JobOptions(budget_minutes=0.5)), waiting(2)]
    queue = queue_of(jobs, [at_work(spent_s=500, left_s=100)], now=NOW)
    assert queue.place_of(jobs[1], NOW).starts_in_s == 130


def test_a_training_that_cannot_tell_what_is_left_goes_by_its_estimate() -> None:
    queue = queue_of([waiting(1)], [at_work(spent_s=20, left_s=None, estimate_s=90)], now=NOW)
    assert queue.place_of(waiting(1), NOW).starts_in_s == 70


@pytest.mark.parametrize("trained", [[], [make_job("new", JobState.TRAINING)], [at_work(spent_s=1, left_s=None)]])
def test_where_nothing_tells_no_start_is_promised(trained: list[Job]) -> None:
    assert queue_of([waiting(1)], trained, now=NOW).place_of(waiting(1), NOW) == Place(position=1, starts_in_s=None)


def test_a_start_that_was_expected_by_now_is_never_in_the_past() -> None:
    queue = queue_of([waiting(1)], [at_work(spent_s=1, left_s=5)], now=NOW)
    assert queue.place_of(waiting(1), NOW + timedelta(seconds=7)).starts_in_s == 0


def test_behind_those_that_were_looked_at_no_place_is_told() -> None:
    queue = queue_of([waiting(1), waiting(2)], [], now=NOW, is_whole=False)
    assert queue.place_of(waiting(2), NOW) == Place(position=2, starts_in_s=None)
    assert queue.place_of(waiting(3), NOW) is None


@pytest.fixture
def service() -> IntakeFixture:
    return IntakeFixture()


def queued(service: IntakeFixture) -> dict:
    made = service.submit()
    service.upload(made, small_archive())
    service.handle_uploads()
    service.clock.advance(2)  # a look is good for a second
    return made


def train(service: IntakeFixture, made: dict, **heartbeat: object) -> None:
    expires_at = service.clock() + timedelta(seconds=30)
    service.move(made, JobState.TRAINING, claim=Claim(owner="w", fence=1, expires_at=expires_at))
    service.heartbeats.put(make_heartbeat(job_id=made["job_id"], expires_at=expires_at, **heartbeat))


def test_status_tells_the_place_and_when_the_job_is_expected_to_start(service: IntakeFixture) -> None:
    first, second, third = (queued(service) for _ in range(3))
    train(service, first, trained_s=20.0, progress=Progress(phase="screen", eta_s=40.0))
    told = [service.status(made) for made in (first, second, third)]
    assert [(each["queue_position"], each["starts_in_s"]) for each in told] == [(None, None), (1, 40.0), (2, 100.0)]


def test_a_job_whose_trainer_is_gone_promises_nobody_a_start(service: IntakeFixture) -> None:
    first, second = queued(service), queued(service)
    train(service, first, trained_s=20.0, progress=Progress(phase="screen", eta_s=40.0))
    service.clock.advance(31)
    assert service.status(second)["starts_in_s"] is None


def test_many_who_ask_at_once_cost_one_look_at_the_queue(service: IntakeFixture) -> None:
    made = queued(service)
    assert service.status(made)["queue_position"] == 1
    service.move(made, JobState.CANCELLED)
    behind = queued(service)
    service.clock.advance(-2)  # the look of before is still good
    assert service.status(behind)["queue_position"] == 2
    service.clock.advance(2)
    assert service.status(behind)["queue_position"] == 1


def test_a_long_queue_is_read_no_further_than_its_places_are_told(service: IntakeFixture) -> None:
    for number in range(MOST_WAITING):
        service.store.create(waiting(number, token_hash="0" * 64))
    service.clock.advance(MOST_WAITING)
    assert service.status(queued(service))["queue_position"] is None


def test_nobody_waits_who_has_ended(service: IntakeFixture) -> None:
    made = queued(service)
    service.move(made, JobState.CANCELLED)
    assert service.status(made)["queue_position"] is None
