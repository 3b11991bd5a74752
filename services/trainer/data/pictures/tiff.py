"""What the first directory of a TIFF tells: whether its picture is read, and what it is if not.

Part of the one reader of ``picture.py``, and as such of the delivered program.
"""

import struct
from contextlib import suppress
from typing import NamedTuple

Tags = dict[int, tuple[int, ...]]
FIX_RAW = "Develop it: export it as JPEG from the camera's program, or use the JPEG that the camera wrote beside it."
_FIX_CHANNELS = "Save what shows most as a PNG or TIFF of one or three channels of 8 bits, or leave it out."


class Objection(NamedTuple):
    """Why a picture is not read: a stable code, one sentence, and what mends it."""

    code: str
    reason: str
    fix: str


_SUBFILE, _BITS, _COMPRESSION, _PHOTOMETRIC, _SAMPLES, _PLANES, _SUBIFDS, _FORMAT, _DNG = (
    *(254, 258, 259, 262, 277, 284, 330, 339),
    50706,
)
_MAX_SAMPLES_WITH_ALPHA = 4
_MAX_COLOUR_BITS = 16
_FLOATING, _APART = 3, 2
_RAW_COMPRESSIONS = frozenset({32767, 32769, 34713, 65535})
"""Of Sony, of old cameras of Epson, of Nikon and of Pentax."""
_RAW_PHOTOMETRICS = frozenset({32803, 34892})
"""Colours as they lie on the sensor, and those that are not yet developed."""
_USUAL_COMPRESSIONS = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946})


def objection_to_tiff(tags: Tags) -> Objection | None:
    """Tell of TIFFs that are camera raw files, whose first picture is a thumbnail, and of those that are no RGB."""
    samples, bits = tags.get(_SAMPLES, (1,))[0], max(tags.get(_BITS, (1,)))
    is_thumbnail = tags.get(_SUBFILE, (0,))[0] & 1 == 1 and _SUBIFDS in tags
    is_raw = tags.get(_COMPRESSION, (1,))[0] in _RAW_COMPRESSIONS
    is_raw = is_raw or tags.get(_PHOTOMETRIC, (1,))[0] in _RAW_PHOTOMETRICS
    if _DNG in tags or is_thumbnail or is_raw:
        what = "a camera raw file (DNG)" if _DNG in tags else "a camera raw file"
        return Objection("image_camera_raw", f"The file is {what}, which cannot be read.", FIX_RAW)
    is_strange = _FLOATING in tags.get(_FORMAT, ()) or bits > _MAX_COLOUR_BITS
    # Pillow takes the bytes of deep planes for pixels of 8 bits, and says nothing.
    is_strange = is_strange or (bits > 8 and tags.get(_PLANES, (1,))[0] == _APART)  # noqa: PLR2004 - a byte
    if samples > _MAX_SAMPLES_WITH_ALPHA or (samples > 1 and is_strange):
        return strange_tiff(tags)
    return None


def strange_tiff(tags: Tags) -> Objection:
    """Tell what a TIFF holds that is not read."""
    samples, bits = tags.get(_SAMPLES, (1,))[0], max(tags.get(_BITS, (1,)))
    what = "of one channel" if samples == 1 else f"of {samples} channels"
    if bits != 8 and samples <= _MAX_SAMPLES_WITH_ALPHA:  # noqa: PLR2004 - the usual
        what += f" of {bits} bits"
    if _FLOATING in tags.get(_FORMAT, ()):
        what += " in floating point"
    if samples > 1 and bits > 8 and tags.get(_PLANES, (1,))[0] == _APART:  # noqa: PLR2004 - a byte
        what += ", each by itself,"
    packed = tags.get(_COMPRESSION, (1,))[0]
    if packed not in _USUAL_COMPRESSIONS:
        what += f" that is packed by method {packed}"
    return Objection("image_channels", f"A TIFF {what} cannot be read.", _FIX_CHANNELS)


_SIZES = {1: "B", 2: "B", 3: "H", 4: "L", 6: "b", 7: "B", 8: "h", 9: "l", 13: "L", 16: "Q", 18: "Q"}
_MAX_TAGS, _MAX_VALUES = 512, 64


def tiff_tags(data: bytes) -> Tags:
    """Return the whole numbers in the first directory of a TIFF, by tag; empty where there is none or it is damaged."""
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None:
        return {}
    tags: dict[int, tuple[int, ...]] = {}
    with suppress(struct.error, KeyError):
        version = struct.unpack_from(f"{order}H", data, 2)[0]
        # A classic TIFF has 32-bit offsets, a big one 64-bit offsets.
        at_first, count, entry, step = {42: (4, "H", "HHL", 12), 43: (8, "Q", "HHQ", 20)}[version]
        offset = entry[-1]
        at = struct.unpack_from(order + offset, data, at_first)[0]
        num_tags = min(struct.unpack_from(order + count, data, at)[0], _MAX_TAGS)
        at += struct.calcsize(order + count)
        for number in range(num_tags):
            tag, kind, length = struct.unpack_from(order + entry, data, at + number * step)
            if kind not in _SIZES:
                tags[tag] = ()
                continue
            values = f"{order}{min(length, _MAX_VALUES)}{_SIZES[kind]}"
            where = at + number * step + struct.calcsize(order + entry)
            if length * struct.calcsize(order + _SIZES[kind]) > struct.calcsize(order + offset):
                where = struct.unpack_from(order + offset, data, where)[0]
            tags[tag] = struct.unpack_from(values, data, where)
    return {tag: values for tag, values in tags.items() if values or tag == _DNG}
