"""How many jobs may be open at a time; those that come at once are counted before any of them is made."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Lock

from shared.clock import Clock
from shared.errors import UserFault
from shared.job.job import END_STATES, JobState
from shared.ports.job_store import JobStore, pages
from shared.web.error_reply import RETRY_AFTER

_GOING = frozenset(JobState) - END_STATES
_MOMENT = timedelta(microseconds=1)
_LEAST_S = 2.0
_PER_S = 100
"""Jobs that a look may read for each second until the next one: reads of Firestore cost money, and all cost time."""


class Capacity:
    """Lets jobs in while fewer than the most are open, and may touch.

    The store is looked at when all places seem taken, not at every job: in between, those that were let in are added to
    what was seen, and what ends meanwhile is found out by the next look. So this process never lets in more than the
    most; several beside each other may, by what the others let in since a look.

    Args:
        store: Jobs.
        most: Jobs that may be open; 0: any number.
        clock: Tells the time.
    """

    def __init__(self, store: JobStore, most: int, clock: Clock) -> None:
        self._store = store
        self._most = most
        self._clock = clock
        self._lock = Lock()
        self._num_open = most
        self._look_after: datetime | None = None

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place while a job is made; it is free again at once where that fails.

        Raises:
            UserFault: ``too_many_jobs``.
            Transient: If the store does not answer.
        """
        if self._most == 0:
            yield
            return
        self._take()
        try:
            yield
        except BaseException:
            self._give_back()
            raise

    def _take(self) -> None:
        with self._lock:
            now = self._clock()
            if self._num_open >= self._most and (self._look_after is None or now >= self._look_after):
                self._num_open = self._counted(now)
                self._look_after = now + timedelta(seconds=max(_LEAST_S, self._num_open / _PER_S))
            if self._num_open >= self._most:
                raise self._full(now)
            self._num_open += 1

    def _give_back(self) -> None:
        with self._lock:
            self._num_open -= 1

    def _counted(self, now: datetime) -> int:
        """Count open jobs, and no further than the most."""
        number = 0
        for page in pages(self._store, _GOING, updated_before=now + _MOMENT, open_only=True, page_size=500):
            number += len(page.jobs) + len(page.unreadable)
            if number >= self._most:
                break
        return number

    def _full(self, now: datetime) -> UserFault:
        left_s = (self._look_after - now).total_seconds() if self._look_after else _LEAST_S
        return UserFault(
            "too_many_jobs",
            f"{self._most:,} jobs are open, and this service takes no more at a time.",
            fix="Try again once some of them have ended.",
            details={"max_jobs": self._most, RETRY_AFTER: max(1, math.ceil(left_s))},
        )
