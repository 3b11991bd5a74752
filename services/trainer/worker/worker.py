"""The worker: takes one job after another from the bus, has a training process do it, and tells how it ended."""

import logging
import math
import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from services.trainer import failure
from services.trainer.ledger_page import finished_candidates
from services.trainer.protocol import Message, holds_network
from services.trainer.run.deadline import Deadline
from services.trainer.scratch.disk import NoRoom
from services.trainer.worker.attempt import Broken, ending_after, ending_of_loss, last_attempt, order_of
from services.trainer.worker.disk_room import DiskRoom
from services.trainer.worker.job_lease import JobLease, LostClaim, NothingToDo, claim_job, message_lease
from services.trainer.worker.supervisor import Overrun, Preempted, Watch, attend
from services.trainer.worker.training_process import TrainingProcess
from services.trainer.worker.warm_process import END_PATIENCE_S, Unfit, WarmProcess
from shared.clock import Clock, utc_now
from shared.errors import Conflict, MalformedEvent, NotFound, Transient, Unreadable, UserFault
from shared.job.claim import Claimed
from shared.job.events import Event, Topic, decode
from shared.job.job import Job, JobState
from shared.logs import bound
from shared.messaging.consumer import hold
from shared.messaging.outbox import publish_pending
from shared.ports.event_bus import Delivery, EventBus
from shared.ports.heartbeat_store import HeartbeatStore
from shared.ports.job_store import JobStore
from shared.ports.object_store import ObjectStore
from shared.process.line_process import ProcessDied

logger = logging.getLogger(__name__)

