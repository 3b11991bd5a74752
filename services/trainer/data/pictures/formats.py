"""What a picture file is, told by its content alone: a picture that Pillow opens, or the reason why it is none.

Part of the one reader of ``picture.py``, and as such of the delivered program.
"""

import struct
import zlib
from contextlib import suppress
from importlib import import_module
from io import BytesIO
from typing import NamedTuple

from PIL import Image

from services.trainer.data.pictures.tiff import FIX_RAW, Objection, objection_to_tiff, strange_tiff, tiff_tags

Image.preinit()
for _plugin in ("Avif", "Ico", "Jpeg2K", "Mpo", "Tiff", "WebP"):
    with suppress(ImportError):  # an older Pillow has not all of them
        import_module(f"PIL.{_plugin}ImagePlugin")
with suppress(ImportError):  # optional for the delivered program; Pillow itself has no HEIC
    import_module("pi_heif").register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
_WANTED = ("JPEG", "PNG", "MPO", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF", "JPEG2000", "PPM", "ICO")
FORMATS = tuple(name for name in _WANTED if name in Image.OPEN)
"""Formats that are tried, by content. Left out: vector formats, which run programs, and formats without a signature."""

DECODER_FAULTS = (
    *(OSError, EOFError, SyntaxError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError),
    *(AssertionError, RuntimeError, MemoryError, struct.error, zlib.error),
)
"""What Pillow's decoders raise on damaged files; its list is open: github.com/python-pillow/Pillow/issues/1643."""

FIX_CORRUPT = "Save it again from the original, or leave it out."
FIX_TOO_LARGE = (
    "Scale it down; a long side of 1,000 px is plenty. "
    "Or save it as JPEG: big ones are decoded at a fraction of their size."
)
_FIX_OTHER = "Save it as JPEG or PNG, or leave it out."


class UnreadablePicture(Exception):
    """The file is no picture that can be used.

    Args:
        code: Stable, such as ``image_corrupt``.
        reason: One sentence for a person.
        fix: What mends it.
    """

    def __init__(self, code: str, reason: str, fix: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.fix = fix


def corrupt(reason: str) -> UnreadablePicture:
    """Tell that a file is damaged.

    Args:
        reason: What is wrong, to follow "The image is damaged: ", without the full stop.
    """
    reason = f"The image is damaged: {reason}."
    return UnreadablePicture("image_corrupt", reason, fix=FIX_CORRUPT)


def too_large(reason: str, fix: str = FIX_TOO_LARGE) -> UnreadablePicture:
    """Tell that a picture has too many pixels.

    Args:
        reason: A sentence that says how many.
        fix: What mends it.
    """
    return UnreadablePicture("image_too_large", reason, fix=fix)


def open_file(data: bytes) -> Image.Image:
    """Open a file as the picture that its content is, whatever its name; nothing is decoded yet.

    Unlike ``Image.open`` it has no opinion on the number of pixels: of a big JPEG few of them are ever decoded.

    Raises:
        UnreadablePicture: If it is none, or its beginning is damaged.
    """
    start = data[:32]
    tags = tiff_tags(data)
    told = _told_by_signature(start) or _refusal(objection_to_tiff(tags))
    if told is not None:
        raise told
    fault: Exception | None = None
    for name in FORMATS:
        factory, accept = Image.OPEN[name]
        if accept is not None and accept(start[:16]) is not True:
            continue
        try:
            return factory(BytesIO(data), "")
        except Image.DecompressionBombError as error:
            raise too_large(f"{str(error).partition(',')[0]}.") from error
        except DECODER_FAULTS as error:
            fault = fault or error
            seen = name
    if fault is None:
        raise _nothing_known(data)
    if seen == "TIFF" and (isinstance(fault.__cause__, KeyError) or "unknown" in str(fault)):
        raise UnreadablePicture(*strange_tiff(tags)) from fault
    if seen == "JPEG" and "12-bit" in str(fault):
        raise _is(_OTHER, "a JPEG of 12 bits, as some medical devices write it") from fault
    raise corrupt(f"it starts like {seen} and then cannot be read ({fault or type(fault).__name__})") from fault


def _refusal(objection: Objection | None) -> UnreadablePicture | None:
    return None if objection is None else UnreadablePicture(*objection)


class _Sign(NamedTuple):
    """Bytes that tell what a file is that cannot be read."""

    offset: int
    magic: bytes
    code: str
    what: str
    fix: str = _FIX_OTHER


_RAW, _OTHER, _NO_IMAGE = "image_camera_raw", "image_unsupported", "not_an_image"
_SIGNS = (
    _Sign(8, b"CR\x02", _RAW, "a camera raw file (Canon CR2)", FIX_RAW),
    _Sign(4, b"ftypcrx ", _RAW, "a camera raw file (Canon CR3)", FIX_RAW),
    _Sign(0, b"FUJIFILMCCD-RAW", _RAW, "a camera raw file (Fujifilm RAF)", FIX_RAW),
    _Sign(0, b"IIRO", _RAW, "a camera raw file (Olympus ORF)", FIX_RAW),
    _Sign(0, b"IIRS", _RAW, "a camera raw file (Olympus ORF)", FIX_RAW),
    _Sign(0, b"IIU\0", _RAW, "a camera raw file (Panasonic RW2)", FIX_RAW),
    _Sign(0, b"FOVb", _RAW, "a camera raw file (Sigma X3F)", FIX_RAW),
    _Sign(0, b"8BPS", _OTHER, "a Photoshop document"),
    _Sign(0, b"gimp xcf", _OTHER, "a GIMP document"),
    _Sign(0, b"\xff\x0a", _OTHER, "a JPEG XL image"),
    _Sign(0, b"\0\0\0\x0cJXL ", _OTHER, "a JPEG XL image"),
    _Sign(0, b"v/1\x01", _OTHER, "an OpenEXR image"),
    _Sign(0, b"#?RADIANCE", _OTHER, "a Radiance HDR image"),
    _Sign(0, b"DDS ", _OTHER, "a DDS texture"),
    _Sign(0, b"SIMPLE  =", _OTHER, "a FITS image"),
    _Sign(0, b"\x93NUMPY", _OTHER, "a NumPy array"),
    _Sign(0, b"\x89HDF\r\n", _OTHER, "an HDF5 file"),
    _Sign(0, b"\0\x05\x16\x07", _NO_IMAGE, "a note that macOS keeps beside a file", "Leave it out."),
    _Sign(0, b"%PDF", _NO_IMAGE, "a PDF document"),
    _Sign(0, b"%!PS", _NO_IMAGE, "a PostScript drawing"),
    _Sign(0, b"PK\x03\x04", _NO_IMAGE, "a zip or an office document"),
    _Sign(4, b"ftypqt", _NO_IMAGE, "a video"),
    _Sign(4, b"ftypmp4", _NO_IMAGE, "a video"),
    _Sign(4, b"ftypisom", _NO_IMAGE, "a video"),
    _Sign(4, b"ftypM4V", _NO_IMAGE, "a video"),
    _Sign(4, b"ftyp3gp", _NO_IMAGE, "a video"),
    _Sign(8, b"AVI LIST", _NO_IMAGE, "a video"),
    _Sign(0, b"\x1aE\xdf\xa3", _NO_IMAGE, "a video"),
    _Sign(
        0,
        b"version https://git-lfs",
        _NO_IMAGE,
        "a Git LFS pointer, not the file itself",
        "Fetch the real files with `git lfs pull`.",
    ),
)
_HEIF_BRANDS = (b"hei", b"hev", b"mif", b"msf")
_FIX_PAGE = "Download the picture again: what came instead is a page, such as one that asks to log in."
_FIX_MESSAGE = "Look at it with a text editor, and if it is one, download the picture again."
_MARKUP = {
    b"<svg": ("an SVG drawing", _FIX_OTHER),
    b"<!doctype html": ("a web page (HTML)", _FIX_PAGE),
    b"<html": ("a web page (HTML)", _FIX_PAGE),
    b"{": ("a text (JSON), perhaps an error message in place of the picture", _FIX_MESSAGE),
}


def _is(code: str, what: str, fix: str = _FIX_OTHER) -> UnreadablePicture:
    """Tell what a file is that cannot be read."""
    return UnreadablePicture(code, f"The file is {what}, which cannot be read.", fix=fix)


def _told_by_signature(start: bytes) -> UnreadablePicture | None:
    if not start:
        return UnreadablePicture("image_empty", "The file has no bytes.", fix="Copy it again from the original.")
    for sign in _SIGNS:
        if start.startswith(sign.magic, sign.offset):
            return _is(sign.code, sign.what, sign.fix)
    return None


def _shown(start: bytes) -> str:
    """Return the first bytes of a file as a person may know them again: letters where they are such, else numbers."""
    text = start.decode("ascii", "replace")
    return f'"{text}"' if text.isascii() and text.isprintable() else f"the bytes {start.hex(' ')}"


def _nothing_known(data: bytes) -> UnreadablePicture:
    """Tell of content that no format accepts."""
    start = data[:16]
    if start[4:8] == b"ftyp" and start[8:11] in _HEIF_BRANDS and "HEIF" not in FORMATS:
        fix = "Install the package that reads these (pip install pi-heif), or export it as JPEG."
        return _is("image_heic", "a HEIC photograph", fix)
    if start[4:8] == b"ftyp" and start[8:11] == b"avi":
        return _is(_OTHER, "an AVIF image", "Install Pillow 11.3 or later, or save it as JPEG or PNG.")
    text = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for mark, (what, fix) in _MARKUP.items():
        if text.startswith(mark) or (text.startswith(b"<?xml") and mark in text):
            return _is(_NO_IMAGE, what, fix)
    if data[128:132] == b"DICM":
        return _is(_OTHER, "a DICOM image")
    if not data.strip(b"\0"):
        reason = "The file is made of zero bytes only: a copy or a download of it broke off, or it never came."
        return UnreadablePicture(_NO_IMAGE, reason, fix="Copy it again from the original.")
    return UnreadablePicture(
        _NO_IMAGE,
        f"The content is no picture of a kind that is known here; it begins with {_shown(start[:8])}.",
        fix=f"Save it as JPEG or PNG, or leave it out; read are {', '.join(FORMATS)}.",
    )
