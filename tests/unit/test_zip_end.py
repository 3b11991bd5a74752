"""The end record of a zip is found whatever stands around it, and of two the one that fits the file is believed."""

import io
import struct

import pytest

from shared.archive.zip_format.directory import read_directory
from tests.unit.test_zip_directory import FILES, NAMES, code_of, names_in
from tests.zip_making import Member, made

EMPTY_END = b"PK\x05\x06" + bytes(18)
END_BYTES = len(EMPTY_END)


def wide(
    *,
    before: bytes = b"",
    between: bytes = b"",
    leads_to: int | None = None,
    disks: tuple[int, int] = (0, 0),
    num_here: int = len(FILES),
    narrow_disks: tuple[int, int] = (0, 0),
) -> bytes:
    """Return a zip that tells everything in the 64-bit record alone, as one of more than four gigabytes does.

    Args:
        before: Bytes in front, counted in no offset.
        between: Bytes between the record and its locator, where its format may grow.
        leads_to: Where the locator says that the record lies, if not where it lies without the bytes in front.
        disks: Numbers of parts in the record.
        num_here: Entries in this part.
        narrow_disks: Numbers of parts in the old record.
    """
    plain = made(FILES)
    body, end = plain[:-END_BYTES], plain[-END_BYTES:]
    size_bytes, offset = struct.unpack_from("<2L", end, 12)
    counts = (num_here, len(FILES), size_bytes, offset)
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44 + len(between), 45, 45, *disks, *counts) + between
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, len(body) if leads_to is None else leads_to, 1)
    narrow = struct.pack("<4s4H2LH", b"PK\x05\x06", *narrow_disks, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return before + body + record + locator + narrow


@pytest.mark.parametrize(
    "data",
    [
        wide(),
        wide(between=b"more of the format"),
        wide(before=b"MZ" + bytes(700)),  # the locator leads beside it, and the record stands right before
        wide(leads_to=2**63),
        wide(narrow_disks=(0xFFFF, 0xFFFF)),
    ],
    ids=["plain", "grown", "self_extracting", "led_astray", "parts_told_in_64_bits"],
)
def test_what_only_the_64_bit_record_tells_is_read(data: bytes) -> None:
    assert names_in(data) == NAMES
    first, _ = read_directory(io.BytesIO(data)).records
    assert data[first.offset :].startswith(b"PK\x03\x04")


@pytest.mark.parametrize("changes", [{"disks": (1, 1)}, {"disks": (1, 0)}, {"num_here": 1}])
def test_a_part_is_known_by_its_64_bit_record(changes: dict) -> None:
    assert code_of(wide(**changes)) == "archive_in_parts"


def test_where_the_64_bit_record_is_lost_the_archive_is_damaged_and_not_too_large() -> None:
    data = bytearray(wide())
    data[data.index(b"PK\x06\x06")] = 0
    assert code_of(bytes(data)) == "archive_damaged"


def test_numbers_of_parts_that_do_not_fit_are_no_parts_where_nothing_else_tells_them() -> None:
    data = bytearray(made(FILES))
    struct.pack_into("<2H", data, len(data) - 18, 0xFFFF, 0)
    assert names_in(bytes(data)) == NAMES
    for place, number in ((-14, 1), (-18, 1)):  # fewer entries here than in all; not the first part
        part = bytearray(made(FILES))
        struct.pack_into("<H", part, len(part) + place, number)
        assert code_of(bytes(part)) == "archive_in_parts"


@pytest.mark.parametrize("gap", [b"", b"signed by somebody"])
def test_bytes_between_the_table_and_its_end_hide_nothing(gap: bytes) -> None:
    whole = made(FILES)
    assert names_in(whole[:-END_BYTES] + gap + whole[-END_BYTES:]) == NAMES


def test_an_archive_of_nothing_has_no_entries() -> None:
    assert names_in(made([])) == []
    assert names_in(made([], comment=b"nothing")) == []


def test_a_zip_inside_the_zip_is_an_entry_of_it() -> None:
    inner = Member(name=b"inner.zip", data=made(FILES))
    assert names_in(made([FILES[0], inner])) == ["cats/1.jpg", "inner.zip"]
    assert names_in(made([inner], comment=b"PK\x05\x06 is how a zip ends")) == ["inner.zip"]


def test_a_comment_of_nothing_but_ends_of_empty_archives_is_a_comment() -> None:
    assert names_in(made(FILES, comment=EMPTY_END * 1_000)) == NAMES
