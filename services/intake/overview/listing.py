"""All jobs of the service that an operator cares about: those with something to come, and those that ended lately."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.job.job import END_STATES, Job, JobState
from shared.ports.heartbeat_store import HeartbeatStore, as_told
from shared.ports.job_store import JobStore, Position

MOST_LISTED = 500
"""Of each of both kinds: one answer stays below a megabyte."""
_FIRST_ID = "0"
_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Jobs, those at work and in the queue first.

    Args:
        jobs: As those who train them tell them.
        is_whole: Whether there are no more.
        unreadable: Ids of those that cannot be read.
    """

    jobs: tuple[Job, ...]
    is_whole: bool
    unreadable: tuple[str, ...]


def list_jobs(store: JobStore, heartbeats: HeartbeatStore, *, now: datetime, ended_within: timedelta) -> Listing:
    """Return open jobs, the longest unchanged first, and behind them those that ended lately.

    Args:
        store: Jobs.
        heartbeats: What those at work tell.
        now: The present moment.
        ended_within: How long ago a job may have ended.

    Raises:
        Transient: If a store does not answer.
    """
    until = now + _MOMENT
    going = store.find(frozenset(JobState) - END_STATES, updated_before=until, open_only=True, limit=MOST_LISTED)
    since = Position(updated_at=now - ended_within, job_id=_FIRST_ID)
    ended = store.find(END_STATES, updated_before=until, after=since, limit=MOST_LISTED)
    jobs = [as_told(stored.job, heartbeats) for stored in (*going.jobs, *ended.jobs)]
    return Listing(
        jobs=tuple(jobs),
        is_whole=going.end is None and ended.end is None,
        unreadable=(*going.unreadable, *ended.unreadable),
    )
