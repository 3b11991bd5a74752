"""Reads the bytes of single entries of a zip, never more of them than the table of contents claims.

:meth:`zipfile.ZipExtFile.read` unpacks whatever the packed bytes hold and cuts it afterwards: 40 KB of bzip2 took 1.25
GB. Here the claim is the bound at every step: what is beyond it is not unpacked. Stored and deflated entries are read,
which is what programs write unless they are told otherwise.

The local header is used for nothing but where the bytes begin. Some programs write the name there with other separators
or in another code page, and the table of contents is what everybody else goes by.
"""

import io
import struct
import zlib
from collections.abc import Iterator
from threading import Lock
from typing import IO

from shared.archive.zip_format.directory import Record

STORED, DEFLATED = 0, 8
READABLE_METHODS = frozenset({STORED, DEFLATED})
_LOCAL = struct.Struct("<4s22x2H")
_LOCAL_SIGNATURE = b"PK\x03\x04"
_CHUNK_BYTES = 64 * 1024


class DamagedContent(Exception):
    """The packed bytes of an entry are not what the table of contents promises; the message is a clause."""


class ContentReader:
    """Reads entries of one file. Safe for threads.

    Args:
        file: Seekable; nobody else moves in it meanwhile.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._lock = Lock()

    def read(self, record: Record) -> bytes:
        """Return the bytes of an entry.

        Memory: what the entry claims and a chunk of 64 KiB, whatever its packed bytes hold.

        Raises:
            DamagedContent: If they are fewer, more or others than the table of contents says, or packed by a method
            that
                is not read.
        """
        if record.method not in READABLE_METHODS:
            raise DamagedContent("it is packed by a method that is not read")
        if record.flags & 1:
            raise DamagedContent("it needs a password")
        sink = io.BytesIO()
        crc = self._copy(record, sink)
        if sink.tell() < record.size_bytes:
            raise DamagedContent(f"it holds {sink.tell():,} bytes where {record.size_bytes:,} are promised")
        if crc != record.crc:
            raise DamagedContent("its checksum is wrong, so some of its bytes are")
        return sink.getvalue()  # the sink's own memory, not a copy of it

    def _copy(self, record: Record, sink: io.BytesIO) -> int:
        """Unpack into a sink and return the checksum."""
        inflator = zlib.decompressobj(-zlib.MAX_WBITS) if record.method == DEFLATED else None
        crc, at, end = 0, self._start(record), 0
        end = at + record.packed_bytes
        while at < end:
            packed = self._at(at, min(_CHUNK_BYTES, end - at))
            if not packed:
                raise DamagedContent("the file ends in the middle of it")
            at += len(packed)
            for piece in _pieces(packed, inflator):
                if sink.tell() + len(piece) > record.size_bytes:
                    raise DamagedContent(f"it holds more than the {record.size_bytes:,} bytes that are promised")
                crc = zlib.crc32(piece, crc)
                sink.write(piece)
            if inflator is not None and inflator.eof:
                break
        return crc

    def _start(self, record: Record) -> int:
        """Return where the packed bytes begin: behind the local header, whose name and extra field differ in length."""
        header = self._at(record.offset, _LOCAL.size)
        if len(header) < _LOCAL.size or not header.startswith(_LOCAL_SIGNATURE):
            raise DamagedContent("it does not begin where the table of contents says")
        _, name_bytes, extra_bytes = _LOCAL.unpack(header)
        return record.offset + _LOCAL.size + int(name_bytes) + int(extra_bytes)

    def _at(self, offset: int, size: int) -> bytes:
        if offset < 0:
            return b""
        with self._lock:
            self._file.seek(offset)
            return self._file.read(size)


def _pieces(packed: bytes, inflator: "zlib._Decompress | None") -> Iterator[bytes]:
    """Yield what a chunk holds, in pieces of bounded size.

    Raises:
        DamagedContent: If it is no deflated stream.
    """
    if inflator is None:
        yield packed
        return
    try:
        while piece := inflator.decompress(packed, _CHUNK_BYTES):
            yield piece
            packed = inflator.unconsumed_tail
    except zlib.error as error:
        raise DamagedContent(f"it cannot be unpacked: {error}") from error
