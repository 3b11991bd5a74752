"""One image file, from bytes to upright RGB squares, or the reason why not.

The squares are what ``keras.layers.Resizing(px, px, interpolation="bilinear", antialias=True)`` makes of the decoded
picture, rounded to ``uint8``; the delivered network does the same with raw images, so both see alike.
"""

import struct
import threading
import zlib
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import (
    AvifImagePlugin,
    IcoImagePlugin,
    Image,
    Jpeg2KImagePlugin,
    MpoImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from shared.errors import ConvtailorError

DECODING_VERSION = 1
"""Raise it when other files are read, or a file becomes other pixels; see ``tests/unit/test_data_version.py``."""

Image.preinit()
_PLUGINS = (AvifImagePlugin, IcoImagePlugin, Jpeg2KImagePlugin, MpoImagePlugin, TiffImagePlugin, WebPImagePlugin)
_WANTED = ("JPEG", "PNG", "MPO", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000", "PPM", "ICO")
FORMATS = tuple(name for name in _WANTED if name in Image.OPEN)
"""Formats that are tried, by content. Left out: vector formats, which run programs, and formats without a signature."""

_DECODER_FAULTS = (
    *(OSError, EOFError, SyntaxError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError),
    *(AssertionError, RuntimeError, MemoryError, struct.error, zlib.error),
)
"""What Pillow's decoders raise on damaged files; its list is open: github.com/python-pillow/Pillow/issues/1643."""
_ORIENTATION = 0x0112
_T = Image.Transpose
_TURNS = {2: _T.FLIP_LEFT_RIGHT, 3: _T.ROTATE_180, 4: _T.FLIP_TOP_BOTTOM, 5: _T.TRANSPOSE} | {
    6: _T.ROTATE_270,
    7: _T.TRANSVERSE,
    8: _T.ROTATE_90,
}
_LEAST_DECODED_PX = 672
"""A JPEG is decoded at 1/2, 1/4 or 1/8 only where both sides keep this much: three times the side of most networks'
squares, which Pillow's ``reducing_gap`` calls "almost indistinguishable from fair resampling", and more than twice
that of the largest. One number for all: what is seen of a picture, and whether it is too big, must not depend on which
other networks are candidates."""
_BIG_PIXELS = 25_000_000
_one_big_image = threading.Lock()
"""Held while a big picture is decoded: one of 64 million pixels takes 256 MB, and there is a thread per core."""
_MAX_8_BIT, _MAX_16_BIT = 255, 65535


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageLimits:
    """Which images are used.

    Args:
        min_px: Least length of a side.
        max_px: Greatest length of a side.
        max_pixels: Greatest number of pixels to decode; of big JPEGs fewer are decoded than the header says.
    """

    min_px: int = 8
    max_px: int = 12000
    max_pixels: int = 64_000_000


class UnusableImage(ConvtailorError):
    """A file that is left out while the job goes on.

    Args:
        code: Stable, such as ``image_corrupt``.
        reason: One sentence for a person.
        fix: What mends it.
    """

    def __init__(self, code: str, reason: str, *, fix: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.fix = fix


def read_squares(data: bytes, sizes_px: Sequence[int], limits: ImageLimits) -> list[Image.Image]:
    """Decode a file once and return one upright RGB square per side length; of an animation, its first frame.

    Args:
        data: The file.
        sizes_px: Side lengths.
        limits: Checked against the header, before anything is decoded.

    Raises:
        UnusableImage: If the file is no image, is damaged, or lies outside the limits.
    """
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            is_big = image.width * image.height > _BIG_PIXELS
            _check_sides(image.size, limits)
            image.draft(None, (_LEAST_DECODED_PX,) * 2)
            _check_pixels(image.size, limits)
            with _one_big_image if is_big else nullcontext():
                rgb = to_rgb(image)
                turn = _TURNS.get(_orientation(image))
                squares = [rgb.resize((px, px), Image.Resampling.BILINEAR) for px in sizes_px]
    except UnidentifiedImageError as error:
        raise _not_an_image(data) from error
    except Image.DecompressionBombError as error:
        raise UnusableImage("image_too_large", f"{error}.", fix=_FIX_TOO_LARGE) from error
    except _DECODER_FAULTS as error:
        reason = f"The image is damaged: {error or type(error).__name__}."
        raise UnusableImage("image_corrupt", reason, fix=_FIX_CORRUPT) from error
    return [square.transpose(turn) for square in squares] if turn is not None else squares


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


def _to_8_bit(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Scale deep grey values by what is white: 65,535 for integers, 1 or 255 for fractions, or more if there is more.

    White does not depend on the picture as long as it can be helped, so that pictures stay comparable.
    ``predict.py``, which goes out with every network, does the same.
    """
    deep: NDArray[np.float32] = np.nan_to_num(values.astype(np.float32))
    highest = float(deep.max())
    white = float(_MAX_16_BIT)
    if np.issubdtype(values.dtype, np.floating):
        white = 1.0 if highest <= 1 else float(_MAX_8_BIT)
    shallow: NDArray[np.uint8] = np.rint(deep * (255 / max(white, highest))).clip(0, 255).astype(np.uint8)
    return shallow


def _check_sides(size: tuple[int, int], limits: ImageLimits) -> None:
    if min(size) < limits.min_px:
        reason = f"The image has {size[0]} x {size[1]} pixels, each side needs at least {limits.min_px}."
        raise UnusableImage("image_too_small", reason, fix="Send it in its original size, or leave it out.")
    if max(size) > limits.max_px:
        reason = f"The image has {size[0]} x {size[1]} pixels, each side may have at most {limits.max_px:,}."
        raise UnusableImage("image_too_large", reason, fix=_FIX_TOO_LARGE)


def _check_pixels(size: tuple[int, int], limits: ImageLimits) -> None:
    if size[0] * size[1] > limits.max_pixels:
        reason = f"The image has {size[0]} x {size[1]} pixels, at most {limits.max_pixels:,} are decoded."
        raise UnusableImage("image_too_large", reason, fix=_FIX_TOO_LARGE)


_FIX_CORRUPT = "Save it again from the original, or leave it out."
_FIX_TOO_LARGE = "Scale it down; a long side of 1,000 px is plenty."


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except _DECODER_FAULTS:  # a broken EXIF block is no reason to lose the picture
        return 1


def _not_an_image(data: bytes) -> UnusableImage:
    start = data[:16]
    if not data:
        return UnusableImage("image_empty", "The file has no bytes.", fix="Copy it again from the original.")
    if start[4:8] == b"ftyp" and start[8:11] in (b"hei", b"hev", b"mif", b"msf"):
        reason = "The file is a HEIC photograph, which cannot be read yet."
        return UnusableImage("image_heic", reason, fix="Export it as JPEG; on an iPhone choose 'Most Compatible'.")
    for name in FORMATS:
        accept = Image.OPEN[name][1]
        if accept is not None and accept(start) is True:
            reason = f"The image is damaged: it starts like {name} and then cannot be read."
            return UnusableImage("image_corrupt", reason, fix=_FIX_CORRUPT)
    return UnusableImage(
        "not_an_image",
        f"The content is no image of a known type; it starts with {start[:8]!r}.",
        fix=f"Save it as JPEG or PNG, or leave it out; read are {', '.join(FORMATS)}.",
    )
