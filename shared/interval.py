"""How sure one may be of a share that was counted on a few photographs. Pure."""

import math
from collections.abc import Iterable

_Z95 = 1.959963984540054
"""Two-sided 95 % quantile of the normal distribution."""


def num_independent(group_sizes: Iterable[int]) -> float:
    """Return how many images without copies say as much as images that come in groups of copies.

    Copies are taken to be recognised or mistaken together; that is nearly so, and never too sure of itself.

    Args:
        group_sizes: Images in each group; 1 for an image without copies.

    Returns:
        0 of nothing, the number of images where all are alone, the number of groups where all have one size.

    Source: the effective sample size of Kish, "Survey Sampling", 1965, section 8.2, for an intraclass correlation of 1.
    """
    sizes = list(group_sizes)
    return sum(sizes) ** 2 / max(1, sum(size**2 for size in sizes))


def wilson_interval(num_right: float, num_images: float) -> tuple[float, float]:
    """Return the 95 % score interval of a share: honest for few images and near 0 and 1, where share ± deviations lies.

    Args:
        num_right: Images that count, 0 to ``num_images``; a fraction where copies count for less than one each.
        num_images: All images, or what :func:`num_independent` says of them; of none, nothing is known, and the
            interval is the whole range.

    Returns:
        Low and high end, 0 to 1.

    Source: Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22, 1927.
    """
    if num_images == 0:
        return 0.0, 1.0
    share, z2 = num_right / num_images, _Z95**2
    centre = share + z2 / (2 * num_images)
    half = _Z95 * math.sqrt(share * (1 - share) / num_images + z2 / (4 * num_images**2))
    scale = 1 + z2 / num_images
    # Both ends are exact there; computed, they miss by a rounding error that would show as 99.9999 %.
    low = 0.0 if num_right == 0 else (centre - half) / scale
    high = 1.0 if num_right == num_images else (centre + half) / scale
    return low, high


def mcnemar(first_only: int, second_only: int) -> float:
    """Return how probable it is that two equally good readers differ by chance at least as much as these.

    Args:
        first_only: Images that only the first reads rightly.
        second_only: Images that only the second reads rightly.

    Source: the exact, two-sided test of McNemar, "Note on the sampling error of the difference between correlated
    proportions", Psychometrika 12, 1947: a sign test on the images where they differ.
    """
    total = first_only + second_only
    tail: int = sum(math.comb(total, count) for count in range(min(first_only, second_only) + 1))
    p_value: float = 2 * tail / 2**total
    return min(1.0, p_value)