MAX_RAN_FULL = 20
"""Times that a disk may run full in the middle of a job before it ends the job."""
REST_S = 5.0
"""Idle seconds before the next training process is warmed up: the machine may still be busy with the last report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRules:
    """The numbers a worker goes by; see the settings of the same names."""

    lease: timedelta = timedelta(seconds=30)
    poll_s: float = 0.25
    max_attempts: int = 3
    warm_child: bool = True
    require_gpu: bool = False
    idle_exit_s: float = 0.0
    price_per_hour: float | None = None


@dataclass(slots=True, kw_only=True)
class Worker:
    """Works through the topic of jobs, one at a time, until told to shut down.

    Args:
        store: Where jobs lie.
        heartbeats: Where it tells how the one at hand fares.
        objects: Where their ledgers lie.
        bus: Where they are announced.
        spawn: Starts a training process that waits for its order.
        owner: Unique name of this worker.
        disk: Knows whether a job fits on this machine's disk, and removes what it left there once it has ended.
        rules: See there.
        clock: Tells the time.
        shutdown: Set it to have the worker hand back its job and return from :meth:`run`.
        monotonic: Seconds on a clock that nobody sets.
    """

    store: JobStore
    heartbeats: HeartbeatStore
    objects: ObjectStore
    bus: EventBus
    spawn: Callable[[], TrainingProcess]
    owner: str
    disk: DiskRoom
    rules: WorkerRules = WorkerRules()
    clock: Clock = utc_now
    shutdown: threading.Event = field(default_factory=threading.Event)
    monotonic: Callable[[], float] = time.monotonic
    _warm_process: WarmProcess = field(init=False)
    _idle_since: float = field(init=False)
    _tidied_at: float = -math.inf

    def __post_init__(self) -> None:
        """Prepare what depends on the rules."""
        self._idle_since = self.monotonic()
        self._warm_process = WarmProcess(
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
            self._warm_process.warm()
        self._idle_since = self.monotonic()
        self.disk.tidy(self.store)
        threading.Thread(target=self.disk.keep_tidy, args=(self.store, self.shutdown), name="tidy", daemon=True).start()
        try:
            while not self.shutdown.is_set():
                if not self._warm_process.prove() or (self._work_safely() and not self.disk.is_short):
                    continue
                if self._has_idled_enough():
                    break
                if self.rules.warm_child and self._idle_s > REST_S:
                    self._warm_process.warm()
                self._rest()
        finally:
            self._warm_process.end()
            self.disk.tidy(self.store)

    def _rest(self) -> None:
        if self.disk.is_short:
            self.disk.wait(self.shutdown)
            return
        if self._idle_s > REST_S and self._tidied_at < self._idle_since:
            self.disk.tidy(self.store)
            self._tidied_at = self.monotonic()
        self.shutdown.wait(self.rules.poll_s)

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
        deliveries = self.bus.pull(Topic.JOBS, lease=message_lease(self.rules.lease))
        for delivery in deliveries:
            self._handle(delivery)
        return bool(deliveries)

    def _handle(self, delivery: Delivery) -> None:
        """Turn a delivery into work, and how it went into ack, nack or dead letter."""
        try:
            event = decode(delivery.data)
            with bound(job_id=event.job_id, event_id=event.event_id):
                self._do(event, delivery)
        except (MalformedEvent, NotFound) as error:
            logger.warning("message dead-lettered", extra={"reason": str(error)})
            self.bus.dead_letter(delivery, str(error))
        except Claimed as error:
            logger.info("message comes again when a claim ends", extra={"reason": str(error)})
            hold(self.bus, delivery, error.left)
        except Preempted as error:
            logger.info("message comes again at once", extra={"reason": str(error)})
            hold(self.bus, delivery, timedelta(0))
        except (Conflict, LostClaim, Transient, ProcessDied, Broken, Overrun, Unreadable) as error:
            logger.info("message comes again", extra={"reason": str(error)})
            self.bus.nack(delivery)
        except Unfit:
            self.bus.nack(delivery)
            raise
        else:
            publish_pending(self.store, self.bus)
            self.bus.ack(delivery)

    def _do(self, event: Event, delivery: Delivery) -> None:
        job_id = event.job_id
        if self.shutdown.is_set():  # while the bus was asked, which may take seconds
            raise Preempted(f"job {job_id} is left to another worker")
        try:
            self._admit(job_id)
            job_lease = claim_job(
                self.store, self.heartbeats, event, owner=self.owner, lease=self.rules.lease, clock=self.clock
            )
        except NothingToDo as reason:
            logger.info("nothing to do", extra={"reason": str(reason)})
            return
        except NoRoom as refusal:
            self.disk.note(job_id, refusal)
            raise
        try:
            with bound(attempt=job_lease.job.attempts, fence=job_lease.claim.fence):
                state, changes = self._attempt(job_lease, delivery)
                job_lease.finish(state, **changes)
                self.disk.forget(job_id)
                logger.info("job ended", extra={"state": str(state)})
        finally:
            self._idle_since = self.monotonic()

    def _admit(self, job_id: str) -> None:
        """Return where the disk has room for a job, or gets it; one that never fits is taken too, to be ended.

        Raises:
            NoRoom: If it has none.
        """
        job = self.store.get(job_id).job
        if job.state not in (JobState.QUEUED, JobState.TRAINING) or self._is_cancelled_for_nothing(job):
            return
        with suppress(UserFault):
            try:
                self.disk.admit(job)
            except NoRoom:
                self.disk.tidy(self.store, thoroughly=True)
                self.disk.admit(job)

    def _attempt(self, job_lease: JobLease, delivery: Delivery) -> tuple[JobState, Mapping[str, Any]]:
        """Have the job trained; return the state it ends in and what else is to be written with it."""
        self._recall(job_lease)
        attempts = job_lease.job.attempts
        last = last_attempt(job_lease.known, self.rules.max_attempts)
        gave_up = failure.gave_up(attempts - 1) if attempts > last else None
        objection = gave_up or self.disk.objection(job_lease.job)
        if objection is not None:
            return JobState.FAILED, {"fault": objection}
        try:
            message = self._train(job_lease, delivery)
            return ending_after(message, job_lease.job, price_per_hour=self.rules.price_per_hour)
        except (Broken, Overrun, ProcessDied) as loss:
            logger.warning("the attempt is lost", extra={"reason": str(loss)})
            rules = self.rules
            ending = ending_of_loss(loss, job_lease.known, rules.max_attempts, price_per_hour=rules.price_per_hour)
            if ending is not None:
                return ending
            job_lease.hand_back(counts=True)
            raise
        except NoRoom as refusal:
            num_ran_full = job_lease.job.num_ran_full
            wants_end = job_lease.read().cancel_requested_at is not None
            if wants_end and not holds_network(job_lease.known.trials):
                return JobState.CANCELLED, {}
            if num_ran_full >= MAX_RAN_FULL:
                needed_bytes = refusal.needed_bytes or self.disk.needed_bytes(job_lease.job)
                return JobState.FAILED, {"fault": failure.disk_full(num_ran_full, needed_bytes)}
            self.disk.note(job_lease.job.job_id, refusal)
            self.disk.leave(job_lease.job.job_id)
            job_lease.hand_back(counts=False, ran_full=True)
            raise
        except (Preempted, Transient, Unfit):
            job_lease.hand_back(counts=False)
            raise

    def _train(self, job_lease: JobLease, delivery: Delivery) -> Message:
        process = self._warm_process.take()
        job = job_lease.known
        budget_minutes = job.options.minutes_at(self.rules.price_per_hour)
        deadline = Deadline.of_budget(budget_minutes, spent_s=job.trained_s, started=self.monotonic())
        watch = Watch(
            job_lease=job_lease,
            bus=self.bus,
            delivery=delivery,
            deadline=deadline,
            shutting_down=self.shutdown.is_set,
            monotonic=self.monotonic,
        )
        try:
            only_delivers = job.attempts > self.rules.max_attempts
            process.order(order_of(job, job_lease.claim.fence, deadline, only_delivers=only_delivers))
            return attend(process, watch)
        except ProcessDied as death:
            if death.return_code == -signal.SIGBUS:  # a mapped file could not grow into its hole
                raise NoRoom("the training process was killed by SIGBUS") from death
            raise
        finally:
            process.end(END_PATIENCE_S)

    def _recall(self, job_lease: JobLease) -> None:
        """Take in what earlier attempts finished; a heartbeat may have been lost that would have told of it.

        Raises:
            Transient: If the store does not answer; the job is handed back then.
        """
        if job_lease.claim.fence == 1:
            return
        try:
            for trial in finished_candidates(self.objects, job_lease.job.job_id):
                job_lease.note_trial(trial)
        except Transient:
            job_lease.hand_back(counts=False)
            raise

    def _is_cancelled_for_nothing(self, job: Job) -> bool:
        """Tell whether a person wants a job to end that has nothing to deliver; it need not wait for room on a disk."""
        if job.cancel_requested_at is None or holds_network(job.trials):
            return False
        return not finished_candidates(self.objects, job.job_id)
