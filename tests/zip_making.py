"""Makes zips with names, extra fields and ends that :mod:`zipfile` does not write."""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")


@dataclass(frozen=True, kw_only=True)
class Member:
    """One entry, byte by byte.

    Args:
        name: In the table of contents.
        data: What it holds.
        local_name: In its local header, where that differs.
        packed: Its packed bytes, where they are not the deflated or stored data.
        method: 0 or 8, or any other number with ``packed``.
        flags: General-purpose bits.
        crc: Where it is not that of the data.
        size_bytes: As claimed, where it is not that of the data.
        extra: Extra fields of the table of contents.
        local_extra: Those of its local header.
        attributes: External ones.
        made_by: System and version, 3 << 8 for Unix.
        is_streamed: Whether sizes stand behind the data, as streaming programs write them.
    """

    name: bytes
    data: bytes = b""
    local_name: bytes | None = None
    packed: bytes | None = None
    method: int = 0
    flags: int = 0
    crc: int | None = None
    size_bytes: int | None = None
    extra: bytes = b""
    local_extra: bytes = b""
    attributes: int = 0
    made_by: int = 0
    is_streamed: bool = False
    disk: int = field(default=0)


def deflated(data: bytes) -> bytes:
    """Return a raw deflate stream."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def made(members: Sequence[Member], *, before: bytes = b"", comment: bytes = b"", shift: int = 0) -> bytes:
    """Return a zip.

    Args:
        members: In the order of the file.
        before: Bytes that precede it, and are counted in no offset, as in front of a self-extracting one.
        comment: Of the whole zip.
        shift: Added to every offset.
    """
    body, table = bytearray(), bytearray()
    for member in members:
        packed = member.packed
        if packed is None:
            packed = deflated(member.data) if member.method else member.data
        crc = zlib.crc32(member.data) if member.crc is None else member.crc
        size_bytes = len(member.data) if member.size_bytes is None else member.size_bytes
        flags = member.flags | (8 if member.is_streamed else 0)
        told = (0, 0, 0) if member.is_streamed else (crc, len(packed), size_bytes)
        offset = len(body) + shift
        local_name = member.name if member.local_name is None else member.local_name
        local_lengths = (len(local_name), len(member.local_extra))
        body += _LOCAL.pack(b"PK\x03\x04", 20, flags, member.method, 0, 33, *told, *local_lengths)
        body += local_name + member.local_extra + packed
        if member.is_streamed:
            body += b"PK\x07\x08" + struct.pack("<3L", crc, len(packed), size_bytes)
        lengths = (len(member.name), len(member.extra), 0, member.disk, 0)
        sizes = (crc, len(packed), size_bytes)
        table += _CENTRAL.pack(
            b"PK\x01\x02",
            member.made_by | 20,
            20,
            flags,
            member.method,
            0,
            33,
            *sizes,
            *lengths,
            member.attributes,
            offset,
        )
        table += member.name + member.extra
    count = min(len(members), 0xFFFF)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, len(table), len(body) + shift, len(comment))
    return before + bytes(body) + bytes(table) + end + comment


def unicode_path(raw_name: bytes, name: str, *, crc: int | None = None) -> bytes:
    """Return the extra field in which Info-ZIP tells a name in UTF-8 beside the one in some code page."""
    content = struct.pack("<BL", 1, zlib.crc32(raw_name) if crc is None else crc) + name.encode()
    return struct.pack("<HH", 0x7075, len(content)) + content
