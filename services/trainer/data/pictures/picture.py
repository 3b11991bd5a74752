"""How a picture file becomes pixels: one reader for training, for the check of an export and for the delivered program.

Upright as the camera was held, transparency over white, more than 8 bits scaled to 8, of an animation the first frame,
of several pictures the primary one; colour profiles are not applied. Needs nothing but numpy and Pillow, and pi-heif
for HEIC: the delivered ``predict.py`` holds the text of this module and of its parts word for word, so what was trained
on and what is classified later are the same pixels.
"""

from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from services.trainer.data.pictures.deep_colour import holds_deep_colours, lit, of_lower_bytes
from services.trainer.data.pictures.depth import is_deep, shallow
from services.trainer.data.pictures.formats import DECODER_FAULTS, UnreadablePicture, corrupt, open_file, too_large
from services.trainer.data.pictures.memory import MAX_DECODING_BYTES, MAX_PIXELS, decoding_bytes
from services.trainer.data.pictures.mending import has_lost_its_end, tidy_heif, tidy_png, with_end

_LEAST_DECODED_PX = 672
"""A picture is shrunk while it is read only as far as both sides keep this much: three times the side of most networks'
squares, which Pillow's ``reducing_gap`` calls "almost indistinguishable from fair resampling", and more than twice
that of the largest. One number for all: what is seen of a picture, and whether it is too big, must not depend on which
other networks are candidates."""
_MOST_KEPT_PIXELS = 25_000_000
"""A bigger picture of any format is shrunk once it is decoded: a network takes 12 bytes and more for each pixel."""
_MAX_REDUCTION = 8
_MAX_FILE_BYTES = 2**29

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
_ROWS_PX = 2**20
"""Pixels that are laid over white at once: a picture is not held three times."""


class Opened(NamedTuple):
    """A picture whose header is read.

    Args:
        image: Shrunk as far as it is while it is read; not decoded.
        data: Its file, without what nobody looks at.
        full_size: Width and height that the header tells, in pixels.
        cost_bytes: What decoding it takes.
    """

    image: Image.Image
    data: bytes
    full_size: tuple[int, int]
    cost_bytes: int


class Seen(NamedTuple):
    """A decoded picture.

    Args:
        image: 8-bit RGB, as it was stored.
        held: How the camera was held; see :func:`upright`.
        basis: What the range of its greys was judged by; see :class:`GreyRange`.
    """

    image: Image.Image
    held: int
    basis: str


def read_pixels(file: str | Path | IO[bytes]) -> NDArray[np.uint8]:
    """Return a picture as it is meant to be seen, ``(height_px, width_px, 3) uint8`` RGB.

    Raises:
        UnreadablePicture: If it is none, or takes too much memory.
    """
    seen = decode(open_picture(file_bytes(Path(file)) if isinstance(file, str | Path) else file.read()))
    return np.asarray(upright(seen.image, seen.held))


def file_bytes(path: Path) -> bytes:
    """Return a file that may be a picture.

    Raises:
        UnreadablePicture: If it is too large for one, or cannot be read.
    """
    try:
        num_bytes = path.stat().st_size
        if num_bytes > _MAX_FILE_BYTES:
            reason = f"The file has {num_bytes:,} bytes, more than any photograph."
            raise UnreadablePicture("not_an_image", reason, fix="Leave it out, or save it as JPEG or PNG.")
        return path.read_bytes()
    except OSError as error:
        fix = "Check the path and its rights."
        raise UnreadablePicture("file_unreadable", f"{error.strerror}.", fix=fix) from error


def open_picture(data: bytes) -> Opened:
    """Read the header of a file.

    Raises:
        UnreadablePicture: If it is no picture, or decoding it would take too much memory.
    """
    data = tidy_heif(tidy_png(data))
    image = open_file(data)
    full_size = image.size
    shrink_on_load(image)
    try:
        cost_bytes = decoding_bytes(image, full_size, data)
    except DECODER_FAULTS as error:
        raise corrupt(str(error)) from error
    opened = Opened(image, data, full_size, cost_bytes)
    width, height = full_size
    if image.width * image.height > MAX_PIXELS:
        raise too_large(f"The image has {width} x {height} pixels, at most {MAX_PIXELS:,} are decoded.")
    if cost_bytes > MAX_DECODING_BYTES:
        megabytes = f"{cost_bytes / 2**20:,.0f} MB of memory, at most {MAX_DECODING_BYTES // 2**20} are spent"
        raise too_large(f"The image has {width} x {height} pixels; to decode this {image.format} takes {megabytes}.")
    return opened


def decode(opened: Opened) -> Seen:
    """Decode a picture.

    Raises:
        UnreadablePicture: If it is damaged.
    """
    try:
        has_deep_colours = holds_deep_colours(opened.image)
        image = _loaded(opened)
        held = orientation(image)
        basis = ""
        if has_deep_colours:
            image, basis = lit(image, lambda: of_lower_bytes(open_file(opened.data)))
        rgb, basis_of_greys = _to_rgb(image)
        return Seen(_kept(rgb), held, basis or basis_of_greys)
    except MemoryError as error:
        raise too_large("There is not enough memory to decode the image.") from error
    except DECODER_FAULTS as error:
        raise corrupt(str(error) or type(error).__name__) from error


def shrink_on_load(image: Image.Image) -> None:
    """Have a big JPEG decoded at a fraction of its size, which takes a fraction of the time; do nothing to others."""
    image.draft(None, (_LEAST_DECODED_PX, _LEAST_DECODED_PX))


def _loaded(opened: Opened) -> Image.Image:
    """Decode; a JPEG that has lost nothing but its end is whole."""
    try:
        opened.image.load()
    except OSError as error:
        if not has_lost_its_end(opened.image, error):
            raise
        image, num_missing = with_end(opened.data, _load_again)
        if num_missing:
            raise OSError(f"the file ends too early, {num_missing} of {image.height} rows are missing") from error
        return image
    return opened.image


def _load_again(data: bytes) -> Image.Image:
    image = open_file(data)
    shrink_on_load(image)
    image.load()
    return image


def _to_rgb(image: Image.Image) -> tuple[Image.Image, str]:
    """Return a picture of any mode as 8-bit RGB, and what the range of deep greys was judged by."""
    if image.mode == "RGB" and "transparency" not in image.info:
        return image, ""
    if is_deep(image):
        rgb, grey_range = shallow(image)
        return rgb, grey_range.basis
    return _over_white(image) if image.has_transparency_data else image.convert("RGB"), ""


def _over_white(image: Image.Image) -> Image.Image:
    """Lay a picture over white, some rows at a time."""
    flat = Image.new("RGB", image.size)
    rows = max(1, _ROWS_PX // image.width)
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(top + rows, image.height))).convert("RGBA")
        white = Image.new("RGBA", strip.size, "white")
        flat.paste(Image.alpha_composite(white, strip).convert("RGB"), (0, top))
    return flat


def _kept(rgb: Image.Image) -> Image.Image:
    """Shrink a very big picture by a whole number."""
    times = min(_MAX_REDUCTION, min(rgb.size) // _LEAST_DECODED_PX)
    return rgb.reduce(times) if rgb.width * rgb.height > _MOST_KEPT_PIXELS and times > 1 else rgb


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
