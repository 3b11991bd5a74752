"""One image file, from bytes to upright RGB squares, or the reason why not.

The squares are what ``keras.layers.Resizing(px, px, interpolation="bilinear", antialias=True)`` makes of the decoded
picture, rounded to ``uint8``; the delivered network does the same with raw images, so both see alike.
"""

import threading
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, UnidentifiedImageError

from services.trainer.data.pictures.picture import DECODER_FAULTS, FORMATS, orientation, shrink_on_load, to_rgb, upright
from shared.errors import ConvtailorError

DECODING_VERSION = 1
"""Raise it when other files are read, or a file becomes other pixels; see ``tests/unit/test_data_version.py``."""

_BIG_PIXELS = 25_000_000
_one_big_image = threading.Lock()
"""Held while a big picture is decoded: one of 64 million pixels takes 256 MB, and there is a thread per core."""


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
            shrink_on_load(image)
            _check_pixels(image.size, limits)
            with _one_big_image if is_big else nullcontext():
                rgb = to_rgb(image)
                held = orientation(image)
                squares = [rgb.resize((px, px), Image.Resampling.BILINEAR) for px in sizes_px]
    except UnidentifiedImageError as error:
        raise _not_an_image(data) from error
    except Image.DecompressionBombError as error:
        raise UnusableImage("image_too_large", f"{error}.", fix=_FIX_TOO_LARGE) from error
    except DECODER_FAULTS as error:
        reason = f"The image is damaged: {error or type(error).__name__}."
        raise UnusableImage("image_corrupt", reason, fix=_FIX_CORRUPT) from error
    return [upright(square, held) for square in squares]


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
