"""Copies across the parts of a split that a person made: what gives way, so that a test stays honest. Pure."""

import numpy as np
from numpy.typing import NDArray

_LEAST_SHARE = 0.5
"""Of a class in a part, which stays even where it has copies in another: nothing is gained by a class without data."""


def held_higher(groups: NDArray[np.int64], rank: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Tell for every image whether its group has an image of a part that ranks higher.

    Args:
        groups: ``(num_images,) int64``, one number for what is alike.
        rank: ``(num_images,) uint8``: the higher, the more a part judges and the less it is learnt from.
    """
    highest = np.zeros(groups.max() + 1, np.uint8)
    np.maximum.at(highest, groups, rank)
    held: NDArray[np.bool_] = rank < highest[groups]
    return held


def giving_way(
    groups: NDArray[np.int64], labels: NDArray[np.int32], rank: NDArray[np.uint8], *, least: int
) -> NDArray[np.bool_]:
    """Tell for every image whether it is left out, because its group has an image of a part that ranks higher.

    Where that would leave a class fewer than half of its images of a part, or fewer than ``least`` to learn from, all
    of these stay, and the copies stand on both sides.

    Args:
        groups: ``(num_images,) int64``, one number for what is alike.
        labels: ``(num_images,) int32``.
        rank: ``(num_images,) uint8``: 0 to learn from; the higher, the more a part judges.
        least: Images that a class needs to learn from.
    """
    gives = held_higher(groups, rank)
    for label in np.unique(labels[gives]):
        for part in np.unique(rank[gives & (labels == label)]):
            members = (labels == label) & (rank == part)
            num_kept = int((members & ~gives).sum())
            if num_kept < max(least if part == 0 else 1, _LEAST_SHARE * members.sum()):
                gives[members] = False
    return gives
