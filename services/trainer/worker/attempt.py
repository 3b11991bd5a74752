"""One attempt at a job: how often there may be one, what is ordered, and what its end means for the job. Pure."""

from collections.abc import Mapping
from typing import Any

from services.trainer import failure
from services.trainer.protocol import Message, MessageKind, Order, StopReason, holds_network
from services.trainer.run.deadline import Deadline
from services.trainer.scratch.disk import NoRoom
from services.trainer.worker.job_lease import NothingToDo
from services.trainer.worker.supervisor import Overrun
from shared.errors import ConvtailorError, Fault, Transient
from shared.job.job import Job, JobState
from shared.layout import handover_key
from shared.process.line_process import ProcessDied

SMALLEST_BATCHES = 7
"""Halvings after which a batch is one image on any device."""
_MAY_PASS = ("internal_error", "out_of_memory", "training_crashed")
"""Codes of faults that say nothing about the network, and that another attempt need not meet."""

Ending = tuple[JobState, Mapping[str, Any]]
"""The state that a job ends in, and what else is to be written with it."""


class Broken(ConvtailorError):
    """The training process failed in a way that another attempt may escape.

    Args:
        fault: As it told.
    """

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


def last_attempt(job: Job, max_attempts: int) -> int:
    """Return how often a job is taken up: once more, only to deliver, where a network would be lost.

    Args:
        job: With all its trials that are known.
        max_attempts: Times that it is taken up to be trained.
    """
    return max_attempts + (1 if holds_network(job.trials) else 0)


def order_of(job: Job, fence: int, deadline: Deadline, *, only_delivers: bool) -> Order:
    """Return what a training process is told to do.

    Args:
        job: As it was claimed.
        fence: Of the claim.
        deadline: Of the attempt.
        only_delivers: Whether nothing is to be trained any more.

    Raises:
        NothingToDo: If it has no archive.
    """
    if job.archive is None:
        raise NothingToDo(f"job {job.job_id} has no archive")
    return Order(
        job_id=job.job_id,
        fence=fence,
        archive_key=job.archive.object_key,
        archive_generation=job.archive.generation,
        archive_bytes=job.archive.size_bytes,
        num_images=job.archive.num_images,
        options=job.options,
        seconds_left=deadline.seconds_left,
        halvings=SMALLEST_BATCHES if only_delivers else job.attempts - 1,
        resumes=holds_network(job.trials),
        only_delivers=only_delivers,
        handover_key=None if job.retraining is None else handover_key(job.job_id),
    )


def ending_after(message: Message, job: Job, *, price_per_hour: float | None = None) -> Ending:
    """Return what the last word of a training process means for the job.

    Args:
        message: That word.
        job: As it was claimed.
        price_per_hour: Of this machine; with ``max_cost`` it decides of which budget is told.

    Raises:
        Broken: If it failed in a way that another attempt may escape.
        Transient: If it could not reach a store.
        NoRoom: If the disk was full.
    """
    cancelled = message.reason == StopReason.CANCELLED
    match message.kind:
        case MessageKind.FINISHED:
            state = JobState.CANCELLED if cancelled else JobState.REPORTING
            return state, {"artefacts": message.artefacts}
        case MessageKind.STOPPED if cancelled:
            return JobState.CANCELLED, {}
        case MessageKind.STOPPED if message.reason == StopReason.LOST:
            return JobState.FAILED, {"fault": failure.gave_up(job.attempts - 1)}
        case MessageKind.STOPPED:
            return JobState.FAILED, {"fault": failure.budget_too_short(job.options.minutes_at(price_per_hour))}
        case MessageKind.UNREACHABLE:
            raise Transient(message.reason or "a store did not answer")
        case MessageKind.NO_ROOM:
            raise NoRoom(message.reason or "the disk is full", needed_bytes=message.needed_bytes)
        case MessageKind.REJECTED:
            return JobState.REJECTED, {"fault": message.fault}
    if message.fault is not None and message.fault.code in _MAY_PASS:
        raise Broken(message.fault)
    return JobState.FAILED, {"fault": message.fault}


def ending_of_loss(
    loss: Broken | Overrun | ProcessDied, job: Job, max_attempts: int, *, price_per_hour: float | None = None
) -> Ending | None:
    """Return how a job ends whose training process failed, died or was killed; ``None``: it is taken up again.

    Args:
        loss: What happened.
        job: With all its trials that are known.
        max_attempts: See :func:`last_attempt`.
        price_per_hour: See :func:`ending_after`.
    """
    is_last = job.attempts >= last_attempt(job, max_attempts)
    if isinstance(loss, ProcessDied):
        return (JobState.FAILED, {"fault": failure.died(loss.return_code, job.attempts)}) if is_last else None
    if holds_network(job.trials) and not is_last:
        return None
    if isinstance(loss, Broken):
        return JobState.FAILED, {"fault": loss.fault}
    if loss.reason is StopReason.CANCELLED:
        return JobState.CANCELLED, {}
    budget_minutes = job.options.minutes_at(price_per_hour)
    return JobState.FAILED, {"fault": failure.budget_overrun(budget_minutes, loss.waited_s)}
