"""What is said over the pipes to and from the process that decodes: frames of a kind, a length and bytes.

Nothing that is read makes an object of a kind that the other side chose, since that side has read what strangers made:
lengths are those that the question implies, texts are bounded, numbers are numbers.

======  ==============  =====================================================================
``S``   to the process  a session: side lengths and limits, as JSON; holds for what follows
``P``   to the process  one file
``D``   from it         one picture, decoded
``U``   from it         one file that is left out, as JSON
======  ==============  =====================================================================
"""

import json
import struct
from collections.abc import Sequence
from dataclasses import asdict
from typing import BinaryIO

from services.trainer.data.copies.look import THUMBNAIL_PX
from services.trainer.data.decoders.decoded import Decoded
from services.trainer.data.pictures.image import ImageLimits, UnusableImage

SESSION, PICTURE, DECODED, UNUSABLE = b"S", b"P", b"D", b"U"
_HEAD = struct.Struct("<cI")
_FACTS = struct.Struct("<20sQdd")
_MAX_TEXT_BYTES = 16_384
_CHANNELS = 3


class Garbled(Exception):
    """The other side has gone, or says what it cannot mean."""


def write_frame(sink: BinaryIO, kind: bytes, payload: bytes) -> None:
    """Write a frame.

    Raises:
        OSError: If nobody reads.
    """
    sink.write(_HEAD.pack(kind, len(payload)))
    sink.write(payload)


def read_frame(source: BinaryIO, *, most_bytes: int) -> tuple[bytes, bytes] | None:
    """Read a frame; ``None`` where the other side has ended.

    Raises:
        Garbled: If it breaks off, or is longer than it may be.
    """
    head = source.read(_HEAD.size)
    if not head:
        return None
    if len(head) < _HEAD.size:
        raise Garbled("a frame broke off")
    kind, length = _HEAD.unpack(head)
    if length > most_bytes:
        raise Garbled(f"a frame of {length:,} bytes, expected {most_bytes:,} at most")
    payload = source.read(length)
    if len(payload) < length:
        raise Garbled("a frame broke off")
    return kind, payload


def pack_session(sizes_px: Sequence[int], limits: ImageLimits) -> bytes:
    """Return the payload of a session."""
    return json.dumps({"sizes_px": list(sizes_px), "limits": asdict(limits)}).encode()


def unpack_session(payload: bytes) -> tuple[tuple[int, ...], ImageLimits]:
    """Read a session."""
    document = json.loads(payload)
    return tuple(document["sizes_px"]), ImageLimits(**document["limits"])


def pack_decoded(decoded: Decoded) -> bytes:
    """Return the payload of a decoded picture."""
    facts = _FACTS.pack(decoded.digest, decoded.perceptual_hash, *decoded.look)
    return b"".join((facts, decoded.thumbnail, *decoded.squares, decoded.basis.encode()))


def pack_unusable(error: UnusableImage) -> bytes:
    """Return the payload of a file that is left out."""
    return json.dumps({"code": error.code, "reason": error.reason, "fix": error.fix}).encode()


def most_bytes_of(sizes_px: Sequence[int]) -> int:
    """Return the length of the longest answer."""
    return _fixed_bytes(sizes_px) + _MAX_TEXT_BYTES


def unpack_answer(kind: bytes, payload: bytes, sizes_px: Sequence[int]) -> Decoded | UnusableImage:
    """Read an answer.

    Raises:
        Garbled: If it is none to the question.
    """
    if kind == UNUSABLE:
        return _unusable(payload)
    if kind != DECODED or len(payload) < _fixed_bytes(sizes_px):
        raise Garbled(f"an answer {kind!r} of {len(payload):,} bytes")
    digest, perceptual_hash, brightness, contrast = _FACTS.unpack_from(payload)
    at = _FACTS.size
    parts = []
    for px in (THUMBNAIL_PX, *sizes_px):
        parts.append(payload[at : at + px * px * _CHANNELS])
        at += px * px * _CHANNELS
    return Decoded(
        squares=tuple(parts[1:]),
        digest=digest,
        perceptual_hash=perceptual_hash,
        look=(brightness, contrast),
        thumbnail=parts[0],
        basis=payload[at:].decode(errors="replace"),
    )


def _unusable(payload: bytes) -> UnusableImage:
    try:
        document = json.loads(payload)
        return UnusableImage(str(document["code"]), str(document["reason"]), fix=str(document["fix"]))
    except (ValueError, KeyError, TypeError) as error:
        raise Garbled("an answer that cannot be read") from error


def _fixed_bytes(sizes_px: Sequence[int]) -> int:
    return _FACTS.size + sum(px * px * _CHANNELS for px in (THUMBNAIL_PX, *sizes_px))
