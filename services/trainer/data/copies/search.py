"""Near-duplicates: pictures so alike that they must not stand on both sides of a split.

A near-duplicate agrees twice: its perceptual hash differs in few bits, and its thumbnail, less its own brightness,
differs little for its contrast. The hash alone takes all low-texture pictures (X-rays, handwriting, plain ground) for
one another. Recompressed, rescaled and brightened copies agree in both, and most of those cropped by a hair.

All that is compared is whole numbers; see :mod:`services.trainer.data.copies.look`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from services.trainer.data.copies.look import THUMBNAIL_PX

HASHING_VERSION = 1
"""Raise it when other pictures count as copies; see ``tests/unit/test_data_version.py``."""
MAX_BITS = 6
"""Of 64. On 600 clothes, 600 faces, 600 hand signs and 1,797 digits this and ``MAX_DIFFERENCE`` find the true copies
and nothing else but digits that hardly differ; at 8 bits and 0.25 chains swallow two thirds of a digit class."""
MAX_DIFFERENCE = 0.15
MAX_BRIGHTER = 0.6
"""Both as shares of the standard deviation of the flatter of two thumbnails."""
_BANDS = MAX_BITS + 1
"""Hashes that differ in 6 bits agree in at least one of 7 bands, so only equal bands are compared (pigeonhole)."""
_WINDOW = 32
"""Within an equal band only so many next neighbours by brightness are compared: 100,000 plain images stay feasible."""
_VALUES = THUMBNAIL_PX**2 * 3
"""Numbers in a thumbnail."""
_BLOCK = 128
"""Pairs compared at once: half a megabyte of differences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Near-duplicates.

    Args:
        first: ``(num_pairs,) int64``, positions of images.
        second: The other of each pair.
        difference: ``(num_pairs,) float32``, 0: alike, to ``MAX_DIFFERENCE``.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    difference: NDArray[np.float32]


def near_pairs(hashes: NDArray[np.uint64], looks: NDArray[np.float32], thumbnails: NDArray[np.uint8]) -> Pairs:
    """Find near-duplicates in less than quadratic time and in flat memory.

    Args:
        hashes: ``(num_images,) uint64``; see :func:`perceptual_hash`.
        looks: ``(num_images, 2) float32``; see :func:`look_of`.
        thumbnails: ``(num_images, THUMBNAIL_PX, THUMBNAIL_PX, 3) uint8``, best memory-mapped: few of them are read.
    """
    found = [
        _verified(looks, thumbnails, first[start : start + _BLOCK], second[start : start + _BLOCK])
        for first, second in alike_hashes(hashes, looks[:, 0])
        for start in range(0, len(first), _BLOCK)
    ]
    if not found:
        return Pairs(first=np.empty(0, np.int64), second=np.empty(0, np.int64), difference=np.empty(0, np.float32))
    first, second, difference = (np.concatenate(column) for column in zip(*found, strict=True))
    return Pairs(first=first, second=second, difference=difference)


def alike_hashes(
    hashes: NDArray[np.uint64], brightness: NDArray[np.float32]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield pairs whose hashes differ in at most ``MAX_BITS`` bits; every pair at most once."""
    edges = np.linspace(0, 64, _BANDS + 1).astype(int)
    masks = [np.uint64((1 << int(high)) - (1 << int(low))) for low, high in pairwise(edges)]
    for band, mask in enumerate(masks):
        order = np.lexsort((brightness, hashes & mask))
        ordered = hashes[order]
        for step in range(1, min(_WINDOW + 1, len(order))):
            differing = ordered[step:] ^ ordered[:-step]
            same_band = (differing & mask) == 0
            if not same_band.any():
                break
            alike = same_band & (np.bitwise_count(differing) <= MAX_BITS)
            for earlier in masks[:band]:
                alike &= (differing & earlier) != 0
            at = np.flatnonzero(alike)
            yield order[at], order[at + step]


def _verified(
    looks: NDArray[np.float32], thumbnails: NDArray[np.uint8], first: NDArray[np.int64], second: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Keep the pairs whose thumbnails agree, with the difference of each."""
    deviation = np.minimum(looks[first, 1], looks[second, 1])
    brighter = looks[first, 0] - looks[second, 0]
    near = np.abs(brighter) <= MAX_BRIGHTER * deviation
    first, second, deviation, brighter = first[near], second[near], deviation[near], brighter[near]
    apart = np.subtract(thumbnails[first], thumbnails[second], dtype=np.int32)
    apart *= _VALUES
    apart -= np.rint(brighter * _VALUES).astype(np.int32)[:, None, None, None]
    total = np.abs(apart, out=apart).sum(axis=(1, 2, 3), dtype=np.int64)
    difference = (total / (_VALUES**2 * deviation.astype(np.float64))).astype(np.float32)
    alike = difference <= MAX_DIFFERENCE
    return first[alike], second[alike], difference[alike]
