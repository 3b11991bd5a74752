"""Every way in which a training can fail names its numbers and something that the person can do."""

from collections.abc import Callable

import pytest

from services.trainer import failure
from services.trainer.protocol import Message, MessageKind, StopReason
from services.trainer.worker.attempt import Broken, ending_after, ending_of_loss
from services.trainer.worker.supervisor import Overrun
from shared.errors import Fault
from shared.job.job import JobState
from shared.job.options import JobOptions
from tests.job_fixture import make_job

FAULTS = [
    (lambda: failure.died(-9, 3), "out_of_memory", ["3 times", "memory"], {"attempts": 3, "return_code": -9}),
    (lambda: failure.died(7, 2), "training_crashed", ["2 times", "ended with 7"], {"attempts": 2, "return_code": 7}),
    (lambda: failure.verifier_lost(-9), "out_of_memory", ["verifies", "memory", "twice"], {"return_code": -9}),
    (lambda: failure.verifier_lost(7), "training_crashed", ["verifies", "with 7"], {"return_code": 7}),
    (lambda: failure.verifier_lost(None), "training_crashed", ["not answer"], {"return_code": None}),
    (lambda: failure.gave_up(3), "training_lost", ["3 times"], {"attempts": 3}),
    (lambda: failure.budget_overrun(1.5, 120.4), "budget_overrun", ["120 s", "1.5 minutes"], {"budget_minutes": 1.5}),
    (lambda: failure.budget_too_short(2.0), "budget_too_short", ["2 minutes"], {"budget_minutes": 2.0}),
    (
        lambda: failure.disk_too_small(12_340_000_000, 2_000_000_000),
        "disk_too_small",
        ["12.3 GB", "2.0 GB"],
        {"needed_bytes": 12_340_000_000, "best_bytes": 2_000_000_000},
    ),
    (
        lambda: failure.disk_full(4, 3 * 10**9),
        "disk_full",
        ["4 times", "3.0 GB"],
        {"handed_back": 4, "needed_bytes": 3 * 10**9},
    ),
    (lambda: failure.unforeseen(MemoryError("no more")), "out_of_memory", ["no more"], {}),
    (lambda: failure.unforeseen(KeyError("depth")), "internal_error", ["KeyError", "depth"], {}),
    (lambda: failure.archive_gone(OSError("no such key")), "archive_gone", ["no such key"], {}),
]


@pytest.mark.parametrize(("told", "code", "words", "details"), FAULTS)
def test_a_fault_says_what_happened_with_its_numbers_and_what_to_do(
    told: Callable[[], Fault], code: str, words: list[str], details: dict[str, object]
) -> None:
    fault = told()
    assert fault.code == code
    assert all(word in fault.message for word in words), fault.message
    assert dict(fault.details) == details
    assert fault.fix.startswith(("Submit", "Choose", "Raise", "Send"))


@pytest.mark.parametrize("tell", [failure.unforeseen, failure.archive_gone])
@pytest.mark.parametrize("error", [OSError("x" * 10_000), MemoryError("x" * 10_000)])
def test_an_endless_error_does_not_make_an_endless_mail(tell, error: Exception) -> None:
    assert len(tell(error).message) == failure.MAX_CHARACTERS


def test_tensorflow_without_memory_is_told_as_memory() -> None:
    class ResourceExhaustedError(Exception):
        """Named as TensorFlow names it."""

    assert failure.unforeseen(ResourceExhaustedError("OOM")).fix == failure.SMALLER_FIX


def test_where_the_cap_on_the_cost_ended_it_the_minutes_are_those_that_it_paid_for() -> None:
    job = make_job(state=JobState.TRAINING, attempts=1, options=JobOptions(max_cost=0.1))
    stopped = Message(kind=MessageKind.STOPPED, reason=StopReason.BUDGET)
    endings = (
        ending_after(stopped, job, price_per_hour=2.0),
        ending_of_loss(Overrun(StopReason.BUDGET, 70.0), job, 3, price_per_hour=2.0),
    )
    for _, changes in endings:
        assert "budget of 3 minutes" in changes["fault"].message
        assert "max_cost" in changes["fault"].fix


def test_a_job_that_broke_down_for_the_last_time_ends_with_what_its_process_said() -> None:
    fault = failure.unforeseen(KeyError("depth"))
    job = make_job(state=JobState.TRAINING, attempts=3)
    with pytest.raises(Broken, match="depth") as caught:
        ending_after(Message(kind=MessageKind.FAILED, fault=fault), job)
    assert ending_of_loss(caught.value, job, 3) == (JobState.FAILED, {"fault": fault})
