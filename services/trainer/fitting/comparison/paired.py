"""Two readers of the same images, one beside the other. Pure."""

import numpy as np
from numpy.typing import NDArray


def groups_that_differ(
    first: NDArray[np.bool_], second: NDArray[np.bool_], groups: NDArray[np.int64]
) -> tuple[int, int]:
    """Return in how many groups of copies the first reads more images rightly than the second, and in how many fewer.

    Args:
        first: Whether the first reads each image rightly.
        second: The same of the second.
        groups: Copies among the images have one number; they speak with one voice.
    """
    _, position = np.unique(groups, return_inverse=True)
    ahead = np.bincount(position, weights=first.astype(np.int64) - second)
    return int((ahead > 0).sum()), int((ahead < 0).sum())
