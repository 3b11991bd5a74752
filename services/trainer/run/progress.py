"""How far a run has come: its phases timed, its end foretold, every report completed with both and the best so far."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from shared.job.progress import Best, Progress, ProgressListener, Spending

PHASES = ("prepare", "screen", "tune", "evaluate", "export")
FAITH_S = 1.0
"""Seconds of measurement after which the measured speed counts as much as the planned one."""
SMOOTHING_S = 2.0
"""Time constant, in seconds, with which the forecast follows new measurements, so that it does not jump about."""


def remaining_s(plan_s: Mapping[str, float], spent_s: Mapping[str, float], phase: str, fraction: float) -> float:
    """Return the seconds until the whole job ends.

    The rest of the phase at hand is foretold from its own rate, the more so the further it has come; the phases to
    come from the plan, scaled by how the machine did against the plan so far.

    Args:
        plan_s: Planned seconds of every phase.
        spent_s: Measured seconds of every phase so far, the one at hand included.
        phase: The phase at hand.
        fraction: How much of it is done, 0 to 1.
    """
    position = PHASES.index(phase)
    planned = sum(plan_s[name] for name in PHASES[:position]) + fraction * plan_s[phase]
    spent = sum(spent_s.get(name, 0.0) for name in PHASES[: position + 1])
    slowness = (spent + FAITH_S) / (planned + FAITH_S)
    by_plan = (1 - fraction) * plan_s[phase] * slowness
    by_rate = spent_s.get(phase, 0.0) * (1 - fraction) / fraction if fraction > 0 else by_plan
    here = fraction * by_rate + (1 - fraction) * by_plan
    return here + slowness * sum(plan_s[name] for name in PHASES[position + 1 :])


@dataclass(slots=True, kw_only=True)
class Forecast:
    """Follows a job and foretells its end.

    Args:
        plan_s: Planned seconds of every phase; may be corrected at any time, such as once the number of images is
            known.
        started: When the job began, in seconds of the caller's clock.
    """

    plan_s: dict[str, float]
    started: float
    _spent_s: dict[str, float] = field(default_factory=dict)
    _seen: float | None = None
    _end: float | None = None

    def skip(self, now: float) -> None:
        """Let the time since the last point count for no phase: it says nothing about the speed of those to come."""
        if self._end is not None and self._seen is not None:
            self._end += now - self._seen
        self._seen = now

    def update(self, phase: str, done: int, total: int, now: float) -> float:
        """Take in a point and return the seconds until the job ends, 0 or more.

        Args:
            phase: One of :data:`PHASES`.
            done: Units done in it.
            total: Units it has; 0 where unknown.
            now: Seconds of the caller's clock.
        """
        before = self.started if self._seen is None else self._seen
        self._spent_s[phase] = self._spent_s.get(phase, 0.0) + now - before
        self._seen = now
        fraction = min(1.0, done / total) if total else 0.0
        end = now + remaining_s(self.plan_s, self._spent_s, phase, fraction)
        if self._end is not None:
            end = self._end + (end - self._end) * (1 - math.exp(-(now - before) / SMOOTHING_S))
        self._end = end
        return max(0.0, end - now)


@dataclass(slots=True, kw_only=True)
class PhaseClock:
    """The clock of one run.

    Args:
        listener: Takes the completed reports.
        forecast: Foretells the end; its clock is ``monotonic`` too.
        monotonic: Seconds on a clock that nobody sets.
        price_per_hour: Of this machine; ``None`` where it is not known.
        estimate: What the job was estimated to take, once that was.
    """

    listener: ProgressListener
    forecast: Forecast
    monotonic: Callable[[], float] = time.monotonic
    price_per_hour: float | None = None
    estimate: Spending | None = None
    spent_s: dict[str, float] = field(default_factory=dict)
    _best: Best | None = None

    def wait_for(self, thing: Callable[[], None]) -> None:
        """Wait for something that belongs to no phase and says nothing about their speed."""
        thing()
        self.forecast.skip(self.monotonic())

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time a phase and report its beginning."""
        started = self.monotonic()
        self.report(Progress(phase=name))
        try:
            yield
        finally:
            self.spent_s[name] = self.monotonic() - started

    def report(self, progress: Progress) -> None:
        """Complete a report and hand it on."""
        best = progress.best
        if best is not None and (self._best is None or best.val_accuracy >= self._best.val_accuracy):
            self._best = best
        eta_s = self.forecast.update(progress.phase, progress.done, progress.total, self.monotonic())
        known = replace(progress, estimate=self.estimate, price_per_hour=self.price_per_hour)
        self.listener(replace(known, eta_s=round(eta_s, 1), best=self._best))

    def estimate_by(self, plan_s: Mapping[str, float]) -> None:
        """Estimate the whole job before it begins to train, and foretell its end accordingly."""
        self.forecast.plan_s.update(plan_s)
        self.estimate = Spending.of(round(sum(plan_s.values()), 1), self.price_per_hour)
