"""What a training would take, told before anything is sent, from how long like ones took here lately.

A training takes some time whatever it is given, and for each photograph the same again. So one that took T seconds for
n photographs says that m take between T and T · m / n, whichever is more; several narrow that down between them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import compress
from statistics import median
from threading import Lock

from shared.clock import Clock
from shared.job.job import Job, JobState
from shared.job.options import JobOptions
from shared.job.progress import Spending
from shared.ports.job_store import JobStore, pages

_WITHIN = timedelta(days=30)
_LOOK_EACH = timedelta(minutes=5)
_MOST_READ, _MOST_HEEDED = 1000, 25
_MOMENT = timedelta(microseconds=1)
_MARGIN = 1.25
"""How far two trainings of the same lie apart: other photographs, and other work of the machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """What one training took.

    Args:
        num_images: Of its archive.
        seconds: Of all attempts.
        options: With which.
        price_per_hour: Of the machine; ``None`` where it is not known.
    """

    num_images: int
    seconds: float
    options: JobOptions
    price_per_hour: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a training is expected to take; ``null`` where nothing like it was trained here lately.

    Args:
        least: At least about this.
        most: At most about this, and no more than the budget.
        num_jobs: How many trainings it rests on.
    """

    least: Spending | None = None
    most: Spending | None = None
    num_jobs: int = 0


def took(job: Job) -> Took | None:
    """Return what a job took; ``None`` where it says nothing about others: stopped, broken off or of no known size."""
    if job.state is not JobState.DONE or job.archive is None or job.attempts != 1 or not job.trained_s:
        return None
    price = job.progress.price_per_hour if job.progress else None
    if job.trained_s > 0.9 * 60 * job.options.minutes_at(price):  # its budget ended it, or nearly so
        return None
    return Took(
        num_images=max(1, job.archive.num_images), seconds=job.trained_s, options=job.options, price_per_hour=price
    )


def estimate_of(known: Sequence[Took], num_images: int, options: JobOptions) -> Estimate:
    """Return what a training is expected to take.

    Args:
        known: What others took, the latest last.
        num_images: Photographs of it.
        options: Choices for it.
    """
    alike = [each for each in known if _of_weight(each.options) == _of_weight(options)]
    alike = sorted(alike[-_MOST_HEEDED * 2 :], key=lambda each: _distance(each, num_images))[:_MOST_HEEDED]
    if not alike:
        return Estimate()
    smaller = [each.num_images < num_images for each in alike]
    sides = [side for side in (smaller, [not each for each in smaller]) if any(side)]
    spans = [sorted((each.seconds, each.seconds * num_images / each.num_images)) for each in alike]
    lows, highs = zip(*spans, strict=True)
    least = max(median(compress(lows, side)) for side in sides)
    most = min(median(compress(highs, side)) for side in sides)
    least, most = min(least, most) / _MARGIN, max(least, most) * _MARGIN
    price = alike[0].price_per_hour
    budget_s = 60 * options.minutes_at(price)
    return Estimate(
        least=Spending.of(round(min(least, budget_s), 1), price),
        most=Spending.of(round(min(most, budget_s), 1), price),
        num_jobs=len(alike),
    )


def _distance(each: Took, num_images: int) -> float:
    return max(each.num_images / num_images, num_images / each.num_images)


def _of_weight(options: JobOptions) -> JobOptions:
    """Return options without those that make no training longer or shorter than another."""
    usual = JobOptions()
    return replace(
        options,
        seed=usual.seed,
        budget_minutes=usual.budget_minutes,
        max_cost=usual.max_cost,
        group_by=usual.group_by,
        split=usual.split,
        min_image_px=usual.min_image_px,
        max_image_px=usual.max_image_px,
    )


class EstimateLook:
    """Estimates from what was looked at a few minutes ago at most.

    Args:
        store: Jobs.
        clock: Tells the time.
    """

    def __init__(self, store: JobStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._lock = Lock()
        self._known: list[Took] = []
        self._good_until: datetime | None = None

    def estimate(self, num_images: int, options: JobOptions) -> Estimate:
        """Return what a training is expected to take.

        Raises:
            Transient: If the store does not answer.
        """
        now = self._clock()
        with self._lock:
            if self._good_until is None or now >= self._good_until:
                self._known = self._looked(now)
                self._good_until = now + _LOOK_EACH
            known = self._known
        return estimate_of(known, num_images, options)

    def _looked(self, now: datetime) -> list[Took]:
        known: list[Took] = []
        num_read = 0
        listing = pages(
            self._store, {JobState.DONE}, updated_before=now + _MOMENT, updated_from=now - _WITHIN, page_size=200
        )
        for page in listing:
            known += [found for stored in page.jobs if (found := took(stored.job)) is not None]
            num_read += len(page.jobs)
            if num_read >= _MOST_READ:
                break
        return known
