"""What pictures show through windows: by their lowest frequencies, which mirroring and turning hardly disturb.

What was done to a copy is undone by looking at the other picture through a window: the middle three quarters, a corner,
a square turned by twelve degrees. Through the right window both have the same low frequencies but for mirroring and
quarter turns, and those only change signs of frequencies and swap their two directions; so all eight are compared by a
few products of matrices.
"""

import math
from functools import cache
from itertools import pairwise

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from services.trainer.data.copies.look import THUMBNAIL_PX, summed

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


_FOUR = ((0, 0), (1, 1), (0, 1), (1, 0))
"""Parities of the frequencies down and across: what a mirror image changes signs of goes together."""


@cache
def _frequencies() -> tuple[tuple[int, int, int], ...]:
    """Return channel, frequency down and frequency across of every number of a spectrum, by parity."""
    wanted = [(0, p, q) for p in range(_LOW) for q in range(_LOW) if 0 < p * p + q * q <= 0.9 * _LOW**2]
    wanted += [(c, p, q) for c in (1, 2) for p in range(_LOW_COLOUR) for q in range(_LOW_COLOUR)]
    return tuple(sorted(wanted, key=lambda each: (_FOUR.index((each[1] % 2, each[2] % 2)), each)))


@cache
def transposed() -> NDArray[np.int64]:
    """Return where the numbers of a spectrum stand in that of the transposed picture."""
    places = {each: place for place, each in enumerate(_frequencies())}
    return np.array([places[c, q, p] for c, p, q in _frequencies()])


@cache
def parities() -> tuple[slice, ...]:
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
    pixels = summed(thumbnails, _PX).astype(np.float32) / (THUMBNAIL_PX // _PX) ** 2
    luma = pixels @ _LUMA
    planes = np.stack([luma, *(_COLOUR_WEIGHT * (pixels[..., each] - luma) for each in (0, 2))], axis=1)
    flat: Floats = planes.reshape(len(thumbnails), 3, _PX * _PX)
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


@cache
def _orbits() -> NDArray[np.int64]:
    """Return for every number of a spectrum which of those numbers it belongs to that mirroring and turning mix."""
    kinds = [(channel, min(p, q), max(p, q)) for channel, p, q in _frequencies()]
    numbers = {kind: number for number, kind in enumerate(sorted(set(kinds)))}
    return np.array([numbers[kind] for kind in kinds])


def signatures(found: Floats) -> Floats:
    """Return of every spectrum what no mirroring and no quarter turn changes: the strength of each wave.

    Args:
        found: ``(num_images, num_frequencies)``; see :func:`spectra`.
    """
    strength = np.zeros((len(found), int(_orbits().max()) + 1), np.float32)
    np.add.at(strength.T, _orbits(), (found * found).T)
    return np.sqrt(strength)
