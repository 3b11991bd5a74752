"""The worker: takes one job after another from the bus, has a training process do it, and tells how it ended."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from services.trainer import fault
from services.trainer.line_process import ProcessDied
from services.trainer.protocol import Message, MessageKind, Order, StopReason
from services.trainer.spare import END_PATIENCE_S, Spare, Unfit
from services.trainer.supervision import Overrun, Preempted, Watch, attend, seconds_left
from services.trainer.tenure import LostClaim, NothingToDo, Tenure, claim_job
from services.trainer.training_process import TrainingProcess
from shared.clock import Clock, utc_now
from shared.errors import Conflict, MalformedEvent, NotFound, Transient
from shared.events import Topic, decode
from shared.job import JobState, TrialState
from shared.logs import bound
from shared.outbox import publish_pending
from shared.ports.event_bus import Delivery, EventBus
from shared.ports.job_store import JobStore

logger = logging.getLogger(__name__)

REST_S = 5.0
"""Idle seconds before the next training process is warmed up: the machine may still be busy with the last report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRules:
    """The numbers a worker goes by; see the settings of the same names."""

    lease: timedelta = timedelta(seconds=30)
    poll_s: float = 0.25
    max_attempts: int = 3
    grace_s: float = 120.0
    warm_child: bool = True
    require_gpu: bool = False
    idle_exit_s: float = 0.0


@dataclass(slots=True, kw_only=True)
class Worker:
    """Works through the topic of jobs, one at a time, until told to shut down.

    Args:
        store: Where jobs lie.
        bus: Where they are announced.
        spawn: Starts a training process that waits for its order.
        owner: Unique name of this worker.
        forget: Removes what the training of a job left on this machine, once the job has ended.
        rules: See there.
        clock: Tells the time.
        shutdown: Set it to have the worker hand back its job and return from :meth:`run`.
        monotonic: Seconds on a clock that nobody sets.
    """

    store: JobStore
    bus: EventBus
    spawn: Callable[[], TrainingProcess]
    owner: str
    forget: Callable[[str], None]
    rules: WorkerRules = WorkerRules()
    clock: Clock = utc_now
    shutdown: threading.Event = field(default_factory=threading.Event)
    monotonic: Callable[[], float] = time.monotonic
    _spare: Spare = field(init=False)
    _idle_since: float = field(init=False)

    def __post_init__(self) -> None:
        """Prepare what depends on the rules."""
        self._idle_since = self.monotonic()
        self._spare = Spare(
            spawn=self.spawn,
            is_proof_wanted=self.rules.require_gpu,
            is_leaving=self.shutdown.is_set,
            monotonic=self.monotonic,
        )

    def run(self) -> None:
        """Work until :attr:`shutdown` is set, or for as long as there are jobs where idle workers are to leave.

        Raises:
            Unfit: If a GPU is required and there is none; no job is held then, and none paid for it.
        """
        if self.rules.warm_child:
            self._spare.warm()
        self._idle_since = self.monotonic()
        try:
            while not self.shutdown.is_set():
                if not self._spare.prove() or self._work_safely():
                    continue
                if self._has_idled_enough():
                    break
                if self.rules.warm_child and self._idle_s > REST_S:
                    self._spare.warm()
                self.shutdown.wait(self.rules.poll_s)
        finally:
            self._spare.end()

    @property
    def _idle_s(self) -> float:
        return self.monotonic() - self._idle_since

    def _has_idled_enough(self) -> bool:
        if not 0 < self.rules.idle_exit_s <= self._idle_s:
            return False
        logger.info("no job for long enough; this worker leaves", extra={"idle_s": round(self._idle_s)})
        return True

    def _work_safely(self) -> bool:
        try:
            return self.work_once()
        except Unfit:
            raise
        except Exception:  # the outermost loop: whatever happens, the next job gets its chance
            logger.exception("a job was dropped; its message comes again when its lease ends")
            return False

    def work_once(self) -> bool:
        """Take the next message, if any, and see it through.

        Returns:
            Whether there was one.
        """
        deliveries = self.bus.pull(Topic.JOBS, lease=self.rules.lease)
        for delivery in deliveries:
            self._handle(delivery)
        return bool(deliveries)

    def _handle(self, delivery: Delivery) -> None:
        """Turn a delivery into work, and how it went into acknowledging, retrying or burying."""
        try:
            event = decode(delivery.data)
            with bound(job_id=event.job_id, event_id=event.event_id):
                self._do(event.job_id, delivery)
        except (MalformedEvent, NotFound) as error:
            logger.warning("message buried", extra={"reason": str(error)})
            self.bus.bury(delivery, str(error))
        except (Conflict, LostClaim, Preempted, Transient, ProcessDied) as error:
            logger.info("message comes again", extra={"reason": str(error)})
            self.bus.retry_later(delivery)
        except Unfit:
            self.bus.retry_later(delivery)
            raise
        else:
            publish_pending(self.store, self.bus)
            self.bus.acknowledge(delivery)

    def _do(self, job_id: str, delivery: Delivery) -> None:
        if self.shutdown.is_set():  # while the bus was asked, which may take seconds
            raise Preempted(f"job {job_id} is left to another worker")
        try:
            tenure = claim_job(self.store, job_id, owner=self.owner, lease=self.rules.lease, clock=self.clock)
        except NothingToDo as reason:
            logger.info("nothing to do", extra={"reason": str(reason)})
            return
        try:
            with bound(attempt=tenure.job.attempts, fence=tenure.claim.fence):
                state, changes = self._attempt(tenure, delivery)
                tenure.finish(state, **changes)
                self.forget(job_id)
                logger.info("job ended", extra={"state": str(state)})
        finally:
            self._idle_since = self.monotonic()

    def _attempt(self, tenure: Tenure, delivery: Delivery) -> tuple[JobState, Mapping[str, Any]]:
        """Have the job trained; return the state it ends in and what else is to be written with it."""
        attempts = tenure.job.attempts
        if attempts > self.rules.max_attempts:
            return JobState.FAILED, {"fault": fault.gave_up(attempts - 1)}
        try:
            return _ending(self._train(tenure, delivery), tenure)
        except Overrun as overrun:
            if overrun.reason is StopReason.CANCELLED:
                return JobState.CANCELLED, {}
            minutes = tenure.job.options.budget_minutes
            return JobState.FAILED, {"fault": fault.budget_overrun(minutes, self.rules.grace_s)}
        except ProcessDied as death:
            logger.warning("the training process died", extra={"return_code": death.return_code})
            if attempts >= self.rules.max_attempts:
                return JobState.FAILED, {"fault": fault.died(death.return_code, attempts)}
            tenure.hand_back(counts=True)
            raise
        except (Preempted, Transient, Unfit):
            tenure.hand_back(counts=False)
            raise

    def _train(self, tenure: Tenure, delivery: Delivery) -> Message:
        process = self._spare.take()
        watch = Watch(
            tenure=tenure,
            bus=self.bus,
            delivery=delivery,
            grace_s=self.rules.grace_s,
            shutting_down=self.shutdown.is_set,
        )
        try:
            process.order(_order(tenure))
            return attend(process, watch)
        finally:
            process.end(END_PATIENCE_S)


