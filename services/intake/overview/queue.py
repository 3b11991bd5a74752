"""Who is next: places in the queue, and when a trainer is expected to take each job up."""

import heapq
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.job.job import Job


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a job stands in the queue.

    Args:
        position: 1 for the next one.
        starts_in_s: Seconds until a trainer is expected to take it up; ``None`` where nothing tells.
    """

    position: int
    starts_in_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """The queue at one moment.

    Args:
        waiting: Jobs in the order in which they are taken, as far as they were looked at.
        is_whole: Whether these are all.
        starts: When each of them is expected to start; empty where nothing tells.
        latest: When one that came since would start.
    """

    waiting: tuple[tuple[datetime, str], ...] = ()
    is_whole: bool = True
    starts: tuple[datetime, ...] = ()
    latest: datetime | None = None

    def place_of(self, job: Job, now: datetime) -> Place | None:
        """Return the place of a job that waits, ``None`` where it stands behind all that were looked at.

        Args:
            job: Its ``updated_at`` is when it joined the queue.
            now: Seconds count from here.
        """
        ahead = bisect_left(self.waiting, (job.updated_at, job.job_id))
        if ahead == len(self.waiting) and not self.is_whole:
            return None
        start = self.starts[ahead] if ahead < len(self.starts) else self.latest
        in_s = None if start is None else round(max(0.0, (start - now).total_seconds()), 1)
        return Place(position=ahead + 1, starts_in_s=in_s)


def queue_of(waiting: Sequence[Job], at_work: Sequence[Job], *, now: datetime, is_whole: bool = True) -> Queue:
    """Put jobs in order, and tell when each starts if as many are trained at a time as now.

    A job that waits is taken to last as long as those at work do on average, and no longer than its own budget.

    Args:
        waiting: Jobs in the queue.
        at_work: Jobs that are trained now, as their trainers tell them.
        now: When both were looked at.
        is_whole: Whether ``waiting`` has all.
    """
    ordered = sorted(waiting, key=_turn)
    places = tuple(_turn(job) for job in ordered)
    known = [(job, left_s) for job in at_work if (left_s := _left_s(job)) is not None]
    if not known:
        return Queue(waiting=places, is_whole=is_whole)
    usual_s = sum(job.trained_s + left_s for job, left_s in known) / len(known)
    free_in_s = [left_s for _, left_s in known]
    heapq.heapify(free_in_s)
    starts = []
    for job in ordered:
        starts.append(now + timedelta(seconds=free_in_s[0]))
        heapq.heapreplace(free_in_s, free_in_s[0] + min(usual_s, 60 * job.options.budget_minutes))
    latest = now + timedelta(seconds=free_in_s[0])
    return Queue(waiting=places, is_whole=is_whole, starts=tuple(starts), latest=latest)


def _turn(job: Job) -> tuple[datetime, str]:
    return job.updated_at, job.job_id


def _left_s(job: Job) -> float | None:
    """Return the seconds that a training goes on for, ``None`` before it can tell."""
    if job.progress is None:
        return None
    if job.progress.eta_s is not None:
        return job.progress.eta_s
    if job.progress.estimate is not None:
        return max(0.0, job.progress.estimate.seconds - job.trained_s)
    return None
