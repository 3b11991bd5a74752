"""Learning rate and progress: pure arithmetic, so that a run can be ended by the clock or by a number of steps."""

import math
from dataclasses import dataclass

SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """Where a run ends; exactly one of the two is set.

    Attributes:
        hours: Training time over all sittings; loading and pauses do not count.
        steps: Number of updates. Two runs with the same steps and seed see the same batches and learning rates,
            which a clock cannot promise.
    """

    hours: float | None = None
    steps: int | None = None

    def __post_init__(self) -> None:
        """Refuse a limit that sets both or neither."""
        if (self.hours is None) == (self.steps is None):
            raise ValueError(f"expected either hours or steps, received hours={self.hours} and steps={self.steps}")

    def progress(self, *, step: int, elapsed_s: float) -> float:
        """How much of the run is done, 0 to 1, after `step` updates that took `elapsed_s` seconds."""
        if self.steps is not None:
            return min(1.0, step / self.steps)
        return min(1.0, elapsed_s / ((self.hours or 0.0) * SECONDS_PER_HOUR))


def learning_rate_at(progress: float, *, peak: float, warmup_frac: float = 0.02) -> float:
    """Linear warm-up to `peak`, then half a cosine to zero at `progress` 1.

    Source: Loshchilov & Hutter, SGDR, arXiv:1608.03983.
    """
    if progress < warmup_frac:
        return peak * (0.02 + 0.98 * progress / warmup_frac)
    through = (progress - warmup_frac) / (1 - warmup_frac)
    return peak * 0.5 * (1 + math.cos(math.pi * through))


def averaging_decay_at(step: int, *, longest: float) -> float:
    """Decay of the running mean of the weights: short at first, so that it forgets the random start."""
    return min(longest, (1 + step) / (10 + step))
