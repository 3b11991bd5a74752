"""Lays one picture over another: reads it at any places, and moves these until both agree best. Pure arithmetic."""

from collections.abc import Sequence
from functools import cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
_DAMPING = np.diag(np.array([1e-4] * 2 + [3e-3] * 6, np.float32))
_MAX_STEP = 0.06
"""Of a side; where the pictures do not agree yet, least squares promise too much."""
_LEAST_GAIN = 0.2


def blurred(squares: Floats, sigma: float) -> Floats:
    """Return ``(..., px, px)`` blurred by a Gaussian of so many pixels; pictures end in a mirror."""
    soft = _blurring(squares.shape[-1], sigma)
    return np.asarray(soft @ squares @ soft.T, np.float32)


@cache
def _blurring(px: int, sigma: float) -> Floats:
    """Return the matrix that blurs columns of so many pixels."""
    reach = int(4 * sigma) + 1
    steps = np.arange(-reach, reach + 1)
    kernel = np.exp(-0.5 * (steps / sigma) ** 2)
    matrix = np.zeros((px, px), np.float32)
    for step, part in zip(steps, kernel / kernel.sum(), strict=True):
        places = np.abs(np.arange(px) + step + 0.5)
        mirrored = np.where(places > px, 2 * px - places, places)
        np.add.at(matrix, (np.arange(px), np.floor(mirrored).astype(int)), part)
    return matrix


class Grid:
    """The pixels of a square, as places from -0.5 to 0.5 both ways.

    Args:
        px: Side length.
    """

    def __init__(self, px: int) -> None:
        line = ((np.arange(px) + 0.5) / px - 0.5).astype(np.float32)
        down, across = np.meshgrid(line, line, indexing="ij")
        self.px, self.across, self.down = px, across.ravel(), down.ravel()

    def read(self, planes: Floats, places: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        """Read pictures where the pixels of this square lie in them, between their pixels linearly.

        Args:
            planes: ``(num_pairs, channels, pixels)``.
            places: ``(num_pairs, 2, 3)``, from places in this square to places in a picture.

        Returns:
            ``(num_pairs, channels, pixels)``, and which of these pixels lie inside the picture.
        """
        num_pairs, channels, size = planes.shape
        x, y = (self._pixels(places[:, axis]) for axis in (0, 1))
        inside = (x >= -_EDGE) & (x <= self.px - 1 + _EDGE) & (y >= -_EDGE) & (y <= self.px - 1 + _EDGE)
        np.clip(x, 0, self.px - 1.001, out=x)
        np.clip(y, 0, self.px - 1.001, out=y)
        left, top = x.astype(np.int32), y.astype(np.int32)
        x -= left
        y -= top
        at = top * self.px + left + (np.arange(num_pairs, dtype=np.int32) * size)[:, None]
        seen = np.empty((channels, num_pairs, size), np.float32)
        for channel in range(channels):
            flat = planes[:, channel].ravel()
            upper, lower = flat.take(at), flat[self.px :].take(at)
            upper += x * (flat[1:].take(at) - upper)
            lower += x * (flat[self.px + 1 :].take(at) - lower)
            seen[channel] = upper + y * (lower - upper)
        return seen.transpose(1, 0, 2), inside

    def _pixels(self, line: Floats) -> Floats:
        """Return where in a picture the pixels lie, along one direction, counted in pixels from its first."""
        places = line[:, 0, None] * self.across + line[:, 1, None] * self.down + line[:, 2, None]
        return np.asarray((places + 0.5) * self.px - 0.5, np.float32)


_EDGE = 0.3
"""Of a pixel: so far outside, the pixel at the edge still speaks for a place."""


def refined(grid: Grid, pictures: Sequence[Floats], masks: Sequence[Floats], places: Floats, *, steps: int) -> Floats:
    """Move the places so that the second picture, brightened and contrasted, is most like the first there.

    Args:
        grid: Of both pictures.
        pictures: Two of ``(num_pairs, px, px)``.
        masks: Two alike: 1 where a picture can be compared.
        places: ``(num_pairs, 2, 3)``, where the first lies in the second, roughly.
        steps: How often to move.

    Source: least squares as by Gauss and Newton, with gain and offset: Evangelidis and Psarakis, "Parametric image
    alignment using enhanced correlation coefficient maximization", IEEE TPAMI 30, 2008.
    """
    num, px = len(places), grid.px
    planes = np.stack([pictures[1], masks[1]], axis=1).reshape(num, 2, -1)
    target, mask = pictures[0].reshape(num, -1, 1), masks[0].reshape(num, -1)
    for _ in range(steps):
        seen, inside = grid.read(planes, places)
        weight = comparable(mask, seen[:, 1], inside)
        slopes = np.gradient(seen[:, 0].reshape(num, px, px), axis=(1, 2))
        down, across = (slope.reshape(num, -1) * px for slope in slopes)
        columns = np.empty((num, 8, px * px), np.float32)
        columns[:, 0], columns[:, 1], columns[:, 2], columns[:, 3] = seen[:, 0], 1, across, down
        for column, (slope, place) in enumerate(product((across, down), (grid.across, grid.down)), start=4):
            np.multiply(slope, place, out=columns[:, column])
        places = places @ (np.eye(3, dtype=np.float32) + _step(columns, weight, target))
    return places


_WHOLLY = 0.99
_FEW = 0.12
"""Share of the picture: where less of it could be compared, what is clipped or padded is compared as well."""


def comparable(mask: Floats, seen: Floats, inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell where both can be compared; where that is hardly anywhere, wherever both have something.

    Args:
        mask: ``(num_pairs, pixels)``, 1 where the first can be.
        seen: The same of the second, as read by :meth:`Grid.read`.
        inside: See there.
    """
    both = inside & (mask > _WHOLLY) & (seen > _WHOLLY)
    return np.where(both.mean(axis=1, keepdims=True) < _FEW, inside, both)


def _step(columns: Floats, weight: NDArray[np.bool_], target: Floats) -> Floats:
    """Solve for gain, offset, shift and linear part; return how the first picture is to be moved, ``(num, 3, 3)``."""
    weighted = columns * weight[:, None]
    normal = weighted @ columns.transpose(0, 2, 1)
    norm = np.sqrt(np.diagonal(normal, axis1=1, axis2=2)) + 1e-3
    normal = normal / (norm[:, :, None] * norm[:, None]) + _DAMPING
    solved = np.linalg.solve(normal, (weighted @ target) / norm[:, :, None])[..., 0] / norm
    gain = np.maximum(np.abs(solved[:, :1]), _LEAST_GAIN) * np.where(solved[:, :1] < 0, -1, 1)
    step = np.clip(solved[:, 2:] / gain, -_MAX_STEP, _MAX_STEP)
    moved = np.zeros((len(step), 3, 3), np.float32)
    moved[:, 0], moved[:, 1] = step[:, [2, 3, 0]], step[:, [4, 5, 1]]
    return moved
