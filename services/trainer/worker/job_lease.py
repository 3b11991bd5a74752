"""A worker's hold on one job: whatever it writes about the job goes through here, and only while its claim stands."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from shared.clock import Clock
from shared.errors import Conflict, ConvtailorError, Transient
from shared.job.claim import Claim, covers, held, release, take
from shared.job.events import Event, announcement
from shared.job.heartbeat import Heartbeat, is_due, retold, with_heartbeat
from shared.job.job import Job, JobState, Trial, advance
from shared.job.progress import Progress
from shared.ports.event_bus import LONGEST_LEASE
from shared.ports.heartbeat_store import HeartbeatStore, as_told
from shared.ports.job_store import JobStore

logger = logging.getLogger(__name__)


END_PATIENCE = timedelta(minutes=10)
"""For so long a store that is away is asked to take the end of a job, which may have been trained for hours."""


def message_lease(lease: timedelta) -> timedelta:
    """Return how long the message of a job is held from each word on, so that it outlasts the claim of a dead worker.

    Both are prolonged every third of a lease, each by itself: a message held no longer than the claim can come again
    before that has ended, is refused, and waits for a back-off.

    Args:
        lease: How long the claim lasts from each heartbeat on.
    """
    return max(lease, min(lease * 4 / 3, LONGEST_LEASE))


class NothingToDo(ConvtailorError):
    """The job does not wait for a trainer: it has ended, or was never queued."""


class LostClaim(ConvtailorError):
    """Somebody else has the job by now; whatever this worker still does for it is void."""


@dataclass(slots=True, kw_only=True)
class JobLease:
    """The hold of one worker on one job.

    The job itself is written where the attempt ends; until then all that there is to tell goes with the heartbeats.
    Every method that writes or reads raises :class:`LostClaim` where it sees that the claim has passed to another
    worker, and :class:`shared.errors.Transient` where the store does not answer; the writes of an end insist first.

    Args:
        store: Where the job lies.
        heartbeats: Where its heartbeats go.
        job: As it was when claimed, its claim included.
        claim: The claim.
        lease: How long it lasts from each heartbeat on.
        clock: Tells the time.
    """

    store: JobStore
    heartbeats: HeartbeatStore
    job: Job
    claim: Claim
    lease: timedelta
    clock: Clock
    _told: Heartbeat = field(init=False)
    _known: Heartbeat = field(init=False)

    def __post_init__(self) -> None:
        """Begin with what the job says itself."""
        self._told = self._known = Heartbeat(
            job_id=self.job.job_id,
            fence=self.claim.fence,
            expires_at=self.claim.expires_at,
            trained_s=self.job.trained_s,
        )

    @property
    def known(self) -> Job:
        """The job as it was claimed, with all that was taken in since."""
        return with_heartbeat(self.job, self._known)

    @property
    def look_s(self) -> float:
        """Seconds between two looks at the job."""
        return self.heartbeats.cadence.look_s

    def read(self) -> Job:
        """Return the job as it is now, what goes with heartbeats left aside; the store is asked once."""
        return self._try_update(lambda job: job)

    def note_spent(self, seconds: float) -> None:
        """Take in how many seconds of the budget this attempt has spent."""
        self._known = replace(self._known, trained_s=self.job.trained_s + seconds)

    def note_progress(self, progress: Progress) -> None:
        """Take in how far the job has come."""
        self._known = replace(self._known, progress=progress)

    def note_device(self, device: str) -> None:
        """Take in what trains the job."""
        self._known = replace(self._known, device=device)

    def note_trial(self, trial: Trial) -> None:
        """Take in a finished trial, in place of one of the same name."""
        self._known = replace(self._known, trials=retold(self._known.trials, (trial,)))

    def is_beat_due(self, elapsed_s: float) -> bool:
        """Tell whether a heartbeat is to be written.

        Args:
            elapsed_s: Seconds since the last one, or since the job was claimed.
        """
        cadence = self.heartbeats.cadence
        return is_due(self._told, self._known, elapsed_s=elapsed_s, lease=self.lease, cadence=cadence)

    def beat(self) -> None:
        """Hold the job for another lease, and tell what was taken in; the store is asked once."""
        told = replace(self._known, expires_at=self.clock() + self.lease)
        self.heartbeats.put(told)
        self._told = told

    def hand_back(self, *, counts: bool, ran_full: bool = False) -> None:
        """Give up the claim and leave the job to another worker.

        Args:
            counts: Whether this attempt counts; one that was only interrupted does not.
            ran_full: Whether it ended because the disk had no more room.
        """

        def handed_back(job: Job) -> Job:
            told = with_heartbeat(job, self._known)
            attempts = job.attempts if counts else job.attempts - 1
            num_ran_full = job.num_ran_full + ran_full
            return replace(told, claim=self._released(job), attempts=attempts, num_ran_full=num_ran_full)

        self._update(handed_back, patience=self.lease)
        self._forget_heartbeats()

    def finish(self, state: JobState, **changes: Any) -> Job:
        """Write how the job ended, together with the event that announces it, and give up the claim."""

        def ended(job: Job) -> Job:
            told = with_heartbeat(job, self._known)
            return advance(told, state, self.clock(), claim=self._released(job), **changes)

        job = self._update(ended, patience=max(self.lease, END_PATIENCE))
        self._forget_heartbeats()
        return job

    def _released(self, job: Job) -> Claim:
        return release(job.claim, owner=self.claim.owner, fence=self.claim.fence, now=self.clock())

    def _forget_heartbeats(self) -> None:
        """Delete what the job says by itself now; what is left behind keeps it for the rest of a lease, no longer."""
        try:
            self.heartbeats.delete(self.job.job_id)
        except Transient as error:
            logger.info("heartbeats are left behind", extra={"reason": str(error)})

    def _update(self, change: Callable[[Job], Job], *, patience: timedelta) -> Job:
        """Read, check the claim, change and write, until nobody else wrote in between."""
        insisting = Retrying(
            retry=retry_if_exception_type((Conflict, Transient)),
            stop=stop_after_delay(patience),
            wait=wait_random_exponential(multiplier=0.01, max=1),
            reraise=True,
        )
        for attempt in insisting:
            with attempt:
                return self._try_update(change)
        raise AssertionError("unreachable: the last attempt raises")

    def _try_update(self, change: Callable[[Job], Job]) -> Job:
        stored = self.store.get(self.job.job_id)
        try:
            held(stored.job.claim, owner=self.claim.owner, fence=self.claim.fence)
        except Conflict as error:
            raise LostClaim(str(error)) from error
        if stored.job.state is not JobState.TRAINING:
            return stored.job  # only the holder ends a job: an earlier write of ours did get through
        job = change(stored.job)
        if job == stored.job:
            return job
        events = announcement(job, self.clock()) if job.state is not stored.job.state else ()
        return self.store.replace(stored, job, events).job


def claim_job(
    store: JobStore, heartbeats: HeartbeatStore, event: Event, *, owner: str, lease: timedelta, clock: Clock
) -> JobLease:
    """Take a queued job, or one whose worker is gone, with all that it told before.

    The one compare-and-set of the job decides between several that try.

    Raises:
        Claimed: If another worker holds it; the message of the event is to come again when that claim ends.
        Conflict: If another worker was faster; it is to come again.
        NothingToDo: If it does not wait for a trainer, or another worker holds it by another event, whose message
            comes again should that worker die.
        NotFound: If there is no such job.
        Transient: If a store did not answer.
    """
    job_id = event.job_id
    stored = store.get(job_id)
    if stored.job.state not in (JobState.QUEUED, JobState.TRAINING) or stored.job.archive is None:
        raise NothingToDo(f"job {job_id} is {stored.job.state}")
    job = as_told(stored.job, heartbeats)
    now = clock()
    if job.claim is not None and job.claim.owner != owner and covers(job.claim, event_id=event.event_id, now=now):
        raise NothingToDo(f"job {job_id} is at work with {job.claim.owner}")
    claim = take(job.claim, owner=owner, now=now, lease=lease, event_id=event.event_id)
    taken = replace(job, claim=claim, attempts=job.attempts + 1)
    if job.state is JobState.QUEUED:
        taken = advance(taken, JobState.TRAINING, clock())
    written = store.replace(stored, taken).job
    return JobLease(store=store, heartbeats=heartbeats, job=written, claim=claim, lease=lease, clock=clock)
