"""Jobs in a dictionary, with the promises of the port but durability."""

import threading
from collections.abc import Collection, Sequence
from datetime import datetime

from shared.errors import Conflict, NotFound
from shared.job.events import Event
from shared.job.job import Job, JobState
from shared.ports.job_store import StoredJob


class MemoryJobStore:
    """The :class:`shared.ports.job_store.JobStore` of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[str, StoredJob] = {}
        self._outbox: dict[str, Event] = {}
        self._num_writes = 0

    def create(self, job: Job, events: Sequence[Event] = ()) -> StoredJob:
        """See the port."""
        with self._lock:
            if job.job_id in self._jobs:
                raise Conflict(f"there is a job {job.job_id} already")
            return self._write(job, events)

    def get(self, job_id: str) -> StoredJob:
        """See the port."""
        with self._lock:
            if job_id not in self._jobs:
                raise NotFound(f"there is no job {job_id}")
            return self._jobs[job_id]

    def replace(self, stored: StoredJob, job: Job, events: Sequence[Event] = ()) -> StoredJob:
        """See the port."""
        if job.job_id != stored.job.job_id:
            raise ValueError(f"received job {job.job_id}, expected {stored.job.job_id}: a job keeps its id")
        with self._lock:
            if job.job_id not in self._jobs:
                raise NotFound(f"there is no job {job.job_id}")
            if self._jobs[job.job_id].revision != stored.revision:
                raise Conflict(f"job {job.job_id} was written since revision {stored.revision}")
            return self._write(job, events)

    def delete(self, job_id: str) -> None:
        """See the port."""
        with self._lock:
            self._jobs.pop(job_id, None)
            self._outbox = {key: event for key, event in self._outbox.items() if event.job_id != job_id}

    def find(
        self,
        states: Collection[JobState],
        *,
        updated_before: datetime,
        updated_from: datetime | None = None,
        open_only: bool = False,
        limit: int = 100,
    ) -> list[StoredJob]:
        """See the port."""
        with self._lock:
            everything = list(self._jobs.values())
        found = [
            stored
            for stored in everything
            if stored.job.state in states
            and stored.job.updated_at < updated_before
            and (updated_from is None or stored.job.updated_at >= updated_from)
            and (stored.job.is_open or not open_only)
        ]
        return sorted(found, key=lambda stored: stored.job.updated_at)[:limit]

    def pending_events(self, limit: int = 100) -> list[Event]:
        """See the port."""
        with self._lock:
            return list(self._outbox.values())[:limit]

    def settle_events(self, event_ids: Collection[str]) -> None:
        """See the port."""
        with self._lock:
            for event_id in event_ids:
                self._outbox.pop(event_id, None)

    def _write(self, job: Job, events: Sequence[Event]) -> StoredJob:
        self._num_writes += 1
        stored = StoredJob(job=job, revision=str(self._num_writes))
        self._jobs[job.job_id] = stored
        for event in events:
            self._outbox.setdefault(event.event_id, event)
        return stored
