"""Looks at the queue for everybody who asks, now and then: what many ask for at once is read once."""

from datetime import datetime, timedelta
from threading import Lock

from services.intake.overview.queue import Place, Queue, queue_of
from shared.clock import Clock
from shared.job.job import Job, JobState
from shared.ports.heartbeat_store import HeartbeatStore, as_told
from shared.ports.job_store import JobStore

MOST_WAITING = 200
"""Places that are told; each look reads so many jobs at most."""
_MOST_AT_WORK = 50
_MOMENT = timedelta(microseconds=1)


class QueueLook:
    """Tells places in the queue, from a look that is at most as old as a heartbeat may be.

    Args:
        store: Jobs.
        heartbeats: What those at work tell; their cadence says how long a look is good for.
        clock: Tells the time.
    """

    def __init__(self, store: JobStore, heartbeats: HeartbeatStore, clock: Clock) -> None:
        self._store = store
        self._heartbeats = heartbeats
        self._clock = clock
        self._lock = Lock()
        self._queue = Queue()
        self._good_until: datetime | None = None

    def place_of(self, job: Job) -> Place | None:
        """Return the place of a job; ``None`` where it does not wait, or behind the first :data:`MOST_WAITING`.

        Raises:
            Transient: If a store does not answer.
        """
        if job.state is not JobState.QUEUED:
            return None
        now = self._clock()
        with self._lock:
            if self._good_until is None or now >= self._good_until:
                self._queue = self._looked(now)
                self._good_until = now + timedelta(seconds=self._heartbeats.cadence.progress_s)
            queue = self._queue
        return queue.place_of(job, now)

    def _looked(self, now: datetime) -> Queue:
        waiting = self._store.find({JobState.QUEUED}, updated_before=now + _MOMENT, open_only=True, limit=MOST_WAITING)
        training = self._store.find(
            {JobState.TRAINING}, updated_before=now + _MOMENT, open_only=True, limit=_MOST_AT_WORK
        )
        told = [as_told(stored.job, self._heartbeats) for stored in training.jobs]
        at_work = [job for job in told if job.claim is not None and job.claim.is_live(now)]
        jobs = [stored.job for stored in waiting.jobs]
        return queue_of(jobs, at_work, now=now, is_whole=waiting.end is None)
