"""How a picture becomes the square that a network without a resize of its own takes: what Keras's resize gives.

The exported ``model.onnx`` and ``model.tflite`` begin after the resize, whose antialiasing their formats do not know.
Needs nothing but numpy; the delivered ``predict.py`` holds this text word for word.
"""

import numpy as np
from numpy.typing import NDArray

_STRIP_ROWS = 1024
"""Rows that are held as floats at once: a picture of 12,000 px width then takes 150 MB, whatever its height."""


def resize(pixels: NDArray[np.uint8], side_px: int) -> NDArray[np.float32]:
    """Return a picture as a square, as ``Resizing(side_px, side_px, interpolation="bilinear", antialias=True)`` does.

    Both axes are resampled apart, each by one matrix; a square of that side is left as it is.

    Args:
        pixels: ``(height_px, width_px, 3) uint8``.
        side_px: Side of the square.

    Returns:
        ``(side_px, side_px, 3) float32``, 0 to 255, unrounded.
    """
    height_px, width_px, num_channels = pixels.shape
    if height_px == width_px == side_px:
        return pixels.astype(np.float32)
    of_rows, of_columns = resampling_matrix(height_px, side_px), resampling_matrix(width_px, side_px)
    rows = np.zeros((side_px, width_px * num_channels), np.float32)
    for start in range(0, height_px, _STRIP_ROWS):
        strip = pixels[start : start + _STRIP_ROWS].astype(np.float32)
        rows += of_rows[:, start : start + _STRIP_ROWS] @ strip.reshape(len(strip), -1)
    square: NDArray[np.float32] = np.matmul(of_columns, rows.reshape(side_px, width_px, num_channels))
    return square


def resampling_matrix(length_px: int, side_px: int) -> NDArray[np.float32]:
    """Return the share that every pixel of a line has in every pixel of the resampled line.

    Args:
        length_px: Pixels before.
        side_px: Pixels after.

    Returns:
        ``(side_px, length_px) float32``; every row sums up to 1.

    Source: ``ScaleAndTranslate`` of TensorFlow with the kernel ``triangle``: the triangle has a radius of one pixel of
    the coarser of both lines.
    """
    step = np.float32(1) / (np.float32(side_px) / np.float32(length_px))
    centres = (np.arange(side_px, dtype=np.float32) + np.float32(0.5)) * step
    distances = np.abs(np.arange(length_px, dtype=np.float32) + np.float32(0.5) - centres[:, None])
    weights = np.maximum(0, 1 - distances / np.maximum(step, np.float32(1)))
    shares: NDArray[np.float32] = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return shares
