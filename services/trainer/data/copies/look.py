"""What a picture looks like, in few numbers: what copies are found by.

All of it comes from one square of ``LOOK_PX`` and is computed in whole numbers: what counts as a copy depends neither
on the candidates nor on the order in which a processor adds up fractions.
"""

import math

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from PIL import Image

LOOK_PX = 224
"""Side of the square that every picture is compared by."""
HASH_PX = 32
THUMBNAIL_PX = 48
"""Side of what is kept of every picture to compare it with others."""
SMALL_PX = 16
"""Side at which brightness and contrast are taken."""
_LOW = 8
"""The hash keeps the 8 x 8 lowest of the 32 x 32 frequencies."""
_LEAST_DEVIATION = 2.0


def thumbnail_of(square: Image.Image) -> Image.Image:
    """Return a picture as ``THUMBNAIL_PX`` squared."""
    return square.resize((THUMBNAIL_PX, THUMBNAIL_PX), Image.Resampling.BOX)


def hash_of(square: Image.Image) -> int:
    """Return the perceptual hash of a picture, made small by cheap means."""
    small = square.reduce(max(1, square.width // HASH_PX))
    return perceptual_hash(np.asarray(small.resize((HASH_PX, HASH_PX), Image.Resampling.BILINEAR).convert("L")))


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
    """Return brightness and contrast of a thumbnail: mean and standard deviation of its values at ``SMALL_PX``."""
    values = summed(thumbnail[None])[0].astype(np.int64)
    total = int(values.sum())
    variance = (values.size * int((values * values).sum()) - total * total) / values.size**2
    return total / (values.size * NUM_SUMMED), max(math.sqrt(variance) / NUM_SUMMED, _LEAST_DEVIATION)


NUM_SUMMED = (THUMBNAIL_PX // SMALL_PX) ** 2
"""Pixels of a thumbnail that make one at ``SMALL_PX``."""


def summed(thumbnails: NDArray[np.uint8], px: int = SMALL_PX) -> NDArray[np.uint16]:
    """Return thumbnails at a smaller side: sums of the pixels that make one there, so that nothing is rounded.

    Args:
        thumbnails: ``(num_images, THUMBNAIL_PX, THUMBNAIL_PX, 3) uint8``.
        px: The side; a divisor of ``THUMBNAIL_PX``. At ``SMALL_PX``, ``NUM_SUMMED`` pixels make one.
    """
    side = THUMBNAIL_PX // px
    rows = thumbnails[:, ::side].astype(np.uint16)
    for step in range(1, side):
        rows += thumbnails[:, step::side]
    columns = rows[:, :, ::side].copy()
    for step in range(1, side):
        columns += rows[:, :, step::side]
    return columns
