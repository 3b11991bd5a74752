"""Near-duplicates: pictures so alike that they must not stand on both sides of a split.

They are found in three ways. Pictures of one moment, recompressed, rescaled or a little brighter agree twice: their
perceptual hashes differ in few bits, and their thumbnails, less their own brightness, differ little for their contrast.
Copies that were mirrored, turned, cropped, rotated or brightened are proposed by
:mod:`services.trainer.data.copies.proposals` and examined by :mod:`services.trainer.data.copies.alignment`. What names
connect is examined less strictly.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from services.trainer.data.copies.alignment import agreement
from services.trainer.data.copies.look import NUM_SUMMED, SMALL_PX, summed
from services.trainer.data.copies.names import pairs_by_name
from services.trainer.data.copies.proposals import Proposals, best_windows, orientations_of, propose
from services.trainer.run.memory import let_go

HASHING_VERSION = 2
"""Raise it when other pictures count as copies; see ``tests/unit/test_data_version.py``."""
MAX_BITS = 6
"""Of 64. On 600 clothes, 600 faces, 600 hand signs and 1,797 digits this and ``MAX_DIFFERENCE`` find the true copies
and nothing else but digits that hardly differ; at 8 bits and 0.25 chains swallow two thirds of a digit class."""
MAX_DIFFERENCE = 0.15
MAX_BRIGHTER = 0.6
"""Both as shares of the standard deviation of the flatter of two thumbnails."""
MOST_COMPARED = 64
"""Of very many pictures with one hash, each is compared with those most like it in brightness or contrast."""
_VALUES = SMALL_PX**2 * 3
"""Numbers in what pictures of one moment are compared by."""
_BLOCK = 128
"""Pairs compared at once: some megabytes."""
_ROWS, _COLUMNS = 256, 8192
LEAST_LIKENESS = 0.8
MOST_PROPOSED = 8
"""Proposals of one picture; a copy's original is among them, however many pictures are like it."""
LEAST_WHOLE, LEAST_DETAIL = 0.91, 0.89
"""What a copy has to agree in, see :class:`Agreement`; measured by ``python -m benchmarks copies``."""
NAMED_WHOLE, NAMED_DETAIL = 0.3, 0.8
"""The same where names tell of a copy, which may be grey or coloured otherwise."""
MOST_MOVED = 0.2
"""Of a side, from where a proposal put a corner: further away it is another picture that was made to fit."""
LEAST_EVIDENCE, EXACT_DETAIL = 10.0, 0.985
"""Pictures with few details agree easily, as handwritten digits do: they have to agree all but exactly."""
MOST_LIGHTER, MOST_RATIO = 64.0, 1.8
"""In grey levels, and times: brighter by more than both is another light, as that of day and night."""


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


def _go_on() -> None:
    """Do nothing between two steps."""


def near_pairs(
    hashes: NDArray[np.uint64],
    looks: NDArray[np.float32],
    thumbnails: NDArray[np.uint8],
    paths: Sequence[str],
    between: Callable[[], None] = _go_on,
) -> Pairs:
    """Find near-duplicates in flat memory.

    Args:
        hashes: ``(num_images,) uint64``; see :func:`services.trainer.data.copies.look.perceptual_hash`.
        looks: ``(num_images, 2) float32``; see :func:`services.trainer.data.copies.look.look_of`.
        thumbnails: ``(num_images, THUMBNAIL_PX, THUMBNAIL_PX, 3) uint8``, best memory-mapped.
        paths: Names of the files.
        between: Called every second or so; may raise to end the search.
    """

    def breathe() -> None:
        let_go(thumbnails)
        between()

    with threadpool_limits(
        limits=1, user_api="blas"
    ):  # products are small: threads would wait for one another, at work
        found = [moments(hashes, looks, thumbnails, breathe), edited(thumbnails, breathe)]
        return _joined([*found, named(thumbnails, paths, breathe)])


def moments(
    hashes: NDArray[np.uint64],
    looks: NDArray[np.float32],
    thumbnails: NDArray[np.uint8],
    between: Callable[[], None] = _go_on,
) -> Pairs:
    """Find pictures that hardly differ where they stand: of one moment, compressed again, rescaled."""
    found = []
    for first, second in alike_hashes(hashes, looks):
        between()
        found += [
            _verified(looks, thumbnails, first[start : start + _BLOCK], second[start : start + _BLOCK])
            for start in range(0, len(first), _BLOCK)
        ]
    return _joined(found)


def edited(thumbnails: NDArray[np.uint8], between: Callable[[], None] = _go_on) -> Pairs:
    """Find copies that were mirrored, turned, cropped, rotated or brightened."""
    proposals = propose(thumbnails, least=LEAST_LIKENESS, most=MOST_PROPOSED, between=between)
    return _examined(thumbnails, proposals, (LEAST_WHOLE, LEAST_DETAIL), between)


