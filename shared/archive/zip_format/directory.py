"""Reads the table of contents of a zip in pieces, from any seekable stream, within a bound of entries and bytes.

Python's own :mod:`zipfile` reads a table whole and keeps an object of a kilobyte for each entry before anybody can say
that there are too many. It also gives up on names that are no text, which this one leaves to
:mod:`shared.archive.zip_format.code_page`.

Source: PKWARE, APPNOTE.TXT 6.3.10, section 4.3.12; Info-ZIP, extra field 0x7075.
"""

import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, NamedTuple

from shared.archive.zip_format.code_page import names_of, page_of
from shared.archive.zip_format.diagnosis import damaged, in_parts, no_beginning, no_end, too_many_entries
from shared.archive.zip_format.end_record import EndRecord, find_end

MAX_ENTRIES = 250_000
MAX_DIRECTORY_BYTES = 64 * 2**20
"""Largest table that is read: 250,000 entries with 200 bytes of name and extra fields each."""
_CHUNK_BYTES = 2**20
_HEADER = struct.Struct("<4s6H3L5H2L")
_SIGNATURE = b"PK\x01\x02"
_FLAG_UTF8 = 0x800
_FULL_32 = 0xFFFFFFFF
_WRAP = 2**32
_FULL_16 = 0xFFFF
_ZIP64 = 0x0001
_UNICODE_PATH = 0x7075


class Record(NamedTuple):
    """One entry as the table of contents shows it; a tuple, because there may be a quarter of a million of them.

    Args:
        name: As it was meant, as far as can be told; separators are as they stand there.
        method: How it is packed.
        flags: General-purpose bits.
        crc: CRC-32 of its bytes.
        packed_bytes: Size in the file.
        size_bytes: Size when unpacked, as claimed.
        offset: Where its local header begins in the file; below 0 where the beginning of the file is missing.
        attributes: External ones; their upper half is a Unix mode where Unix made it.
        made_by: Number of the system that made it, 3 for Unix.
    """

    name: str
    method: int = 0
    flags: int = 0
    crc: int = 0
    packed_bytes: int = 0
    size_bytes: int = 0
    offset: int = 0
    attributes: int = 0
    made_by: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """A table of contents.

    Args:
        records: Its entries, in its order.
        start: Where it begins in the file; the entries lie before it.
        page: Python's name of the code page that was guessed for names; ``None`` where none makes sense of them.
        is_guessed: Whether there were names that do not say how they are written.
    """

    records: list[Record]
    start: int
    page: str | None = None
    is_guessed: bool = False


def read_directory(file: IO[bytes], *, max_entries: int = MAX_ENTRIES) -> Directory:
    """Read the table of contents of a zip.

    Args:
        file: Seekable; its end, its table and its first bytes are read.
        max_entries: Most entries that are kept; neither the count that the zip claims nor its size are trusted.

    Raises:
        UserFault: ``archive_empty``, ``archive_not_zip``, ``archive_truncated``, ``archive_in_parts``,
            ``archive_damaged`` or ``archive_too_many_files``.
    """
    end = find_end(file)
    if end is None:
        raise no_end(file)
    if end.is_part:
        raise in_parts()
    if end.num_entries > max_entries:
        raise too_many_entries(end.num_entries, max_entries)
    if end.size_bytes == _FULL_32:
        raise damaged("its 64-bit end record is missing")
    if end.size_bytes > MAX_DIRECTORY_BYTES:
        raise too_many_entries(None, max_entries)
    records: list[Record] = []
    undecided: dict[int, bytes] = {}
    places = _Places(end.shift)
    for header in _headers(file, end):
        if len(records) == max_entries:
            raise too_many_entries(None, max_entries)
        name = header.name()
        if name is None:
            undecided[len(records)] = header.raw_name
        records.append(header.record(name or "", places))
    page = _decide(records, undecided) if undecided else None
    return Directory(records=records, start=end.start, page=page, is_guessed=bool(undecided))


def _decide(records: list[Record], undecided: Mapping[int, bytes]) -> str | None:
    """Give a name to the records at these positions, and return the code page.

    A folder may come in two spellings: 7-Zip writes a name in the code page where that holds it, and else in UTF-8.
    """
    page = page_of(undecided.values())
    names = names_of(undecided.values(), page=page)
    for index, raw_name in undecided.items():
        records[index] = records[index]._replace(name=names[raw_name])
    return page


