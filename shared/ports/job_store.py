"""The store of jobs: the truth about every job, with its outbox."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.errors import NotFound
from shared.job.events import Event
from shared.job.job import Job, JobState


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredJob:
    """A job as read.

    Args:
        job: The job.
        revision: Opaque; changes with every write, and only with a write.
    """

    job: Job
    revision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A place in a listing by age: jobs of one moment follow each other by id, so no two share a place.

    Args:
        updated_at: Of the job.
        job_id: Its id.
    """

    updated_at: datetime
    job_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPage:
    """Part of a listing.

    Args:
        jobs: Those that can be read.
        end: Where the next page begins; ``None`` where this is the last.
        unreadable: Ids of those that cannot; each has been logged at ERROR.
    """

    jobs: tuple[StoredJob, ...]
    end: Position | None
    unreadable: tuple[str, ...] = ()


class JobStore(Protocol):
    """Keeps jobs, with compare-and-set, and the events recorded with each change.

    Every method may raise :class:`shared.errors.Transient`; after that the write may or may not have happened, so the
    caller reads again. Safe for threads and for several processes.
    """

    def create(self, job: Job, events: Sequence[Event] = ()) -> StoredJob:
        """Keep a new job and its events, both or neither, durably.

        Raises:
            Conflict: If a job of that id exists.
        """
        ...

    def get(self, job_id: str) -> StoredJob:
        """Return the job as last written.

        Raises:
            NotFound: If there is none of that id.
            Unreadable: If it is damaged or of a newer version.
        """
        ...

    def replace(self, stored: StoredJob, job: Job, events: Sequence[Event] = ()) -> StoredJob:
        """Write a job over the revision that was read, with the events that announce it, both or neither, durably.

        Args:
            stored: What the caller read; its ``revision`` must still be the current one.
            job: The new value, of the same id.
            events: Recorded in the outbox in the same step.

        Raises:
            Conflict: If the job was written since; read again and decide anew.
            NotFound: If the job is gone.
            ValueError: If ``job`` has another id than the one that was read.
        """
        ...

    def delete(self, job_id: str) -> None:
        """Forget a job and its recorded events for good; one that is missing is no error.

        A write over a revision read before finds nothing and raises :class:`shared.errors.NotFound`.
        """
        ...

    def find(
        self,
        states: Collection[JobState],
        *,
        updated_before: datetime,
        after: Position | None = None,
        open_only: bool = False,
        limit: int = 100,
    ) -> JobPage:
        """Return a page of the jobs in these states whose ``updated_at`` is earlier, the oldest first.

        One that cannot be read stops no listing: the page names it beside the others.

        Args:
            states: The states wanted.
            updated_before: Jobs of this moment or later are left out.
            after: The end of the page before; the first page where it is left out.
            open_only: Leave out jobs with nothing left to be done (:attr:`shared.job.job.Job.is_open`), which are
                nearly all that have ended.
            limit: Most jobs on the page, 1 or more.
        """
        ...

    def pending_events(self, limit: int = 100) -> list[Event]:
        """Return recorded events that were not settled yet, the oldest first.

        One that cannot be read is set aside: logged at ERROR, and its bytes kept durably where no call looks again.
        """
        ...

    def settle_events(self, event_ids: Collection[str]) -> None:
        """Forget events that were published; unknown ids are ignored."""
        ...


_FIRST_ID = "0"
"""Sorts before the ids of jobs, and may be one for every store; no job has it."""


def probe(store: JobStore) -> None:
    """Return where the store can be read: one document is asked for, no query, since indexes take minutes to be made.

    Raises:
        Transient: If it does not answer.
    """
    with suppress(NotFound):
        store.get(_FIRST_ID)


def pages(
    store: JobStore,
    states: Collection[JobState],
    *,
    updated_before: datetime,
    updated_from: datetime | None = None,
    open_only: bool = False,
    page_size: int = 200,
) -> Iterator[JobPage]:
    """Yield a whole listing page by page, so that memory does not grow with it.

    A job that moves on while the listing is looked through may come twice, or not at all.

    Args:
        store: Where the jobs are.
        states: As in :meth:`JobStore.find`.
        updated_before: Likewise.
        updated_from: Jobs of before this moment are left out too, if it is given.
        open_only: Likewise.
        page_size: Most jobs held at once.
    """
    after = None if updated_from is None else Position(updated_at=updated_from, job_id=_FIRST_ID)
    while True:
        page = store.find(states, updated_before=updated_before, after=after, open_only=open_only, limit=page_size)
        yield page
        if page.end is None:
            return
        after = page.end