def named(thumbnails: NDArray[np.uint8], paths: Sequence[str], between: Callable[[], None] = _go_on) -> Pairs:
    """Find copies among pictures that their names connect."""
    proposals = best_windows(thumbnails, *pairs_by_name(paths))
    return _examined(thumbnails, proposals, (NAMED_WHOLE, NAMED_DETAIL), between)


def _examined(
    thumbnails: NDArray[np.uint8], proposals: Proposals, least: tuple[float, float], between: Callable[[], None]
) -> Pairs:
    """Keep of the proposals what agrees as a whole and in detail, by how far it does."""
    whole, detail = least
    found = agreement(thumbnails, proposals, orientations_of(thumbnails, proposals), between)
    is_told = (found.evidence >= LEAST_EVIDENCE) | (found.detail >= EXACT_DETAIL)
    is_lit_alike = (found.lighter <= MOST_LIGHTER) | (found.ratio <= MOST_RATIO)
    is_copy = (found.whole >= whole) & (found.detail >= detail) & (found.moved <= MOST_MOVED) & is_told & is_lit_alike
    apart = (1 - found.detail[is_copy]) * (MAX_DIFFERENCE / (1 - detail))
    return Pairs(
        first=proposals.first[is_copy],
        second=proposals.second[is_copy],
        difference=np.clip(apart, 0, MAX_DIFFERENCE).astype(np.float32),
    )


def _joined(found: Sequence[Pairs]) -> Pairs:
    return Pairs(
        first=np.concatenate([np.empty(0, np.int64), *(each.first for each in found)]),
        second=np.concatenate([np.empty(0, np.int64), *(each.second for each in found)]),
        difference=np.concatenate([np.empty(0, np.float32), *(each.difference for each in found)]),
    )


def alike_hashes(
    hashes: NDArray[np.uint64], looks: NDArray[np.float32]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield every pair once whose hashes differ in at most ``MAX_BITS`` bits, as far as brightness allows it.

    Every hash is held against every other, 100,000 in some seconds. Where a picture has more than ``MOST_COMPARED``
    such partners of those that come after it, only those most like it count.
    """
    for start in range(0, len(hashes), _ROWS):
        rows = slice(start, min(start + _ROWS, len(hashes)))
        found = [
            _near_in(hashes, looks, rows, slice(column, min(column + _COLUMNS, len(hashes))))
            for column in range(start, len(hashes), _COLUMNS)
        ]
        first, second = (np.concatenate(ends) for ends in zip(*found, strict=True))
        yield _most_alike(looks, first, second)


def _near_in(
    hashes: NDArray[np.uint64], looks: NDArray[np.float32], rows: slice, columns: slice
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs of some hashes with some others that come later."""
    bits = np.bitwise_count(hashes[rows, None] ^ hashes[columns])
    row, column = np.nonzero(bits <= MAX_BITS)
    first, second = row + rows.start, column + columns.start
    flatter = np.minimum(looks[first, 1], looks[second, 1])
    near = (first < second) & (np.abs(looks[first, 0] - looks[second, 0]) <= MAX_BRIGHTER * flatter)
    return _most_alike(looks, first[near], second[near])


def _most_alike(
    looks: NDArray[np.float32], first: NDArray[np.int64], second: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Keep of every image's partners those nearest in brightness, and as many nearest in contrast."""
    order = np.argsort(first, kind="stable")
    first, second = first[order], second[order]
    owners, starts, counts = np.unique(first, return_index=True, return_counts=True)
    kept = np.ones(len(first), bool)
    for owner, start, count in zip(owners, starts, counts, strict=True):
        if count > MOST_COMPARED:
            apart = np.abs(looks[second[start : start + count]] - looks[owner])
            nearest = np.argpartition(apart, MOST_COMPARED // 2, axis=0)[: MOST_COMPARED // 2]
            kept[start : start + count] = False
            kept[start + nearest.ravel()] = True
    return first[kept], second[kept]


def _verified(
    looks: NDArray[np.float32], thumbnails: NDArray[np.uint8], first: NDArray[np.int64], second: NDArray[np.int64]
) -> Pairs:
    """Keep the pairs whose thumbnails agree, with the difference of each."""
    deviation = np.minimum(looks[first, 1], looks[second, 1])
    brighter = looks[first, 0] - looks[second, 0]
    apart = np.subtract(summed(thumbnails[first]), summed(thumbnails[second]), dtype=np.int64) * _VALUES
    apart -= np.rint(brighter * (_VALUES * NUM_SUMMED)).astype(np.int64)[:, None, None, None]
    total = np.abs(apart, out=apart).sum(axis=(1, 2, 3), dtype=np.int64)
    difference = (total / (_VALUES**2 * NUM_SUMMED * deviation.astype(np.float64))).astype(np.float32)
    alike = difference <= MAX_DIFFERENCE
    return Pairs(first=first[alike], second=second[alike], difference=difference[alike])
