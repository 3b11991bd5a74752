"""Sound pictures in files with a scratch: text without end in a PNG, wrong checksums of what is no pixel, a lost end.

Part of the one reader of ``picture.py``, and as such of the delivered program.
"""

import random
import struct
import zlib
from collections.abc import Callable
from functools import cache

import numpy as np
from PIL import Image

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"eXIf"})
"""Chunks that decide what is seen of the first frame: pixels, transparency, and how the camera was held."""
_ANCILLARY = 0x20
_JPEG_END = b"\xff\xd9"
_BRANDS_OF_HEIF = (b"hei", b"hev", b"mif", b"msf")
_MAX_BRANDS_BYTES = 64
_DESCRIBES = b"cdsc"
"""How a box refers from notes such as EXIF to the picture that they belong to."""


def tidy_png(data: bytes) -> bytes:
    """Return a PNG without what is not looked at: texts, profiles, dates, later frames; other files as they are.

    What is kept of ancillary chunks gets the checksum that fits. So neither the size of a text nor a broken note beside
    the picture costs the picture.
    """
    if not data.startswith(_PNG):
        return data
    kept = [_PNG]
    at = len(_PNG)
    while at + 12 <= len(data):
        length, kind = struct.unpack_from(">L4s", data, at)
        end = at + 12 + length
        if end > len(data) or not kind.isalpha():
            break
        if kind in _PNG_KEPT and kind[0] & _ANCILLARY:
            body = data[at + 4 : end - 4]
            kept.append(data[at : end - 4] + struct.pack(">L", zlib.crc32(body)))
        elif kind in _PNG_KEPT:
            kept.append(data[at:end])
        at = end
    kept.append(data[at:])
    return b"".join(kept)


def has_lost_its_end(image: Image.Image, error: Exception) -> bool:
    """Tell whether a JPEG could not be decoded because the file ends too early."""
    return image.format in ("JPEG", "MPO") and "truncated" in str(error)


def with_end(data: bytes, load: Callable[[bytes], Image.Image]) -> tuple[Image.Image, int]:
    """Decode a JPEG that has lost its end.

    A decoder that comes to an end marker too early fills up with grey. So the file is decoded twice, once with other
    data before the marker: where the two pictures differ, there was none left.

    Args:
        data: The file.
        load: Opens and decodes such a file.

    Returns:
        The picture, and how many of its last rows are missing.
    """
    image = load(data + _JPEG_END)
    seen, other = np.asarray(image), np.asarray(load(data + _noise() + _JPEG_END))
    differs = (seen != other).reshape(len(seen), -1).any(axis=1)
    return image, len(seen) - int(differs.argmax()) if differs.any() else 0


@cache
def _noise() -> bytes:
    """Return data of no picture, without the byte that starts a marker."""
    return bytes(random.Random(0).choices(range(255), k=4096))  # noqa: S311 - no secret


def tidy_heif(data: bytes) -> bytes:
    """Return a HEIC whose notes belong to no picture any more, of the same length; other files as they are.

    Notes of a type that is no text kill pi-heif 1.4 and with it the process. How a camera was held does not depend on
    them: a HEIC says that of the picture itself.
    """
    if data[4:8] != b"ftyp" or data[8:11] not in _BRANDS_OF_HEIF or b"avif" in data[:_MAX_BRANDS_BYTES]:
        return data
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">L4s", data, at)
        if kind == b"meta":
            end = at + size
            return data[:at] + data[at:end].replace(_DESCRIBES, b"free") + data[end:]
        at += max(8, size)
    return data
