"""How grey values of more than 8 bits become 8 bits: by the range that is in use, which files do not tell.

Cameras of 10, 12 and 14 bits store their values in 16 as they are, so that white is 1,023 and not 65,535; thermal
cameras use a few thousand values around 30,000. Taken for 16 bits, such pictures come out black, or in a handful of
greys. So what is white is judged, by each picture alone: one that is classified later stands alone as well.

Part of the one reader of ``picture.py``, and as such of the delivered program.
"""

import math
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_STRIP_PX = 2**20
"""Pixels that are worked on at once: a picture of floating-point numbers needs no copy of all of it."""
_SAMPLE_PX = 2**18
_WHITES = tuple(2.0**bits - 1 for bits in (8, 10, 12, 14, 16))
_FRACTIONS = tuple(4.0**power for power in (-3, -2, -1, 0, 1, 2))
_TAILS = (0.1, 99.9)
"""Percentiles between which a picture lies, but for dead and hot pixels."""
_NARROW_FRAC = 1 / 8
"""A picture that uses less of the range is spread: no more than 32 of 256 greys would be left of it."""
_LEAST_WINDOW = 256
"""Values that are spread at least: where a sensor tells fewer apart, the rest would be noise."""
_LEAST_WINDOW_FRAC = 1 / 64
WINDOW = "window"
_NEGATIVE_FRAC = 1 / 16
_MISSING = (-9999.0, -32768.0, -32767.0)
"""What geographers write where nothing was measured; so is anything beyond ``_ABSURD``, and no number at all."""
_ABSURD = 1e30
_NO_DATA_TAG = 42113


class GreyRange(NamedTuple):
    """What is black and what is white in a picture.

    Args:
        black: This value and those below become 0.
        white: This value and those above become 255.
        basis: What it was judged by: ``8 bits`` to ``14 bits``, ``window``, or empty where it is what the file says.
    """

    black: float
    white: float
    basis: str = ""


def is_deep(image: Image.Image) -> bool:
    """Tell whether a picture has one channel of more than 8 bits."""
    return image.mode in ("I", "F") or image.mode.startswith("I;16")


def shallow(image: Image.Image) -> tuple[Image.Image, GreyRange]:
    """Return a deep picture as RGB of three equal channels, and the range that its greys were scaled by.

    Where nothing was measured, such as NaN, it is black.
    """
    no_data = _no_data(image)
    grey_range = _range_of(image, no_data)
    black, white, _ = grey_range
    scaled = Image.new("RGB", image.size)
    for top, strip in strips(image):
        values, is_missing = _values(strip, no_data)
        values = (values - np.float32(black)) * np.float32(255 / (white - black))
        values[is_missing] = 0
        grey = Image.fromarray(np.rint(values).clip(0, 255).astype(np.uint8))
        scaled.paste(grey.convert("RGB"), (0, top))
    return scaled, grey_range


def strips(image: Image.Image) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield a decoded picture's values piece by piece, with the row at which each begins."""
    width, height = image.size
    rows = max(1, _STRIP_PX // width)
    for top in range(0, height, rows):
        yield top, np.asarray(image.crop((0, top, width, min(top + rows, height))))


def _values(strip: NDArray[Any], no_data: tuple[float, ...]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    values: NDArray[np.float32] = strip.astype(np.float32)
    is_missing: NDArray[np.bool_] = ~(np.abs(values) < _ABSURD)
    for value in no_data:
        is_missing |= values == np.float32(value)
    values[is_missing] = 0
    return values, is_missing


def _no_data(image: Image.Image) -> tuple[float, ...]:
    """Return which values say that nothing was measured: the usual ones, and the one that a GeoTIFF names."""
    named: tuple[float, ...] = ()
    with suppress(ValueError, AttributeError, TypeError):
        named = (float(str(getattr(image, "tag_v2").get(_NO_DATA_TAG)).strip(" \0")),)  # noqa: B009 - TIFFs have it
    return named + _MISSING


def _range_of(image: Image.Image, no_data: tuple[float, ...]) -> GreyRange:
    step = max(1, image.width * image.height // _SAMPLE_PX)
    highest, samples, is_whole = 0.0, [], True
    for _, strip in strips(image):
        values, is_missing = _values(strip, no_data)
        highest = max(highest, float(np.abs(values).max()))
        samples.append(values[~is_missing][::step])
        is_whole = is_whole and not np.issubdtype(strip.dtype, np.floating)
    sample = np.concatenate(samples)
    low, high = (float(each) for each in np.percentile(sample, _TAILS)) if len(sample) else (0.0, 0.0)
    # A resampled 1.0 may be 1.001 in places; of whole numbers none exceeds what its sensor can tell.
    white = usual_white(highest if is_whole else max(abs(low), abs(high)), is_whole=is_whole)
    black = -white if low < -white * _NEGATIVE_FRAC else 0.0
    least = _LEAST_WINDOW if is_whole else (white - black) * _LEAST_WINDOW_FRAC
    used, window = high - low, max(high - low, least)
    if window < (white - black) * _NARROW_FRAC and low - black > used:
        top = min((low + high + window) / 2, white)
        return GreyRange(top - window, top, WINDOW)
    return GreyRange(black, white, basis_of(white) if is_whole else "")


def basis_of(white: float) -> str:
    """Return what a white of whole numbers was judged by, such as ``10 bits``; empty where it uses all 16."""
    return "" if white >= _WHITES[-1] else f"{round(math.log2(white + 1))} bits"


def usual_white(highest: float, *, is_whole: bool = True) -> float:
    """Return the least usual white that is not exceeded, so that pictures of one camera are scaled alike.

    Args:
        highest: The greatest value of the picture.
        is_whole: Whether its values are whole numbers.
    """
    usual = _WHITES if is_whole else (*_FRACTIONS, *_WHITES)
    return next((white for white in usual if highest <= white), highest)