class _Places:
    """Where entries lie, by the offsets that the table tells.

    Bytes before a zip move all offsets by one number. The archiver of macOS writes more than 4 GiB without 64-bit
    fields, so that offsets begin anew at each 4 GiB; entries then follow one another as in the file.

    Args:
        shift: By how much the table itself lies behind where the end record says.
    """

    def __init__(self, shift: int) -> None:
        self._shift = shift
        self._is_wrapped = shift > 0 and shift % _WRAP == 0
        self._round_bytes = self._taken_bytes = 0

    def of(self, offset: int, packed_bytes: int) -> int:
        """Return where an entry lies, the next one in the order of the table."""
        if not self._is_wrapped:
            return offset + self._shift
        if offset + self._round_bytes < self._taken_bytes:
            self._round_bytes += _WRAP
        self._taken_bytes = offset + self._round_bytes + packed_bytes
        return offset + self._round_bytes


class _Header(NamedTuple):
    fields: tuple[int, ...]
    raw_name: bytes
    extra: bytes

    def name(self) -> str | None:
        """Return the name, or ``None`` where its code page has to be guessed."""
        if self.raw_name.isascii():
            return self.raw_name.decode("ascii")
        unicode_path = _field(self.extra, _UNICODE_PATH)
        is_told = unicode_path[:1] == b"\x01" and unicode_path[1:5] == struct.pack("<L", zlib.crc32(self.raw_name))
        told = unicode_path[5:] if is_told else self.raw_name if self.fields[2] & _FLAG_UTF8 else b"\xff"
        try:
            return told.decode("utf-8")
        except UnicodeDecodeError:
            return None

    def record(self, name: str, places: "_Places") -> Record:
        """Return the entry; sizes and offset may stand in a 64-bit field.

        Raises:
            UserFault: ``archive_damaged`` or ``archive_in_parts``.
        """
        (version, _, flags, method, _, _, crc, packed_bytes, size_bytes, *_, disk, _, attributes, offset) = self.fields
        if _FULL_32 in (size_bytes, packed_bytes, offset):
            size_bytes, packed_bytes, offset = _widened((size_bytes, packed_bytes, offset), _field(self.extra, _ZIP64))
        if disk not in (0, _FULL_16):
            raise in_parts()
        return Record(
            name,
            method,
            flags,
            crc,
            packed_bytes,
            size_bytes,
            places.of(offset, packed_bytes),
            attributes,
            version >> 8,
        )


def _widened(values: Sequence[int], wide: bytes) -> list[int]:
    """Return values of which those that do not fit into 32 bits stand in a 64-bit field, in their order."""
    at, widened = 0, []
    for value in values:
        if value == _FULL_32:
            if at + 8 > len(wide):
                raise damaged("a 64-bit size is missing")
            (value,) = struct.unpack_from("<Q", wide, at)  # noqa: PLW2901 - it is the same value, whole
            at += 8
        widened.append(value)
    return widened


def _headers(file: IO[bytes], end: EndRecord) -> Iterator[_Header]:
    """Yield the headers of a table, of which no more than a piece is held.

    Raises:
        UserFault: ``archive_damaged``, or ``archive_truncated`` where the file's beginning is missing.
    """
    if end.start < 0:
        raise no_beginning()
    data, at, read_bytes = b"", 0, 0
    while at < len(data) or read_bytes < end.size_bytes:
        need = _HEADER.size
        if len(data) - at >= need:
            need += sum(struct.unpack_from("<3H", data, at + 28))
        if len(data) - at < need:
            file.seek(end.start + read_bytes)
            more = file.read(min(_CHUNK_BYTES, end.size_bytes - read_bytes))
            if not more:
                raise damaged("it ends in the middle of an entry")
            data, at, read_bytes = data[at:] + more, 0, read_bytes + len(more)
            continue
        signature, *fields = _HEADER.unpack_from(data, at)
        if signature != _SIGNATURE:
            raise damaged("an entry does not begin as it must")
        name_end = at + _HEADER.size + fields[9]
        raw_name = data[at + _HEADER.size : name_end]
        yield _Header(tuple(fields), raw_name, data[name_end : name_end + fields[10]])
        at += need


def _field(extra: bytes, wanted: int) -> bytes:
    """Return the content of an extra field, empty where it is missing; what is garbled after it is nobody's concern."""
    at = 0
    while at + 4 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, at)
        if kind == wanted:
            return extra[at + 4 : at + 4 + size]
        at += 4 + size
    return b""