def _order(tenure: Tenure) -> Order:
    job = tenure.job
    if job.archive is None:
        raise NothingToDo(f"job {job.job_id} has no archive")
    return Order(
        job_id=job.job_id,
        fence=tenure.claim.fence,
        archive_key=job.archive.object_key,
        archive_generation=job.archive.generation,
        num_images=job.archive.num_images,
        options=job.options,
        seconds_left=seconds_left(tenure),
        halvings=job.attempts - 1,
        resumes=any(trial.state is TrialState.DONE for trial in job.trials),
    )


def _ending(message: Message, tenure: Tenure) -> tuple[JobState, Mapping[str, Any]]:
    """Return what the last word of a training process means for the job.

    Raises:
        Transient: If it could not reach a store.
    """
    cancelled = message.reason == StopReason.CANCELLED
    if message.kind is MessageKind.FINISHED:
        state = JobState.CANCELLED if cancelled else JobState.REPORTING
        return state, {"artefacts": message.artefacts}
    if message.kind is MessageKind.STOPPED:
        if cancelled:
            return JobState.CANCELLED, {}
        return JobState.FAILED, {"fault": fault.budget_too_short(tenure.job.options.budget_minutes)}
    if message.kind is MessageKind.UNREACHABLE:
        raise Transient(message.reason or "a store did not answer")
    state = JobState.REJECTED if message.kind is MessageKind.REJECTED else JobState.FAILED
    return state, {"fault": message.fault}
