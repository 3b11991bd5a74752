"""Which pictures could be copies that were mirrored, turned, cropped or rotated: by their lowest frequencies, exactly.

What was done to a copy is undone by looking at the other picture through a window: the middle three quarters, a corner,
a square turned by twelve degrees. Through the right window both have the same low frequencies but for mirroring and
quarter turns, and those only change signs of frequencies and swap their two directions; so all eight are compared by a
few products of matrices. What comes of it are proposals, which :mod:`services.trainer.data.copies.alignment` examines.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from services.trainer.data.copies.look import THUMBNAIL_PX

Floats = NDArray[np.float32]
Affine = NDArray[np.float64]
"""``(2, 3)``: from places in one picture to places in another; the square reaches from -0.5 to 0.5 both ways."""

_PX = 24
"""Windows are looked through at this side length."""
_LOW = 7
"""Frequencies in each direction, of brightness; in colour there are three."""
_LOW_COLOUR = 3
_COLOUR_WEIGHT = 0.7
_LUMA = np.array((0.299, 0.587, 0.114), np.float32)
_ROTATED_DEGREES = 12.0
_CLEAN = 1 / (math.cos(math.radians(_ROTATED_DEGREES)) + math.sin(math.radians(_ROTATED_DEGREES)))
"""Side of the largest square that rotation leaves inside the picture: 0.84."""


def _window(width: float, height: float, x: float = 0.0, y: float = 0.0, degrees: float = 0.0) -> Affine:
    """Return where a window of this size lies, turned about its middle, which is at ``x`` and ``y``."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[cos * width, -sin * height, x], [sin * width, cos * height, y]])


_EDGE = 1 / 8
_WHOLE = _window(1, 1)
_MOST = 1 - _EDGE
_HALF = _EDGE / 2
WINDOWS: tuple[tuple[Affine, Affine], ...] = (
    (_WHOLE, _WHOLE),
    (_WHOLE, _window(1 - 2 * _EDGE, 1 - 2 * _EDGE)),
    (_WHOLE, _window(_MOST, _MOST)),
    *((_WHOLE, _window(_MOST, _MOST, x, y)) for x in (-_HALF, _HALF) for y in (-_HALF, _HALF)),
    *((_WHOLE, _window(_MOST, 1, x, 0)) for x in (-_HALF, _HALF)),
    *((_WHOLE, _window(1, _MOST, 0, y)) for y in (-_HALF, _HALF)),
    (_window(_CLEAN, _CLEAN), _window(_CLEAN, _CLEAN, degrees=_ROTATED_DEGREES)),
    (_WHOLE, _window(_CLEAN, _CLEAN, degrees=_ROTATED_DEGREES)),
    (_window(_CLEAN**2, _CLEAN**2), _window(_CLEAN, _CLEAN, degrees=_ROTATED_DEGREES)),
)
"""A copy is looked at through the first, its original through the second: whole, cropped by an eighth in the ways there
are, rotated with its corners filled, rotated and cropped to what is clean, rotated and shrunk to fit."""
ORIENTATIONS: tuple[Affine, ...] = tuple(
    np.array(turned) @ np.diag((across, down))
    for turned in (np.eye(2), np.eye(2)[::-1])
    for across in (1.0, -1.0)
    for down in (1.0, -1.0)
)
"""The eight ways to mirror and turn a square."""


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


_FOUR = ((0, 0), (1, 1), (0, 1), (1, 0))
"""Parities of the frequencies down and across: what a mirror image changes signs of goes together."""


@cache
def _frequencies() -> tuple[tuple[int, int, int], ...]:
    """Return channel, frequency down and frequency across of every number of a spectrum, by parity."""
    wanted = [(0, p, q) for p in range(_LOW) for q in range(_LOW) if 0 < p * p + q * q <= 0.9 * _LOW**2]
    wanted += [(c, p, q) for c in (1, 2) for p in range(_LOW_COLOUR) for q in range(_LOW_COLOUR)]
    return tuple(sorted(wanted, key=lambda each: (_FOUR.index((each[1] % 2, each[2] % 2)), each)))


