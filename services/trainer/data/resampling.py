"""How a picture becomes the square that a network without a resize of its own takes: what Keras's resize gives.

The exported ``model.onnx`` and ``model.tflite`` begin after the resize, whose antialiasing their formats do not know.
Needs nothing but numpy; the delivered ``predict.py`` holds this text word for word.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_BLOCK = 16
"""Lines that are made at once, from those of the picture that have a share in them: most of it is not multiplied by
nothing, and what lies there as floats takes about as much as the picture itself, at most."""


def resize(pixels: NDArray[np.uint8], side_px: int) -> NDArray[np.float32]:
    """Return a picture as a square, as ``Resizing(side_px, side_px, interpolation="bilinear", antialias=True)`` does.

    Both axes are resampled apart; a square of that side is left as it is.

    Args:
        pixels: ``(height_px, width_px, 3) uint8``.
        side_px: Side of the square.

    Returns:
        ``(side_px, side_px, 3) float32``, 0 to 255, unrounded.
    """
    if pixels.shape[:2] == (side_px, side_px):
        return pixels.astype(np.float32)
    rows = _resampled(pixels, side_px)
    columns = _resampled(rows.transpose(1, 0, 2), side_px)
    return np.ascontiguousarray(columns.transpose(1, 0, 2))


def _resampled(lines: NDArray[Any], side_px: int) -> NDArray[np.float32]:
    """Return ``(length_px, …)`` as ``(side_px, …) float32``."""
    made = np.empty((side_px, *lines.shape[1:]), np.float32)
    for start in range(0, side_px, _BLOCK):
        block = made[start : start + _BLOCK]
        first, shares = resampling_matrix(len(lines), side_px, range(start, start + len(block)))
        given = lines[first : first + shares.shape[1]].astype(np.float32, order="C")
        np.matmul(shares, given.reshape(len(given), -1), out=block.reshape(len(block), -1))
    return made


def resampling_matrix(length_px: int, side_px: int, wanted: range) -> tuple[int, NDArray[np.float32]]:
    """Return the share that pixels of a line have in pixels of the resampled line.

    Args:
        length_px: Pixels before.
        side_px: Pixels after.
        wanted: Which of these, one after the other.

    Returns:
        The first pixel that has a share in one of them, and ``(len(wanted), n) float32`` for it and those behind it;
        every row sums up to 1.

    Source: ``ScaleAndTranslate`` of TensorFlow with the kernel ``triangle``: the triangle has a radius of one pixel of
    the coarser of both lines.
    """
    step = np.float32(1) / (np.float32(side_px) / np.float32(length_px))
    radius = np.maximum(step, np.float32(1))
    centres = (np.arange(wanted.start, wanted.stop, dtype=np.float32) + np.float32(0.5)) * step
    first, end = max(0, int(centres[0] - radius) - 1), min(length_px, int(centres[-1] + radius) + 2)
    distances = np.abs(np.arange(first, end, dtype=np.float32) + np.float32(0.5) - centres[:, None])
    weights = np.maximum(0, 1 - distances / radius)
    return first, (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
