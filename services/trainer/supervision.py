"""One attempt at a job, watched from outside the training process: messages, heartbeats, cancel, budget, death."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from services.trainer.protocol import Message, MessageKind, StopReason
from services.trainer.tenure import Tenure
from services.trainer.training_process import TrainingProcess
from shared.errors import ConvtailorError
from shared.ports.event_bus import Delivery, EventBus
from shared.progress import Progress, worth_storing

logger = logging.getLogger(__name__)

TICK_S = 0.2
"""How soon a request to shut down is noticed, in seconds."""
WATCH_S = 1.0
"""Seconds between two looks at whether the person has cancelled."""


class Preempted(ConvtailorError):
    """This worker is to shut down; the job is another's."""


class Overrun(ConvtailorError):
    """The training process was told to come to an end and did not.

    Args:
        reason: Why it was told.
    """

    def __init__(self, reason: StopReason) -> None:
        super().__init__(f"told to stop ({reason}) and did not")
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What an attempt is watched for.

    Args:
        tenure: The hold on the job.
        bus: Where the job's message came from.
        delivery: That message; held for as long as the attempt lasts.
        grace_s: Seconds that remain for an end in good order after the training process was told to stop.
        shutting_down: Tells whether this worker is to shut down.
        monotonic: Seconds on a clock that nobody sets.
    """

    tenure: Tenure
    bus: EventBus
    delivery: Delivery
    grace_s: float
    shutting_down: Callable[[], bool]
    monotonic: Callable[[], float] = time.monotonic


@dataclass(slots=True)
class _Hands:
    """The hands of the clocks that an attempt runs by; moments in seconds."""

    started: float
    beaten: float
    looked: float
    stored: float
    kill_at: float | None = None
    stop_reason: StopReason | None = None
    last: Progress | None = None
    unstored: Progress | None = field(default=None)
    extending: threading.Thread | None = None


def attend(process: TrainingProcess, watch: Watch) -> Message:
    """Stay with a training process that has its order until its last word, and return that.

    Raises:
        ProcessDied: If it died without one.
        Overrun: If it did not come to an end in time.
        Preempted: If this worker is to shut down.
        LostClaim: If another worker has the job.
        Transient: If the store did not answer for a whole lease.
    """
    now = watch.monotonic()
    hands = _Hands(started=now, beaten=now, looked=now, stored=now)
    while True:
        if watch.shutting_down():
            raise Preempted(f"job {watch.tenure.job.job_id} is given back")
        message = process.next_message(TICK_S)
        if message is not None and not _note(message, watch, hands):
            return message
        _look_after(process, watch, hands)


def _note(message: Message, watch: Watch, hands: _Hands) -> bool:
    """Store what a message tells; ``False`` for a last word."""
    if message.kind is MessageKind.PROGRESS:
        hands.unstored = message.progress
    elif message.kind is MessageKind.TRIAL and message.trial is not None:
        watch.tenure.store_trial(message.trial)
    elif message.kind is MessageKind.DEVICE and message.device is not None:
        watch.tenure.store_device(message.device)
    else:
        return False
    return True


def _look_after(process: TrainingProcess, watch: Watch, hands: _Hands) -> None:
    now = watch.monotonic()
    new = hands.unstored
    if new is not None and worth_storing(hands.last, new, elapsed_s=now - hands.stored):
        watch.tenure.store_progress(new)
        hands.last, hands.unstored, hands.stored = new, None, now
    if now - hands.beaten >= watch.tenure.lease.total_seconds() / 3:
        watch.tenure.renew(watch.tenure.job.trained_s + now - hands.started)
        _extend(watch, hands)
        hands.beaten = now
    if now - hands.looked >= WATCH_S:
        hands.looked = now
        if watch.tenure.read().cancel_requested_at is not None:
            _stop(process, watch, hands, StopReason.CANCELLED)
    if now - hands.started >= seconds_left(watch.tenure):
        _stop(process, watch, hands, StopReason.BUDGET)
    if hands.kill_at is not None and hands.stop_reason is not None and now >= hands.kill_at:
        raise Overrun(hands.stop_reason)


def _extend(watch: Watch, hands: _Hands) -> None:
    """Hold the message, in a thread: a bus that answers slowly must not cost the claim, which is what counts."""

    def extend() -> None:
        try:
            watch.bus.extend(watch.delivery, lease=watch.tenure.lease)
        except ConvtailorError as error:  # a delivery that comes again finds the job claimed
            logger.info("the message was not held", extra={"reason": str(error)})

    if hands.extending is None or not hands.extending.is_alive():
        hands.extending = threading.Thread(target=extend, name="extend", daemon=True)
        hands.extending.start()


def _stop(process: TrainingProcess, watch: Watch, hands: _Hands, reason: StopReason) -> None:
    if hands.stop_reason is None:
        logger.info("the training process is told to stop", extra={"reason": str(reason)})
        process.stop(reason)
        hands.stop_reason = reason
        hands.kill_at = watch.monotonic() + watch.grace_s


def seconds_left(tenure: Tenure) -> float:
    """Return what earlier attempts left of the job's budget, in seconds, 0 or more."""
    budget = timedelta(minutes=tenure.job.options.budget_minutes)
    return max(0.0, budget.total_seconds() - tenure.job.trained_s)
