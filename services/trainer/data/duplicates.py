"""Copies among images: identical pictures, and pictures so alike that they must not stand on both sides of a split.

A near-duplicate agrees twice: its perceptual hash differs in few bits, and its thumbnail, less its own brightness,
differs little for its contrast. The hash alone takes all low-texture pictures (X-rays, handwriting, plain ground) for
one another. Recompressed, rescaled and brightened copies agree in both, and most of those cropped by a hair.

All that is compared comes from one square of ``LOOK_PX`` and is computed in whole numbers: what counts as a copy
depends neither on the candidates nor on the order in which a processor adds up fractions.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from shared.job.result import LabelConflict

HASHING_VERSION = 1
"""Raise it when other pictures count as copies; see ``tests/unit/test_data_version.py``."""
LOOK_PX = 224
"""Side of the square that every picture is compared by."""
HASH_PX = 32
THUMBNAIL_PX = 16
_LOW = 8
"""The hash keeps the 8 x 8 lowest of the 32 x 32 frequencies."""
MAX_BITS = 6
"""Of 64. On 600 clothes, 600 faces, 600 hand signs and 1,797 digits this and ``MAX_DIFFERENCE`` find the true copies
and nothing else but digits that hardly differ; at 8 bits and 0.25 chains swallow two thirds of a digit class."""
MAX_DIFFERENCE = 0.15
MAX_BRIGHTER = 0.6
"""Both as shares of the standard deviation of the flatter of two thumbnails."""
_LEAST_DEVIATION = 2.0
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


class Copies:
    """Finds identical pictures as they come, by a digest of how they look."""

    def __init__(self) -> None:
        self._row_of: dict[bytes, int] = {}
        self._others: dict[int, list[tuple[int, str]]] = {}

    def admit(self, digest: bytes, *, row: int, label: int, path: str) -> bool:
        """Tell whether a picture is new; if so it becomes ``row``."""
        first = self._row_of.setdefault(digest, row)
        if first == row:
            return True
        self._others.setdefault(first, []).append((label, path))
        return False

    def settle(self, labels: Sequence[int], paths: Sequence[str]) -> tuple[int, tuple[LabelConflict, ...], list[int]]:
        """Count what was dropped, once all pictures have come.

        Args:
            labels: Of the rows.
            paths: Of the rows.

        Returns:
            The number of copies dropped, the conflicts by path, and the rows that conflicts take back, ascending.
        """
        conflicts = {
            row: LabelConflict(paths=(paths[row], *(path for _, path in others)))
            for row, others in sorted(self._others.items())
            if any(label != labels[row] for label, _ in others)
        }
        exact = sum(len(others) for row, others in self._others.items() if row not in conflicts)
        return exact, tuple(conflicts.values()), list(conflicts)


def thumbnail_of(square: Image.Image) -> Image.Image:
    """Return a picture as ``HASH_PX`` squared, by cheap means."""
    small = square.reduce(max(1, square.width // HASH_PX))
    return small.resize((HASH_PX, HASH_PX), Image.Resampling.BILINEAR)


def perceptual_hash(grey: NDArray[np.uint8]) -> int:
    """Return 64 bits that tell which low frequencies are above their median, as ``imagehash.phash`` does.

    Args:
        grey: ``(HASH_PX, HASH_PX) uint8``.

    Source: Zauner, Implementation and benchmarking of perceptual image hash functions, 2010, section 3.2.1.
    """
    low = (_DCT @ grey.astype(np.int64) @ _DCT.T).ravel()
    middle = np.partition(low, (31, 32))  # np.median takes ten times as long on 64 numbers
    return int.from_bytes(np.packbits(2 * low > middle[31] + middle[32]).tobytes())


_DCT = np.rint(scipy.fft.dct(np.eye(HASH_PX), axis=0)[:_LOW] * 2**20).astype(np.int64)
"""Scaled to whole numbers, the largest of which twice times 32 pixels squared stays below 2**61."""


def look_of(thumbnail: NDArray[np.uint8]) -> tuple[float, float]:
    """Return brightness and contrast of a thumbnail: mean and standard deviation of its values."""
    values = thumbnail.astype(np.int64)
    total = int(values.sum())
    variance = (thumbnail.size * int((values * values).sum()) - total * total) / thumbnail.size**2
    return total / thumbnail.size, max(math.sqrt(variance), _LEAST_DEVIATION)


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


def group(pairs: Pairs, labels: NDArray[np.int32]) -> NDArray[np.int64]:
    """Join near-duplicates into groups, as far as every class keeps something to split.

    A class needs three groups of its own, and none with more than ``_MAX_SHARE`` of its images; where chains of alike
    pictures leave less, its pairs must agree ever more closely, and in the end count no more.

    Args:
        pairs: Near-duplicates.
        labels: ``(num_images,) int32``.

    Returns:
        ``(num_images,) int64``: number of the group; images without near-duplicates have one of their own.
    """
    limit = np.full(labels.max() + 1, MAX_DIFFERENCE)
    while True:
        used = pairs.difference <= np.minimum(limit[labels[pairs.first]], limit[labels[pairs.second]])
        ends = (pairs.first[used], pairs.second[used])
        links = coo_array((np.ones(len(ends[0]), bool), ends), shape=(len(labels),) * 2)
        groups: NDArray[np.int64] = connected_components(links, directed=False)[1].astype(np.int64)
        lumped = _lumped_classes(groups, labels)
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


_MAX_SHARE = 0.7
_MIN_GROUPS = 3


def _lumped_classes(groups: NDArray[np.int64], labels: NDArray[np.int32]) -> list[int]:
    """Name the classes that cannot be split in three."""
    pure = is_pure(groups, labels)
    lumped = []
    for label in range(int(labels.max()) + 1):
        inside = labels == label
        own = np.unique(groups[inside & pure])
        _, sizes = np.unique(groups[inside], return_counts=True)
        if len(own) < _MIN_GROUPS or sizes.max() > _MAX_SHARE * inside.sum():
            lumped.append(label)
    return lumped
