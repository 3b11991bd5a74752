"""Jobs in a dictionary, with the promises of the port but durability."""

import threading
from collections.abc import Collection, Sequence
from datetime import datetime

from shared.errors import Conflict, NotFound
from shared.job.events import Event, encode
from shared.job.job import Job, JobState
from shared.job.stored import read_events, unreadable_job
from shared.ports.job_store import JobPage, Position, StoredJob


class MemoryJobStore:
    """The :class:`shared.ports.job_store.JobStore` of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[str, StoredJob] = {}
        self._outbox: dict[str, bytes] = {}
        self._spoilt: set[str] = set()
        self.set_aside: dict[str, bytes] = {}
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
            if job_id in self._spoilt:
                raise unreadable_job(job_id, "spoilt")
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
            events, _ = read_events(self._outbox.items())
            for event in events:
                if event.job_id == job_id:
                    del self._outbox[event.event_id]

    def find(
        self,
        states: Collection[JobState],
        *,
        updated_before: datetime,
        after: Position | None = None,
        open_only: bool = False,
        limit: int = 100,
    ) -> JobPage:
        """See the port."""
        with self._lock:
            everything = list(self._jobs.values())
        found = [
            stored
            for stored in everything
            if stored.job.state in states
            and stored.job.updated_at < updated_before
            and (after is None or _place(stored) > (after.updated_at, after.job_id))
            and (stored.job.is_open or not open_only)
        ]
        page = sorted(found, key=_place)[:limit]
        end = Position(updated_at=page[-1].job.updated_at, job_id=page[-1].job.job_id) if len(page) == limit else None
        unreadable = tuple(stored.job.job_id for stored in page if stored.job.job_id in self._spoilt)
        for job_id in unreadable:
            unreadable_job(job_id, "spoilt")
        jobs = tuple(stored for stored in page if stored.job.job_id not in unreadable)
        return JobPage(jobs=jobs, end=end, unreadable=unreadable)

    def pending_events(self, limit: int = 100) -> list[Event]:
        """See the port."""
        with self._lock:
            while True:
                events, unreadable = read_events(list(self._outbox.items())[:limit])
                if not unreadable:
                    return events
                for event_id in unreadable:
                    self.set_aside[event_id] = self._outbox.pop(event_id)

    def settle_events(self, event_ids: Collection[str]) -> None:
        """See the port."""
        with self._lock:
            for event_id in event_ids:
                self._outbox.pop(event_id, None)

    def spoil_job(self, job_id: str) -> None:
        """Make a job unreadable, as damage would."""
        self._spoilt.add(job_id)

    def spoil_event(self, event_id: str, data: bytes) -> None:
        """Put these bytes in the place of a recorded event."""
        self._outbox[event_id] = data

    def _write(self, job: Job, events: Sequence[Event]) -> StoredJob:
        self._num_writes += 1
        stored = StoredJob(job=job, revision=str(self._num_writes))
        self._jobs[job.job_id] = stored
        for event in events:
            self._outbox.setdefault(event.event_id, encode(event))
        return stored


def _place(stored: StoredJob) -> tuple[datetime, str]:
    return stored.job.updated_at, stored.job.job_id
