"""How much of a cross-validated accuracy is owed to having been the best of several. Pure."""

import numpy as np
from numpy.typing import NDArray

from services.trainer.fitting.out_of_fold import Tried

_NUM_DRAWS = 500


def best_of_several(tried: Tried, groups: NDArray[np.int64], *, seed: int) -> float:
    """Return the accuracy on images that did not choose, of whatever the other images would have chosen.

    The images are drawn anew with replacement, whole groups of copies at a time; what has the least log loss on those
    drawn is read on those that were not. No head is fitted again.

    Args:
        tried: Everything that was chosen from.
        groups: ``(num_images,)``; copies have the same number.
        seed: Of the draws.

    Source: Tsamardinos, Greasidou, Borboudakis, "Bootstrapping the out-of-sample predictions for efficient and
    accurate cross-validation", Machine Learning 107, 2018 (arXiv:1708.07180), algorithm 4.
    """
    _, member_of = np.unique(groups, return_inverse=True)
    sizes = np.bincount(member_of).astype(np.float64)
    right, loss = _by_group(tried.right, member_of), _by_group(tried.loss, member_of)
    generator = np.random.default_rng(seed)
    drawn = generator.multinomial(len(sizes), np.full(len(sizes), 1 / len(sizes)), size=_NUM_DRAWS)
    chosen = (drawn @ loss.T).argmin(axis=1)
    left = drawn == 0
    num_left = left @ sizes
    num_right = (left @ right.T)[np.arange(_NUM_DRAWS), chosen]
    counts = num_left > 0
    if not counts.any():
        return float(right.sum(axis=1).max() / sizes.sum())
    return float((num_right[counts] / num_left[counts]).mean())


def _by_group(values: NDArray[np.generic], member_of: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sum values ``(num_tried, num_images)`` over groups, ``(num_tried, num_groups)``."""
    return np.stack([np.bincount(member_of, weights=row) for row in values.astype(np.float64)])
