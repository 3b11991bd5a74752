"""What makes an archive unsafe or unreadable, at the very numbers where it begins to."""

import pytest

from shared.archive.entry import read_entry
from shared.archive.safety import NUM_LISTED, ArchiveLimits, safety_faults
from shared.archive.zip_format.directory import Record
from shared.errors import Fault

LIMITS = ArchiveLimits(
    max_archive_bytes=10**6,
    max_entries=4,
    max_unpacked_bytes=10_000,
    max_entry_bytes=9_000,
    max_ratio=10.0,
    min_bomb_bytes=1_000,
    min_images=1,
    max_classes=9,
)
LINK = 0o120777 << 16


def record(number: int, *, packed: int = 100, size: int = 100, offset: int | None = None, **changes: int) -> Record:
    place = 1_000 * number if offset is None else offset
    return Record(f"cats/{number}.jpg", packed_bytes=packed, size_bytes=size, offset=place, **changes)


def faults(*records: Record, data_end: int | None = None, limits: ArchiveLimits = LIMITS) -> list[Fault]:
    entries = [read_entry(number, each) for number, each in enumerate(records)]
    return safety_faults(records, entries, limits, data_end=data_end)


def only(*records: Record, data_end: int | None = None, limits: ArchiveLimits = LIMITS) -> Fault:
    [fault] = faults(*records, data_end=data_end, limits=limits)
    assert fault.fix[0].isupper()
    assert fault.fix.endswith(".")
    return fault


def paths(*numbers: int) -> list[str]:
    return [f"cats/{number}.jpg" for number in numbers]


def test_a_sound_archive_has_no_fault_even_where_entries_touch_and_reach_up_to_the_directory() -> None:
    assert faults(record(0), record(1, offset=100), record(2, offset=200), data_end=300) == []
    assert faults() == []


def test_one_entry_more_than_allowed_is_too_many_whatever_it_is() -> None:
    folder = Record("cats/")
    assert faults(*map(record, range(3)), folder) == []
    fault = only(*map(record, range(4)), folder)
    assert (fault.code, fault.details) == ("archive_too_many_files", {"count": 5, "max_count": 4})
    assert "5 entries, at most 4" in fault.message


def test_one_byte_more_than_allowed_unpacks_too_big() -> None:
    halves = record(0, packed=5_000, size=5_000), record(1, packed=5_000, size=5_000, offset=6_000)
    assert faults(*halves) == []
    fault = only(*halves, record(2, packed=1, size=1, offset=20_000))
    assert (fault.code, fault.details) == ("archive_unpacks_too_big", {"bytes": 10_001, "max_bytes": 10_000})
    assert "10,001 bytes, at most 10,000" in fault.message


@pytest.mark.parametrize(
    ("packed", "size", "is_bomb"), [(99, 999, False), (100, 1_000, False), (99, 1_000, True), (0, 1_000, True)]
)
def test_a_file_that_unpacks_out_of_proportion_is_a_bomb_from_a_size_on(
    packed: int, size: int, *, is_bomb: bool
) -> None:
    found = faults(record(0, packed=packed, size=size), record(1))
    assert [(fault.code, fault.details["files"]) for fault in found] == [("archive_bomb", paths(0))] * is_bomb


@pytest.mark.parametrize(("packed", "size", "is_bomb"), [(199, 1_999, False), (200, 2_000, False), (199, 2_000, True)])
def test_files_too_small_to_harm_are_a_bomb_together_from_eight_such_sizes_on(
    packed: int, size: int, *, is_bomb: bool
) -> None:
    limits = ArchiveLimits(max_unpacked_bytes=10**6, max_entry_bytes=10**6, max_ratio=10.0, min_bomb_bytes=250)
    small = [record(number, packed=20, size=200) for number in range(9)]
    last = record(9, packed=packed - 180, size=size - 1_800)
    found = faults(*small, last, limits=limits)
    assert [(fault.code, fault.details["count"]) for fault in found] == [("archive_bomb", 1)] * is_bomb


def test_the_largest_is_named_of_files_that_are_a_bomb_together() -> None:
    limits = ArchiveLimits(max_unpacked_bytes=10**6, max_entry_bytes=10**6, max_ratio=10.0, min_bomb_bytes=250)
    sizes = [240] * 4 + [249] + [240] * 5
    fault = only(*[record(number, packed=1, size=size) for number, size in enumerate(sizes)], limits=limits)
    assert fault.details["files"] == paths(4)


def test_files_that_share_their_packed_bytes_are_a_bomb_in_whatever_order_they_stand() -> None:
    fault = only(record(2, offset=199), record(0, offset=0), record(1, offset=100))
    assert (fault.code, fault.details["files"]) == ("archive_bomb", paths(1))


def test_files_that_reach_beyond_the_end_damage_the_archive_where_they_are_more_than_half() -> None:
    inside, outside = (record(0), record(1)), (record(2), record(3))
    assert faults(*inside, *outside, data_end=2_050) == [], "half of them: these alone are damaged"
    fault = only(inside[0], *outside, data_end=2_050)
    assert (fault.code, fault.details) == ("archive_damaged", {"files": paths(2, 3), "count": 2})
    assert "2 of 3 files" in fault.message
    assert faults(inside[0], *outside, data_end=None) == [], "where nobody knows the end"


def test_an_archive_that_is_mostly_links_is_refused_and_a_few_are_left_out() -> None:
    links = [record(number, attributes=LINK) for number in (0, 1)]
    assert faults(*links, record(2), record(3)) == []
    fault = only(*links, record(2))
    assert (fault.code, fault.details) == ("archive_links", {"files": paths(0, 1), "count": 2})
    assert "2 files are links, not photographs, the first is 'cats/0.jpg'" in fault.message


def test_ways_of_packing_that_are_not_read_are_named_three_at_most_and_the_fix_fits_them() -> None:
    fault = only(*[record(number, method=method) for number, method in enumerate((14, 93, 14, 5))])
    assert fault.code == "archive_unsupported_compression"
    assert fault.details == {"files": paths(0, 1, 2, 3), "count": 4}
    assert "(LZMA, Zstandard, number 5)" in fault.message
    assert "Deflate64" not in fault.fix
    four = only(*[record(number, method=method) for number, method in enumerate((14, 93, 95, 9))])
    assert "(LZMA, Zstandard, xz)" in four.message
    assert "packs by Deflate64" in four.fix


def test_names_that_stand_there_twice_are_told_once_and_a_long_list_is_cut_with_its_count() -> None:
    limits = ArchiveLimits(max_entries=1_000)
    names = [*range(30), *range(25)]
    fault = only(*[record(name, offset=1_000 * at) for at, name in enumerate(names)], limits=limits)
    assert (fault.code, fault.details["count"]) == ("archive_duplicate_names", 25)
    assert fault.details["files"] == paths(*range(NUM_LISTED))


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ([record(1, flags=1), record(2, flags=1)], "archive_encrypted"),
        ([record(1, offset=-500), record(2, offset=-300)], "archive_truncated"),
    ],
)
def test_files_that_cannot_be_read_are_counted_among_those_that_are_used(bad: list[Record], code: str) -> None:
    fault = only(record(0), *bad, Record("cats/"))
    assert (fault.code, fault.details) == (code, {"files": paths(1, 2), "count": 2})
    assert "2 of 3 files" in fault.message
    assert "the first is 'cats/1.jpg'" in fault.message
