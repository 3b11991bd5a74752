"""Joins pictures that are alike into groups, and says what a split has to tear apart."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from services.trainer.data.copies.search import MAX_DIFFERENCE, Pairs

_MIN_GROUPS = 3
"""A class needs one for each part of the split."""
_MAX_SHARE = 0.7
"""Of a class that has to be torn: what stays together may be so much of it, or nothing would be left to test with."""


def alike_groups(pairs: Pairs, num_images: int) -> NDArray[np.int64]:
    """Return the number of every image's group: all that near-duplicates connect; an image alone has one of its own."""
    return _connected(pairs, np.ones(len(pairs.first), bool), num_images)


def split_groups(pairs: Pairs, labels: NDArray[np.int32]) -> NDArray[np.int64]:
    """Join near-duplicates into groups, as far as every class keeps something to split.

    A class with three groups of its own can be split, however large one of them is: that one is learnt from. In a
    class that has fewer, pairs must agree ever more closely, and in the end count no more: it is torn where it is least
    alike, until no group has more than ``_MAX_SHARE`` of its images.

    Args:
        pairs: Near-duplicates.
        labels: ``(num_images,) int32``.

    Returns:
        ``(num_images,) int64``: number of the group; equals :func:`alike_groups` where no class had to be torn.
    """
    limit = np.full(labels.max() + 1, MAX_DIFFERENCE)
    torn: set[int] = set()
    while True:
        used = pairs.difference <= np.minimum(limit[labels[pairs.first]], limit[labels[pairs.second]])
        groups = _connected(pairs, used, len(labels))
        num_groups, shares = _of_classes(groups, labels)
        torn.update(np.flatnonzero(num_groups < _MIN_GROUPS).tolist())
        lumped = [label for label in sorted(torn) if num_groups[label] < _MIN_GROUPS or shares[label] > _MAX_SHARE]
        if not lumped:
            return groups
        limit[lumped] = np.where(limit[lumped] > MAX_DIFFERENCE / 8, limit[lumped] / 2, -1)


def is_pure(groups: NDArray[np.int64], labels: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Tell for every image whether all images of its group have its label."""
    low = np.full(groups.max() + 1, np.iinfo(np.int32).max, np.int32)
    high = np.full(groups.max() + 1, -1, np.int32)
    np.minimum.at(low, groups, labels)
    np.maximum.at(high, groups, labels)
    pure: NDArray[np.bool_] = (low == high)[groups]
    return pure


def straddles(groups: NDArray[np.int64], parts: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Tell for every image whether its group stands in several parts of a split.

    Args:
        groups: ``(num_images,) int64``.
        parts: ``(num_images,) uint8``, the number of the part that each image is in.
    """
    return ~is_pure(groups, parts.astype(np.int32))


def _connected(pairs: Pairs, used: NDArray[np.bool_], num_images: int) -> NDArray[np.int64]:
    ends = (pairs.first[used], pairs.second[used])
    links = coo_array((np.ones(len(ends[0]), bool), ends), shape=(num_images, num_images))
    groups: NDArray[np.int64] = connected_components(links, directed=False)[1].astype(np.int64)
    return groups


def _of_classes(groups: NDArray[np.int64], labels: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return for every class how many groups are its own, and the share of its images that its largest group has."""
    pure = is_pure(groups, labels)
    num_classes = int(labels.max()) + 1
    num_groups, shares = np.zeros(num_classes, np.int64), np.zeros(num_classes)
    for label in range(num_classes):
        inside = labels == label
        num_groups[label] = len(np.unique(groups[inside & pure]))
        shares[label] = np.unique(groups[inside], return_counts=True)[1].max() / inside.sum()
    return num_groups, shares
