"""Proposes pairs of pictures that could be copies: for each picture, the few that look most like it through a window.

Up to ``EXACT_IMAGES`` every picture is held against every other. Of more, each is held against those whose spectra, all
orientations taken together, lie near its own: that takes a few hundredths of the comparisons, and misses few copies.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.trainer.data.copies.views import WINDOWS, Floats, parities, signatures, small_planes, spectra, transposed
from services.trainer.run.memory import let_go

Indices = NDArray[np.int64]
EXACT_IMAGES = 4096
_CELL = 256
"""Pictures in a cell of like spectra, on average."""
_CELLS_ASKED = 8
_ROWS, _COLUMNS = 512, 1024
"""Pictures compared at once: four arrays of 2 MB."""
_BLOCK = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposals:
    """Pairs of pictures that could be copies.

    Args:
        first: ``(num_pairs,) int64``: the picture that is looked at through the first window of a pair.
        second: The other, looked at through the second.
        likeness: ``(num_pairs,) float32``: correlation of what is seen, to 1.
        window: ``(num_pairs,) int8``, position in :data:`WINDOWS`.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    likeness: NDArray[np.float32]
    window: NDArray[np.int8]


def propose(
    thumbnails: NDArray[np.uint8],
    *,
    least: float,
    most: int,
    exact_images: int = EXACT_IMAGES,
    between: Callable[[], None] = lambda: None,
) -> Proposals:
    """Return for every picture the others that it could be a copy of, each pair once.

    Args:
        thumbnails: ``(num_images, THUMBNAIL_PX, THUMBNAIL_PX, 3) uint8``, best memory-mapped.
        least: Likeness of a proposal.
        most: Proposals of one picture.
        exact_images: Up to so many images all pairs are compared.
        between: Called between two steps; may raise to end the search.
    """
    best = _Best(len(thumbnails), least, most)
    num_images, is_exact = len(thumbnails), len(thumbnails) <= exact_images
    everywhere = np.arange(num_images)
    kept = list(_small(thumbnails)) if is_exact else None  # 28 MB at most; of more they are made anew each time
    for number in range(len(WINDOWS)):
        looked, through = (_all_spectra(kept or _small(thumbnails), number, side, num_images) for side in (0, 1))
        groups = [(everywhere, everywhere)] if is_exact else _cells(looked, through)
        for rows, columns in _tiles(groups):
            between()
            best.take(rows, columns, _likeness(looked[rows], through[columns]), number)
    return best.proposals()


def _tiles(groups: Iterable[tuple[Indices, Indices]]) -> Iterator[tuple[Indices, Indices]]:
    for rows, columns in groups:
        for row in range(0, len(rows), _ROWS):
            for column in range(0, len(columns), _COLUMNS):
                yield rows[row : row + _ROWS], columns[column : column + _COLUMNS]


