"""What a training process is told of its job, and what becomes of a job whose every attempt was lost."""

from dataclasses import replace

import pytest

from services.trainer.protocol import Message, MessageKind, Order, StopReason
from services.trainer.run.deadline import Deadline
from services.trainer.worker.attempt import SMALLEST_BATCHES, ending_after, order_of
from services.trainer.worker.job_lease import NothingToDo
from shared.job.job import JobState, Retraining
from shared.job.options import JobOptions
from shared.layout import handover_key
from tests.job_fixture import archive_of, make_job

JOB = make_job(state=JobState.TRAINING, attempts=2, archive=archive_of(), options=JobOptions(seed=7))
DEADLINE = Deadline(started=0, seconds_left=60)


def test_an_order_has_all_that_a_training_heeds() -> None:
    assert order_of(JOB, 5, DEADLINE, only_delivers=False) == Order(
        job_id="job-1",
        fence=5,
        archive_key="uploads/job-1/archive.zip",
        archive_generation="g1",
        archive_bytes=4096,
        num_images=30,
        options=JobOptions(seed=7),
        seconds_left=60,
        halvings=1,
        resumes=False,
        only_delivers=False,
        handover_key=None,
    )


def test_an_attempt_that_only_delivers_takes_the_smallest_batches() -> None:
    order = order_of(JOB, 5, DEADLINE, only_delivers=True)
    assert (order.only_delivers, order.halvings) == (True, SMALLEST_BATCHES)


def test_a_job_that_trains_again_is_told_where_its_corrections_lie() -> None:
    again = replace(JOB, retraining=Retraining(job_id="job-0", num_corrections=1, corrections_sha256="0" * 64))
    assert order_of(again, 5, DEADLINE, only_delivers=False).handover_key == handover_key("job-1")


def test_a_job_without_an_archive_is_no_order() -> None:
    with pytest.raises(NothingToDo, match="job-1 has no archive"):
        order_of(replace(JOB, archive=None), 5, DEADLINE, only_delivers=False)


def test_who_has_nothing_to_deliver_in_the_end_is_told_how_often_training_was_lost() -> None:
    """The attempt that was to deliver trained nothing, and is not counted."""
    lost = Message(kind=MessageKind.STOPPED, reason=StopReason.LOST)
    state, changes = ending_after(lost, replace(JOB, attempts=4))
    assert state is JobState.FAILED
    assert (changes["fault"].code, changes["fault"].details) == ("training_lost", {"attempts": 3})
