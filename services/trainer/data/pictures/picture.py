"""How a picture file becomes pixels: one reader for training, for the check of an export and for the delivered program.

Upright by its EXIF orientation, transparency over white, more than 8 bits scaled to 8, of an animation the first frame.
Needs nothing but numpy and Pillow: the delivered ``predict.py`` holds this text word for word, so what was trained on
and what is classified later are the same pixels.
"""

import struct
import zlib
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Image.preinit()
for _plugin in ("Avif", "Ico", "Jpeg2K", "Mpo", "Tiff", "WebP"):
    with suppress(ImportError):  # an older Pillow has not all of them
        import_module(f"PIL.{_plugin}ImagePlugin")
_WANTED = ("JPEG", "PNG", "MPO", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000", "PPM", "ICO")
FORMATS = tuple(name for name in _WANTED if name in Image.OPEN)
"""Formats that are tried, by content. Left out: vector formats, which run programs, and formats without a signature."""

_LEAST_DECODED_PX = 672
"""A JPEG is decoded at 1/2, 1/4 or 1/8 only where both sides keep this much: three times the side of most networks'
squares, which Pillow's ``reducing_gap`` calls "almost indistinguishable from fair resampling", and more than twice
that of the largest. One number for all: what is seen of a picture, and whether it is too big, must not depend on which
other networks are candidates."""

DECODER_FAULTS = (
    *(OSError, EOFError, SyntaxError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError),
    *(AssertionError, RuntimeError, MemoryError, struct.error, zlib.error),
)
"""What Pillow's decoders raise on damaged files; its list is open: github.com/python-pillow/Pillow/issues/1643."""

_ORIENTATION = 0x0112
_T = Image.Transpose
_TURNS = {
    2: _T.FLIP_LEFT_RIGHT,
    3: _T.ROTATE_180,
    4: _T.FLIP_TOP_BOTTOM,
    5: _T.TRANSPOSE,
    6: _T.ROTATE_270,
    7: _T.TRANSVERSE,
    8: _T.ROTATE_90,
}
_MAX_8_BIT, _MAX_16_BIT = 255, 65535


class UnreadablePicture(Exception):
    """The file is no picture, is damaged, or holds more pixels than Pillow decodes."""


def read_pixels(file: str | Path | IO[bytes]) -> NDArray[np.uint8]:
    """Return a picture as it is meant to be seen, ``(height_px, width_px, 3) uint8`` RGB.

    Raises:
        UnreadablePicture: With the reason, in a sentence of Pillow's.
    """
    try:
        with Image.open(file, formats=FORMATS) as image:
            shrink_on_load(image)
            return np.asarray(upright(to_rgb(image), orientation(image)))
    except (*DECODER_FAULTS, Image.DecompressionBombError) as error:
        raise UnreadablePicture(str(error) or type(error).__name__) from error


def shrink_on_load(image: Image.Image) -> None:
    """Have a big JPEG decoded at a fraction of its size, which takes a fraction of the time; do nothing to others."""
    image.draft(None, (_LEAST_DECODED_PX, _LEAST_DECODED_PX))


def to_rgb(image: Image.Image) -> Image.Image:
    """Return a picture of any mode as 8-bit RGB: transparency over white, more than 8 bits scaled to 8."""
    if image.mode == "RGB" and "transparency" not in image.info:
        image.load()
        return image
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        image = Image.fromarray(_to_8_bit(np.asarray(image)))
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")


def orientation(image: Image.Image) -> int:
    """Return how a camera was held, as EXIF counts, 1: upright; a broken EXIF block is no reason to lose a picture."""
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except DECODER_FAULTS:
        return 1


def upright(image: Image.Image, held: int) -> Image.Image:
    """Turn a picture so that its top is up.

    Args:
        image: As it was stored.
        held: See :func:`orientation`.
    """
    turn = _TURNS.get(held)
    return image if turn is None else image.transpose(turn)


def _to_8_bit(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Scale deep grey values by what is white: 65,535 for integers, 1 or 255 for fractions, or more if there is more.

    White does not depend on the picture as long as it can be helped, so that pictures stay comparable.
    """
    deep: NDArray[np.float32] = np.nan_to_num(values.astype(np.float32))
    highest = float(deep.max())
    white = float(_MAX_16_BIT)
    if np.issubdtype(values.dtype, np.floating):
        white = 1.0 if highest <= 1 else float(_MAX_8_BIT)
    shallow: NDArray[np.uint8] = np.rint(deep * (255 / max(white, highest))).clip(0, 255).astype(np.uint8)
    return shallow