@cache
def _transposed() -> NDArray[np.int64]:
    """Return where the numbers of a spectrum stand in that of the transposed picture."""
    places = {each: place for place, each in enumerate(_frequencies())}
    return np.array([places[c, q, p] for c, p, q in _frequencies()])


@cache
def _bounds() -> tuple[slice, ...]:
    """Return which numbers of a spectrum have which of :data:`_FOUR`."""
    parities = [_FOUR.index((p % 2, q % 2)) for _, p, q in _frequencies()]
    edges = np.searchsorted(parities, range(len(_FOUR) + 1))
    return tuple(slice(int(low), int(high)) for low, high in pairwise(edges))


def sampling(places: Affine, px: int) -> Floats:
    """Return the matrix that makes of the pixels of a picture, in a row, those that are seen through a window."""
    grid = (np.arange(px) + 0.5) / px - 0.5
    down, across = np.meshgrid(grid, grid, indexing="ij")
    seen = places @ np.stack([across.ravel(), down.ravel(), np.ones(px * px)])
    seen = np.clip((seen + 0.5) * px - 0.5, 0, px - 1.001)
    corner = seen.astype(int)
    part = seen - corner
    matrix = np.zeros((px * px, px * px), np.float32)
    rows = np.arange(px * px)
    for right in (0, 1):
        for below in (0, 1):
            weight = np.abs(1 - right - part[0]) * np.abs(1 - below - part[1])
            np.add.at(matrix, (rows, (corner[1] + below) * px + corner[0] + right), weight)
    return matrix


@cache
def _filters(number: int, side: int) -> tuple[tuple[NDArray[np.int64], Floats], ...]:
    """Return for each of brightness and two colours what of a picture's pixels makes its spectrum through a window.

    Args:
        number: Position in :data:`WINDOWS`.
        side: 0 for the first of the two, 1 for the second.
    """
    waves = scipy.fft.dct(np.eye(_PX), axis=0, norm="ortho")[:_LOW]
    seen = sampling(WINDOWS[number][side], _PX)
    rows = []
    for _, p, q in _frequencies():
        weight = math.hypot(p, q) or 1.0  # pictures have less of the higher frequencies, and those tell more
        rows.append(np.outer(waves[p], waves[q]).ravel() * weight)
    filters = (np.array(rows) @ seen).astype(np.float32)
    channel = np.array([c for c, _, _ in _frequencies()])
    return tuple((np.flatnonzero(channel == each), filters[channel == each]) for each in range(3))


def small_planes(thumbnails: NDArray[np.uint8]) -> Floats:
    """Return brightness and two differences of colour at a quarter of the size, ``(num_images, 3, pixels)``."""
    num, px = len(thumbnails), THUMBNAIL_PX // _PX
    pixels = thumbnails.reshape(num, _PX, px, _PX, px, 3).sum(axis=(2, 4), dtype=np.uint16).astype(np.float32) / px**2
    luma = pixels @ _LUMA
    planes = np.stack([luma, *(_COLOUR_WEIGHT * (pixels[..., each] - luma) for each in (0, 2))], axis=1)
    flat: Floats = planes.reshape(num, 3, _PX * _PX)
    return flat


def spectra(planes: Floats, number: int, side: int) -> Floats:
    """Return the spectra of pictures through a window, each of length 1, or shorter where there is nothing to see.

    Args:
        planes: See :func:`small_planes`.
        number: Position in :data:`WINDOWS`.
        side: 0 for the first of the two, 1 for the second.
    """
    raw = np.zeros((len(planes), len(_frequencies())), np.float32)
    for channel, (numbers, filters) in enumerate(_filters(number, side)):
        raw[:, numbers] = planes[:, channel] @ filters.T
    length = np.sqrt((raw * raw).sum(axis=1, keepdims=True))
    found: Floats = raw / np.maximum(length, _FLAT)
    return found


_FLAT = 4.0
"""What has a spectrum shorter than this is a plain ground, and its noise is like nothing."""
_BLOCK = 512


