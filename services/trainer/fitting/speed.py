"""How long a head takes to be fitted to its end on this machine, told from a few small sums. Pure but for the clock."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from threadpoolctl import threadpool_limits

from services.trainer.fitting.folds import NUM_FOLDS
from services.trainer.fitting.principal import MOST_COMPONENTS

SMALL_WORK = 1.5e7
"""Images times components times classes, up to which a fit takes seconds on any machine and nothing is measured."""
MOST_FIT_S = 60.0
"""Seconds of one core beyond which a head learns by epochs: a pass of some thousands of images takes about as long."""
FIT_FRAC = 0.1
"""Of the budget, at most, for the same."""
STEPS = 1000
"""Of a whole path of strengths with all its folds, about; MobileNet's features of photographs took 700 to 1,000."""
_SEARCH = 2.0
"""Times that a step takes as long as its two products: it looks for its direction, and takes logarithms too."""
_ORDER, _ROWS = 384, 1024
_NUM_TIMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Of one reading.

    Args:
        num_images: That are learnt from.
        width: Numbers per image.
        num_classes: Outputs.
    """

    num_images: int
    width: int
    num_classes: int

    @property
    def order(self) -> int:
        """Of the matrix whose components are sought: images or inputs, whichever are fewer."""
        return min(self.num_images, self.width)

    @property
    def work(self) -> int:
        """Multiplications of one product, of all images with all classes."""
        return self.num_images * min(self.order, MOST_COMPONENTS) * self.num_classes


@dataclass(frozen=True, slots=True, kw_only=True)
class SolveSpeed:
    """Seconds of processor time on one core.

    Args:
        product_s: For one multiplication of large matrices.
        components_s: For the components of a matrix, for each of its order to the power of three.
        step_s: For one multiplication of images with classes, there and back.
    """

    product_s: float
    components_s: float
    step_s: float

    def fit_s(self, sizes: Sequence[Size]) -> float:
        """Return the seconds until readings are judged along the strengths and the best is fitted to all images."""
        return sum(self._one_s(size) for size in sizes)

    def _one_s(self, size: Size) -> float:
        num_kept = min(size.order, MOST_COMPONENTS)
        products = size.num_images * size.width * (size.order + num_kept)
        share = (NUM_FOLDS - 1) / NUM_FOLDS
        steps_s = STEPS * share * size.work * self.step_s * _SEARCH
        return products * self.product_s + size.order**3 * self.components_s + steps_s


def measure_speed(num_classes: int, *, processor_time: Callable[[], float] = time.thread_time) -> SolveSpeed:
    """Time a few small sums of the kind that a fit consists of.

    Args:
        num_classes: Of the fit to come; few of them make poor use of a processor.
        processor_time: Seconds that this thread was at work: what else goes on beside it does not count.
    """
    generator = np.random.default_rng(0)
    square = generator.normal(size=(_ORDER, _ORDER)).astype(np.float32)
    symmetric = (square @ square.T).astype(np.float64)
    inputs = generator.normal(size=(_ROWS, _ORDER)).astype(np.float32)
    kernel = generator.normal(size=(_ORDER, num_classes)).astype(np.float32)

    def seconds_of(work: Callable[[], object]) -> float:
        taken = []
        for _ in range(_NUM_TIMED):
            started = processor_time()
            work()
            taken.append(processor_time() - started)
        return min(taken)

    with threadpool_limits(limits=1, user_api="blas"):
        return SolveSpeed(
            product_s=seconds_of(lambda: square @ square.T) / _ORDER**3,
            components_s=seconds_of(lambda: np.linalg.eigh(symmetric)) / _ORDER**3,
            step_s=seconds_of(lambda: inputs.T @ (inputs @ kernel)) / (_ROWS * _ORDER * num_classes),
        )


speed_here = cache(measure_speed)
"""The same, once for each number of classes: what was decided for one candidate holds for the next."""


def can_be_solved(sizes: Sequence[Size], *, budget_s: float, speed: Callable[[int], SolveSpeed] = speed_here) -> bool:
    """Tell whether a head is fitted to its end, by the time that takes on this machine, or learns by epochs.

    Args:
        sizes: Of all readings that it chooses from.
        budget_s: Seconds that the whole attempt may take.
        speed: See :func:`measure_speed`; asked only where the fit is not small.
    """
    if max(size.work for size in sizes) <= SMALL_WORK:
        return True
    return speed(sizes[0].num_classes).fit_s(sizes) <= min(MOST_FIT_S, FIT_FRAC * budget_s)
