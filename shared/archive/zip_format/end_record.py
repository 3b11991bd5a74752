"""Finds the end record of a zip, which tells where its table of contents lies.

The record is sought from the end of the file backwards, since a comment of up to 65,535 bytes may follow it, and
anything may stand in a comment. Bytes before the zip, as in a self-extracting one, move all offsets by one and the same
number.

Source: PKWARE, APPNOTE.TXT 6.3.10, sections 4.3.14 to 4.3.16.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

_END = struct.Struct("<4s4H2LH")
_END_SIGNATURE = b"PK\x05\x06"
_LOCATOR = struct.Struct("<4sLQL")
_LOCATOR_SIGNATURE = b"PK\x06\x07"
_END_64 = struct.Struct("<4sQ2H2L4Q")
_END_64_SIGNATURE = b"PK\x06\x06"
_HEADER_SIGNATURE = b"PK\x01\x02"
_MAX_COMMENT_BYTES = 65_535
_MOST_TRIED = 64
"""Records that are followed into the file; a comment could consist of them."""
_NO_DISK = 0xFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class EndRecord:
    """Where the table of contents lies, as the end record claims it.

    Args:
        start: Offset of the table in the file.
        size_bytes: Its size.
        num_entries: Its entries; programs without 64-bit fields write the remainder by 65,536.
        shift: What is to be added to every offset in the table.
        is_part: Whether the file is one of several that make up the archive.
    """

    start: int
    size_bytes: int
    num_entries: int
    shift: int
    is_part: bool


def find_end(file: IO[bytes]) -> EndRecord | None:
    """Return the end record, or ``None`` where there is none.

    Of several signatures that one counts whose comment ends with the file and whose table lies where it says; else one
    whose table lies right before it; else the last one, so that there is something to find fault with.

    Args:
        file: Seekable; its last 64 KiB are read, and a few bytes wherever a 64-bit record or a table may begin.
    """
    file_bytes = file.seek(0, 2)
    tail_start = max(0, file_bytes - _END.size - _MAX_COMMENT_BYTES)
    file.seek(tail_start)
    tail = file.read(file_bytes - tail_start)
    best: _Candidate | None = None
    for candidate in _candidates(file, tail, tail_start):
        if best is None or candidate.rank > best.rank:
            best = candidate
        if best.rank == _BEST_RANK:
            break
    return best.record if best else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    """A record that may be the one.

    Args:
        record: What it says.
        is_exact: Whether its comment ends with the file.
        is_table: Whether a table begins where it should.
    """

    record: EndRecord
    is_exact: bool
    is_table: bool

    @property
    def rank(self) -> int:
        """How much speaks for it; a table with entries says more than an empty one, which is easily made of zeros."""
        is_filled = self.is_table and self.record.size_bytes > 0
        is_sound = self.is_exact and (is_filled or self.record.is_part)
        return 8 * (is_sound and self.record.shift == 0) + 4 * is_sound + 2 * is_filled + self.is_exact


_BEST_RANK = 15


def _candidates(file: IO[bytes], tail: bytes, tail_start: int) -> Iterator[_Candidate]:
    """Yield the records that can be made out, from the last one on, those whose comment ends with the file first."""
    found: list[tuple[bool, int]] = []
    at = tail.rfind(_END_SIGNATURE)
    while at >= 0:
        rest_bytes = len(tail) - at - _END.size
        if rest_bytes >= 0:
            (comment_bytes,) = struct.unpack_from("<H", tail, at + _END.size - 2)
            if comment_bytes <= rest_bytes:
                found.append((comment_bytes == rest_bytes, at))
        at = tail.rfind(_END_SIGNATURE, 0, at)
    for is_exact, at in sorted(found, reverse=True)[:_MOST_TRIED]:
        (_, disk, table_disk, here, total, size_bytes, offset, _) = _END.unpack_from(tail, at)
        claim = _Claim(
            end=tail_start + at,
            disks=(disk, table_disk) if _NO_DISK not in (disk, table_disk) else (0, 0),
            num_entries=total,
            is_part=here != total,
            size_bytes=size_bytes,
            offset=offset,
        )
        record, is_table = _placed(file, _claim_64(file, claim) or claim)
        yield _Candidate(record=record, is_exact=is_exact, is_table=is_table)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """What an end record says; ``end`` is where the table should end."""

    end: int
    disks: tuple[int, int]
    num_entries: int
    is_part: bool
    size_bytes: int
    offset: int


def _claim_64(file: IO[bytes], claim: _Claim) -> _Claim | None:
    """Return what the 64-bit record before an end record says, ``None`` where there is none."""
    if claim.end < _LOCATOR.size:
        return None
    signature, _, offset, _ = _LOCATOR.unpack(_read(file, claim.end - _LOCATOR.size, _LOCATOR.size))
    if signature != _LOCATOR_SIGNATURE:
        return None
    for position in (offset, claim.end - _LOCATOR.size - _END_64.size):
        if not 0 <= position <= claim.end - _LOCATOR.size - _END_64.size:
            continue
        data = _read(file, position, _END_64.size)
        if data.startswith(_END_64_SIGNATURE):
            (_, _, _, _, disk, table_disk, here, total, size_bytes, table_offset) = _END_64.unpack(data)
            return _Claim(
                end=position,
                disks=(disk, table_disk),
                num_entries=total,
                is_part=here != total,
                size_bytes=size_bytes,
                offset=table_offset,
            )
    return None


def _placed(file: IO[bytes], claim: _Claim) -> tuple[EndRecord, bool]:
    """Return the record with the place at which its table begins, and whether one begins there."""
    before = claim.end - claim.size_bytes
    places = [before, claim.offset] if claim.offset + claim.size_bytes <= claim.end else [before]
    start = next((place for place in places if place >= 0 and _begins_table(file, place)), before)
    record = EndRecord(
        start=start,
        size_bytes=claim.size_bytes,
        num_entries=claim.num_entries,
        shift=start - claim.offset,
        is_part=any(claim.disks) or claim.is_part,
    )
    return record, start >= 0 and _begins_table(file, start)


def _begins_table(file: IO[bytes], place: int) -> bool:
    return _read(file, place, len(_HEADER_SIGNATURE)) == _HEADER_SIGNATURE


def _read(file: IO[bytes], offset: int, size: int) -> bytes:
    file.seek(offset)
    return file.read(size)
