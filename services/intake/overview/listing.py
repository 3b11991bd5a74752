"""All jobs of the service that an operator cares about: those with something to come, and those that ended lately."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shared.job.job import END_STATES, Job, JobState
from shared.ports.heartbeat_store import HeartbeatStore, as_told
from shared.ports.job_store import JobPage, JobStore, Position

MOST_LISTED = 500
"""Of each of both kinds: one answer stays below a megabyte."""
_FIRST_ID = "0"
_MOMENT = timedelta(microseconds=1)
_NOTHING = JobPage(jobs=(), end=None)


class Order(StrEnum):
    """What comes first in a list."""

    AGE = "age"
    SIZE = "size"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which jobs are listed, and how.

    Args:
        states: Those in these states.
        ended_within: How long ago one of them may have ended.
        order: What comes first: those at work and in the queue and among them the longest unchanged, or the largest
            archive.
    """

    states: Collection[JobState] = frozenset(JobState)
    ended_within: timedelta = timedelta(days=1)
    order: Order = Order.AGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Jobs in the order that was asked for.

    Args:
        jobs: As those who train them tell them.
        is_whole: Whether there are no more.
        unreadable: Ids of those that cannot be read.
    """

    jobs: tuple[Job, ...]
    is_whole: bool
    unreadable: tuple[str, ...]


def list_jobs(store: JobStore, heartbeats: HeartbeatStore, *, now: datetime, wanted: Wanted) -> Listing:
    """Return open jobs, the longest unchanged first, and behind them those that ended lately.

    Args:
        store: Jobs.
        heartbeats: What those at work tell.
        now: The present moment.
        wanted: Which of them, and how.

    Raises:
        Transient: If a store does not answer.
    """
    until, states = now + _MOMENT, frozenset(wanted.states)
    going = ended = _NOTHING
    if states - END_STATES:
        going = store.find(states - END_STATES, updated_before=until, open_only=True, limit=MOST_LISTED)
    if states & END_STATES:
        since = Position(updated_at=now - wanted.ended_within, job_id=_FIRST_ID)
        ended = store.find(states & END_STATES, updated_before=until, after=since, limit=MOST_LISTED)
    jobs = [as_told(stored.job, heartbeats) for stored in (*going.jobs, *ended.jobs)]
    if wanted.order is Order.SIZE:
        jobs.sort(key=_size_bytes, reverse=True)
    return Listing(
        jobs=tuple(jobs),
        is_whole=going.end is None and ended.end is None,
        unreadable=(*going.unreadable, *ended.unreadable),
    )


def _size_bytes(job: Job) -> int:
    return job.archive.size_bytes if job.archive else 0