def _cells(looked: Floats, through: Floats) -> Iterator[tuple[Indices, Indices]]:
    """Yield pictures of like spectra, and all whose own is not far from theirs.

    The middle of a cell is the spectrum of some picture; one cell is as good as another.
    """
    middles = signatures(looked[:: max(1, len(looked) // max(1, len(looked) // _CELL))])
    of_looked, of_through = (_nearest(each, middles, count) for each, count in ((looked, 1), (through, _CELLS_ASKED)))
    asking = np.argsort(of_through.ravel(), kind="stable")
    ends = np.searchsorted(of_through.ravel()[asking], np.arange(len(middles) + 1))
    for cell in range(len(middles)):
        columns = asking[ends[cell] : ends[cell + 1]] // of_through.shape[1]
        yield np.flatnonzero(of_looked[:, 0] == cell), np.sort(columns)


def _nearest(found: Floats, middles: Floats, count: int) -> Indices:
    """Return the cells nearest to every spectrum, ``(num_images, count)``."""
    count = min(count, len(middles))
    parts = []
    for start in range(0, len(found), _BLOCK):
        near = signatures(found[start : start + _BLOCK]) @ middles.T
        parts.append(np.argpartition(-near, count - 1, axis=1)[:, :count])
    return np.concatenate(parts)


def _small(thumbnails: NDArray[np.uint8]) -> Iterator[Floats]:
    """Yield the small planes of all pictures, a block at a time."""
    for start in range(0, len(thumbnails), _BLOCK):
        yield small_planes(thumbnails[start : start + _BLOCK])
        let_go(thumbnails)  # what was touched of the map would count as this process's memory, 7 kB a picture


def _all_spectra(blocks: Iterable[Floats], number: int, side: int, num_images: int) -> Floats:
    found: Floats | None = None
    start = 0
    for planes in blocks:
        part = spectra(planes, number, side)
        if found is None:
            found = np.empty((num_images, *part.shape[1:]), part.dtype)
        found[start : start + len(part)] = part
        start += len(part)
    return np.empty((0, 0), np.float32) if found is None else found


def _likeness(first: Floats, second: Floats) -> Floats:
    """Return the correlation of every picture with every other, in the orientation that fits best."""
    best = _mirrored(first, second)
    return np.maximum(best, _mirrored(first, second[:, transposed()]), out=best)


def _mirrored(first: Floats, second: Floats) -> Floats:
    """Return the correlation in the best of the four ways to mirror, turned or not."""
    even, both, across, down = (first[:, part] @ second[:, part].T for part in parities())
    best: Floats = across + down
    np.abs(best, out=best)
    best += both
    across -= down
    np.abs(across, out=across)
    across -= both
    np.maximum(best, across, out=best)
    best += even
    return best


def _turned(first: Floats, second: Floats) -> Floats:
    """Return the correlation of every pair in each of :data:`ORIENTATIONS`, ``(8, num_pairs)``."""
    found = []
    for turned in (second, second[:, transposed()]):
        even, both, across, down = ((first[:, part] * turned[:, part]).sum(axis=1) for part in parities())
        found += [even + sx * across + sy * down + sx * sy * both for sx in (1, -1) for sy in (1, -1)]
    return np.stack(found)


class _Best:
    """The best proposals of every picture so far."""

    def __init__(self, num_images: int, least: float, most: int) -> None:
        self._other = np.full((num_images, most), -1, np.int64)
        self._likeness = np.full((num_images, most), least, np.float32)
        self._window = np.zeros((num_images, most), np.int8)
        self._most = most

    def take(self, rows: Indices, columns: Indices, likeness: Floats, window: int) -> None:
        """Keep what is better than the worst that is kept.

        Args:
            rows: The pictures that are looked at.
            columns: What they are held against.
            likeness: ``(num_rows, num_columns)``.
            window: Position in :data:`WINDOWS`.
        """
        row, column = np.nonzero(likeness > self._likeness[rows, -1][:, None])
        others = rows[row] != columns[column]  # nothing is a copy of itself
        row, column = row[others], column[others]
        touched, position = np.unique(row, return_inverse=True)
        known = rows[touched]
        owner = np.concatenate([np.repeat(np.arange(len(touched)), self._most), position])
        other = np.concatenate([self._other[known].ravel(), columns[column]])
        value = np.concatenate([self._likeness[known].ravel(), likeness[row, column]])
        through = np.concatenate([self._window[known].ravel(), np.full(len(row), window, np.int8)])
        order = np.lexsort((-value, other, owner))
        order = order[_is_first(owner[order], other[order]) | (other[order] < 0)]  # of one pair, the best window
        order = order[np.lexsort((-value[order], owner[order]))]
        starts = np.searchsorted(owner[order], np.arange(len(touched)))
        place = np.arange(len(order)) - starts[owner[order]]
        order, place = order[place < self._most], place[place < self._most]
        self._other[known[owner[order]], place] = other[order]
        self._likeness[known[owner[order]], place] = value[order]
        self._window[known[owner[order]], place] = through[order]

    def proposals(self) -> Proposals:
        """Return what is kept; of two directions of one pair, the better."""
        first, place = np.nonzero(self._other >= 0)
        second, value, window = self._other[first, place], self._likeness[first, place], self._window[first, place]
        low, high = np.minimum(first, second), np.maximum(first, second)
        order = np.lexsort((-value, high, low))
        kept = order[_is_first(low[order], high[order])]
        return Proposals(first=first[kept], second=second[kept], likeness=value[kept], window=window[kept])


def _is_first(major: Indices, minor: Indices) -> NDArray[np.bool_]:
    """Tell of sorted pairs which are not the same as the one before."""
    first = np.ones(len(major), bool)
    first[1:] = (major[1:] != major[:-1]) | (minor[1:] != minor[:-1])
    return first


def best_windows(thumbnails: NDArray[np.uint8], first: NDArray[np.int64], second: NDArray[np.int64]) -> Proposals:
    """Return each of some pairs through the windows, and in the order, in which they are most alike."""
    ends = (np.concatenate([first, second]), np.concatenate([second, first]))
    likeness = np.zeros((len(WINDOWS), len(ends[0])), np.float32)
    for start in range(0, len(ends[0]), _BLOCK):
        part = slice(start, start + _BLOCK)
        planes = [small_planes(thumbnails[rows[part]]) for rows in ends]
        for number in range(len(WINDOWS)):
            likeness[number, part] = _turned(*(spectra(each, number, side) for side, each in enumerate(planes))).max(
                axis=0
            )
    window = likeness.argmax(axis=0)
    best = likeness.max(axis=0)
    half = len(first)
    chosen = np.arange(half) + half * (best[half:] > best[:half])
    return Proposals(
        first=ends[0][chosen], second=ends[1][chosen], likeness=best[chosen], window=window[chosen].astype(np.int8)
    )


def orientations_of(thumbnails: NDArray[np.uint8], proposals: Proposals) -> NDArray[np.int64]:
    """Return for every proposal which of :data:`ORIENTATIONS` makes the second picture most like the first."""
    found = np.zeros(len(proposals.first), np.int64)
    for number in range(len(WINDOWS)):
        through = np.flatnonzero(proposals.window == number)
        for start in range(0, len(through), _BLOCK):
            rows = through[start : start + _BLOCK]
            ends = (proposals.first[rows], proposals.second[rows])
            seen = [spectra(small_planes(thumbnails[end]), number, side) for side, end in enumerate(ends)]
            found[rows] = _turned(*seen).argmax(axis=0)
    return found
