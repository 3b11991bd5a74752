"""One image file, from bytes to upright RGB squares, or the reason why not.

The squares are what ``keras.layers.Resizing(px, px, interpolation="bilinear", antialias=True)`` makes of the decoded
picture, rounded to ``uint8``; the delivered network does the same with raw images, so both see alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from services.trainer.data.pictures.budget import MemoryBudget
from services.trainer.data.pictures.formats import UnreadablePicture, too_large
from services.trainer.data.pictures.memory import MAX_DECODING_BYTES, MAX_PIXELS
from services.trainer.data.pictures.picture import Opened, decode, open_picture, upright
from shared.errors import ConvtailorError

DECODING_VERSION = 3
"""Raise it when other files are read, or a file becomes other pixels; see ``tests/unit/test_data_version.py``."""

_BUDGET = MemoryBudget(MAX_DECODING_BYTES)
"""Of all threads together: one picture that takes all of it, or many that take little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageLimits:
    """Which images are used.

    Args:
        min_px: Least length of a side.
        max_px: Greatest length of a side, as it is decoded: big JPEGs are decoded at a fraction of their size.
        max_pixels: Greatest number of pixels to decode; of big JPEGs fewer are decoded than the header says.
    """

    min_px: int = 8
    max_px: int = 12000
    max_pixels: int = MAX_PIXELS


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Squares:
    """A picture as networks see it.

    Args:
        images: One upright RGB square per side length.
        basis: What the range of its greys was judged by; see :class:`services.trainer.data.pictures.depth.GreyRange`.
    """

    images: list[Image.Image]
    basis: str


def read_squares(data: bytes, sizes_px: Sequence[int], limits: ImageLimits) -> Squares:
    """Decode a file once; of an animation, its first frame.

    Args:
        data: The file.
        sizes_px: Side lengths.
        limits: Checked against the header, before anything is decoded.

    Raises:
        UnusableImage: If the file is no image, is damaged, or lies outside the limits.
    """
    try:
        opened = open_picture(data)
        with opened.image:
            _check(opened, limits)
            with _BUDGET.spend(opened.cost_bytes):
                seen = decode(opened)
                squares = [seen.image.resize((px, px), Image.Resampling.BILINEAR) for px in sizes_px]
    except UnreadablePicture as error:
        raise UnusableImage(error.code, error.reason, fix=error.fix) from error
    return Squares(images=[upright(square, seen.held) for square in squares], basis=seen.basis)


def _check(opened: Opened, limits: ImageLimits) -> None:
    size, decoded = opened.full_size, opened.image.size
    has = f"The image has {size[0]} x {size[1]} pixels"
    if min(size) < limits.min_px:
        fix = "Send it in its original size, or leave it out."
        reason = f"{has}, each side needs at least {limits.min_px}."
        raise UnreadablePicture("image_too_small", reason, fix=fix)
    if max(decoded) > limits.max_px:
        fix = "Scale it down; a long side of 1,000 px is plenty. The option max_image_px allows up to 20,000."
        raise too_large(f"{has}, each side may have at most {limits.max_px:,}.", fix)
    if decoded[0] * decoded[1] > limits.max_pixels:
        raise too_large(f"{has}, at most {limits.max_pixels:,} are decoded.")