def _all_spectra(thumbnails: NDArray[np.uint8], number: int, side: int) -> Floats:
    parts = [
        spectra(small_planes(thumbnails[start : start + _BLOCK]), number, side)
        for start in range(0, len(thumbnails), _BLOCK)
    ]
    return np.concatenate(parts)


def _likeness(first: Floats, second: Floats) -> Floats:
    """Return the correlation of every picture with every other, in the orientation that fits best."""
    best = _mirrored(first, second)
    return np.maximum(best, _mirrored(first, second[:, _transposed()]), out=best)


def _mirrored(first: Floats, second: Floats) -> Floats:
    """Return the correlation in the best of the four ways to mirror, turned or not."""
    even, both, across, down = (first[:, part] @ second[:, part].T for part in _bounds())
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
    for turned in (second, second[:, _transposed()]):
        even, both, across, down = ((first[:, part] * turned[:, part]).sum(axis=1) for part in _bounds())
        found += [even + sx * across + sy * down + sx * sy * both for sx in (1, -1) for sy in (1, -1)]
    return np.stack(found)


def propose(thumbnails: NDArray[np.uint8], *, least: float, most: int) -> Proposals:
    """Return for every picture the others that it could be a copy of, each pair once.

    Args:
        thumbnails: ``(num_images, THUMBNAIL_PX, THUMBNAIL_PX, 3) uint8``.
        least: Likeness of a proposal.
        most: Proposals of one picture.
    """
    best = _Best(len(thumbnails), least, most)
    for number in range(len(WINDOWS)):
        looked, through = (_all_spectra(thumbnails, number, side) for side in (0, 1))
        for rows, columns in _tiles(len(thumbnails)):
            best.take(rows, columns, _likeness(looked[rows], through[columns]), number)
    return best.proposals()


_ROWS, _COLUMNS = 512, 1024


def _tiles(num_images: int) -> Iterator[tuple[slice, slice]]:
    for row in range(0, num_images, _ROWS):
        for column in range(0, num_images, _COLUMNS):
            yield slice(row, min(row + _ROWS, num_images)), slice(column, min(column + _COLUMNS, num_images))


class _Best:
    """The best proposals of every picture so far."""

    def __init__(self, num_images: int, least: float, most: int) -> None:
        self._other = np.full((num_images, most), -1, np.int64)
        self._likeness = np.full((num_images, most), least, np.float32)
        self._window = np.zeros((num_images, most), np.int8)
        self._most = most

    def take(self, rows: slice, columns: slice, likeness: Floats, window: int) -> None:
        """Keep what is better than the worst that is kept."""
        if rows.start < columns.stop and columns.start < rows.stop:  # nothing is a copy of itself
            same = np.arange(max(rows.start, columns.start), min(rows.stop, columns.stop))
            likeness[same - rows.start, same - columns.start] = -1
        row, column = np.nonzero(likeness > self._likeness[rows, -1][:, None])
        if len(row) == 0:
            return
        touched, position = np.unique(row, return_inverse=True)
        known = rows.start + touched
        found = likeness[row, column]
        owner = np.concatenate([np.repeat(np.arange(len(touched)), self._most), position])
        other = np.concatenate([self._other[known].ravel(), column + columns.start])
        value = np.concatenate([self._likeness[known].ravel(), found])
        through = np.concatenate([self._window[known].ravel(), np.full(len(row), window, np.int8)])
        order = np.lexsort((-value, other, owner))  # of one pair, the best window
        fresh = np.ones(len(order), bool)
        fresh[1:] = (owner[order][1:] != owner[order][:-1]) | (other[order][1:] != other[order][:-1])
        order = order[fresh | (other[order] < 0)]
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
        fresh = np.ones(len(order), bool)
        fresh[1:] = (low[order][1:] != low[order][:-1]) | (high[order][1:] != high[order][:-1])
        kept = order[fresh]
        return Proposals(first=first[kept], second=second[kept], likeness=value[kept], window=window[kept])


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
