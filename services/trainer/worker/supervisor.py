"""One attempt at a job, watched from outside the training process: messages, heartbeats, cancel, budget, death."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from services.trainer.protocol import Message, MessageKind, StopReason
from services.trainer.run.deadline import Deadline
from services.trainer.worker.job_lease import JobLease, message_lease
from services.trainer.worker.training_process import TrainingProcess
from shared.errors import ConvtailorError, Transient
from shared.ports.event_bus import Delivery, EventBus

logger = logging.getLogger(__name__)

RETRY_S = 1.0
"""Seconds until a store that did not answer is asked again."""
TICK_S = 0.2
"""How soon a request to shut down is noticed, in seconds."""


class Preempted(ConvtailorError):
    """This worker is to shut down; the job is another's."""


class Overrun(ConvtailorError):
    """The training process was told to come to an end and did not.

    Args:
        reason: Why it was told.
        waited_s: Seconds that it was waited for then.
    """

    def __init__(self, reason: StopReason, waited_s: float) -> None:
        super().__init__(f"told to stop ({reason}) and did not within {waited_s:.0f} s")
        self.reason = reason
        self.waited_s = waited_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What an attempt is watched for.

    Args:
        job_lease: The hold on the job.
        bus: Where the job's message came from.
        delivery: That message; held for as long as the attempt lasts.
        deadline: Of this attempt, before the training process tells what delivering its best network costs.
        shutting_down: Tells whether this worker is to shut down.
        monotonic: Seconds on a clock that nobody sets.
    """

    job_lease: JobLease
    bus: EventBus
    delivery: Delivery
    deadline: Deadline
    shutting_down: Callable[[], bool]
    monotonic: Callable[[], float] = time.monotonic


@dataclass(slots=True)
class _AttemptClock:
    """The times of the clocks that an attempt runs by; moments in seconds."""

    deadline: Deadline
    beaten: float
    extended: float
    looked: float
    asked_again: float = 0.0
    told_at: float | None = None
    stop_reason: StopReason | None = None
    extending: threading.Thread | None = None


def attend(process: TrainingProcess, watch: Watch) -> Message:
    """Stay with a training process that has its order until its last word, and return that.

    Raises:
        ProcessDied: If it died without one.
        Overrun: If it did not come to an end in time.
        Preempted: If this worker is to shut down.
        LostClaim: If another worker has the job.
    """
    now = watch.monotonic()
    times = _AttemptClock(deadline=watch.deadline, beaten=now, extended=now, looked=now)
    while True:
        if watch.shutting_down():
            raise Preempted(f"job {watch.job_lease.job.job_id} is given back")
        message = process.next_message(TICK_S)
        if message is not None and not _note(message, watch.job_lease, times):
            return message
        _look_after(process, watch, times)


def _note(message: Message, job_lease: JobLease, times: _AttemptClock) -> bool:
    """Take in what a message tells; ``False`` for a last word."""
    if message.kind is MessageKind.PROGRESS and message.progress is not None:
        job_lease.note_progress(message.progress)
    elif message.kind is MessageKind.TRIAL and message.trial is not None:
        job_lease.note_trial(message.trial)
    elif message.kind is MessageKind.PRICE and message.delivery_s is not None:
        times.deadline = times.deadline.at_price(message.delivery_s)
    elif message.kind is MessageKind.DEVICE and message.device is not None:
        job_lease.note_device(message.device)
    else:
        return False
    return True


def _look_after(process: TrainingProcess, watch: Watch, times: _AttemptClock) -> None:
    now, job_lease = watch.monotonic(), watch.job_lease
    job_lease.note_spent(now - times.deadline.started)
    if now >= times.asked_again:
        try:
            _ask_stores(process, watch, times, now)
        except Transient as error:
            # If somebody else took the job meanwhile, the stores say so once they answer.
            logger.warning("a store does not answer; the training goes on", extra={"reason": str(error)})
            times.asked_again = now + RETRY_S
    if now - times.extended >= job_lease.lease.total_seconds() / 3:
        _extend(watch, times)
        times.extended = now
    if now >= times.deadline.train_until:
        _stop(process, watch, times, StopReason.BUDGET)
    if times.told_at is not None and times.stop_reason is not None and now >= times.deadline.kill_at(times.told_at):
        raise Overrun(times.stop_reason, now - times.told_at)


def _ask_stores(process: TrainingProcess, watch: Watch, times: _AttemptClock, now: float) -> None:
    """Tell that the job is at work on, and learn whether it is to go on, each when it is due."""
    job_lease = watch.job_lease
    if job_lease.is_beat_due(now - times.beaten):
        job_lease.beat()
        times.beaten = now
    if now - times.looked >= job_lease.look_s:
        if job_lease.read().cancel_requested_at is not None:
            _stop(process, watch, times, StopReason.CANCELLED)
        times.looked = now


def _extend(watch: Watch, times: _AttemptClock) -> None:
    """Hold the message, in a thread: a bus that answers slowly must not cost the claim, which is what counts."""

    def extend() -> None:
        try:
            watch.bus.extend(watch.delivery, lease=message_lease(watch.job_lease.lease))
        except ConvtailorError as error:  # a delivery that comes again finds the job claimed
            logger.info("the message was not held", extra={"reason": str(error)})

    if times.extending is None or not times.extending.is_alive():
        times.extending = threading.Thread(target=extend, name="extend", daemon=True)
        times.extending.start()


def _stop(process: TrainingProcess, watch: Watch, times: _AttemptClock, reason: StopReason) -> None:
    """Tell the process to stop: once, but that the person has cancelled counts until the end."""
    if times.stop_reason is None or (reason is StopReason.CANCELLED and times.stop_reason is not reason):
        logger.info("the training process is told to stop", extra={"reason": str(reason)})
        process.stop(reason)
        times.stop_reason = reason
        times.told_at = watch.monotonic() if times.told_at is None else times.told_at
