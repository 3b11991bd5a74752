"""When a job will end: a plan of what each phase costs, corrected by how fast the phases go on this machine. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shared.job.options import JobOptions

PHASES = ("prepare", "screen", "tune", "evaluate", "export")
FAITH_S = 1.0
"""Seconds of measurement after which the measured speed counts as much as the planned one."""
SMOOTHING_S = 2.0
"""Time constant, in seconds, with which the forecast follows new measurements, so that it does not jump about."""

GFLOPS_PER_S = 100.0
"""Billions of floating-point operations that two cores of a usual machine do in a second."""
OVERHEAD_S = 0.002
"""Seconds per image that do not shrink with the network."""
BUILD_S = 1.5
"""Seconds to build and trace a network."""
TAIL_SHARE = 0.4
"""Cost of fine-tuning the last block on kept activations, forward and back, as a share of one pass of the network."""


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


def plan(num_images: int, gflops: Sequence[float], options: JobOptions) -> dict[str, float]:
    """Return the seconds that every phase would take on two cores of a usual machine; only their ratios matter long.

    Args:
        num_images: In the archive.
        gflops: Cost of every candidate for one image, in billions of floating-point operations.
        options: The person's choices.
    """
    features = num_images * sum(OVERHEAD_S + cost / GFLOPS_PER_S for cost in gflops)
    heads = len(gflops) * (BUILD_S + options.epochs * (0.01 + num_images * 2e-6))
    winner = sum(gflops) / max(1, len(gflops))
    epoch = num_images * TAIL_SHARE * winner / GFLOPS_PER_S
    return {
        "prepare": 0.5 + num_images * 0.008,
        "screen": features + heads,
        "tune": 2 * BUILD_S + options.tune_trials * options.tune_epochs * epoch if options.tune_epochs else 0.1,
        "evaluate": 1.0 + 0.3 * num_images * winner / GFLOPS_PER_S,
        "export": 6.0,
    }
