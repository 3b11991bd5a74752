"""The table of contents of a zip is read as Python's own reader reads it, but within bounds, and names as meant."""

import io
import random
import struct
import tracemalloc
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.archive.zip_format.directory import MAX_DIRECTORY_BYTES, Directory, read_directory
from shared.errors import UserFault
from tests.archive_making import good, good_files, zipped
from tests.zip_making import Member, made, unicode_path


def directory_of(data: bytes, **limits: int) -> Directory:
    return read_directory(io.BytesIO(data), **limits)


def names_in(data: bytes) -> list[str]:
    return [record.name for record in directory_of(data).records]


def code_of(data: bytes, **limits: int) -> str:
    with pytest.raises(UserFault) as caught:
        directory_of(data, **limits)
    fault = caught.value.fault
    assert fault.message.endswith(".")
    assert fault.fix.endswith((".", "does it."))
    return fault.code


members = st.lists(
    st.tuples(
        st.text(st.characters(blacklist_characters="\0\\", blacklist_categories=("Cs",)), min_size=1, max_size=12),
        st.binary(max_size=40),
        st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
    ),
    max_size=8,
)


@given(members, st.binary(max_size=30), st.binary(max_size=30), st.booleans())
def test_it_reads_what_pythons_own_reader_reads(
    files: list[tuple[str, bytes, int]], before: bytes, comment: bytes, is_zip64: bool
) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for number, (name, data, method) in enumerate(files):
            info = zipfile.ZipInfo(f"{number}{name}")
            info.compress_type = method
            with archive.open(info, "w", force_zip64=is_zip64) as sink:
                sink.write(data)
        archive.comment = comment
    data = before + stream.getvalue()
    with zipfile.ZipFile(io.BytesIO(data)) as oracle:
        wanted = [
            (
                *(each.orig_filename, each.compress_type, each.flag_bits & 0xF7FF, each.CRC),
                *(each.compress_size, each.file_size, each.header_offset, each.external_attr, each.create_system),
            )
            for each in oracle.infolist()
        ]
        start = oracle.start_dir
    read = directory_of(data)
    assert [
        (
            *(each.name, each.method, each.flags & 0xF7FF, each.crc),
            *(each.packed_bytes, each.size_bytes, each.offset, each.attributes, each.made_by),
        )
        for each in read.records
    ] == wanted
    assert read.start == start


@settings(max_examples=300)
@given(st.data())
def test_whatever_is_garbled_it_ends_in_a_table_or_a_fault(data: st.DataObject) -> None:
    garbled = bytearray(zipped(good_files("photos/"), zipfile.ZIP_DEFLATED))
    start = garbled.index(b"PK\x01\x02")
    for _ in range(data.draw(st.integers(1, 5))):
        garbled[data.draw(st.integers(start, len(garbled) - 1))] = data.draw(st.integers(0, 255))
    try:
        assert len(directory_of(bytes(garbled)).records) <= 2 * len(garbled) / 46
    except UserFault as refusal:
        assert refusal.fault.code.startswith("archive_")  # noqa: PT017 - both ends are fine


FILES = [Member(name=b"cats/1.jpg", data=b"one"), Member(name=b"dogs/2.jpg", data=b"two", method=8)]
NAMES = ["cats/1.jpg", "dogs/2.jpg"]


@pytest.mark.parametrize(
    "comment",
    [b"", b"hello", b"x" * 65_535, b"PK\x05\x06", b"PK\x05\x06" + bytes(18), b"PK\x05\x06" * 1_000],
    ids=["none", "short", "longest", "signature", "empty_end", "many_signatures"],
)
@pytest.mark.parametrize("before", [b"", b"MZ" + bytes(700)], ids=["plain", "self_extracting"])
def test_comments_and_bytes_before_the_zip_hide_nothing(comment: bytes, before: bytes) -> None:
    data = made(FILES, comment=comment, before=before)
    assert names_in(data) == NAMES
    first, _ = directory_of(data).records
    assert data[first.offset :].startswith(b"PK\x03\x04")


def test_a_zip_in_the_comment_of_a_zip_is_not_taken_for_it() -> None:
    assert names_in(made(FILES, comment=made(FILES[:1]))) == NAMES


def test_bytes_behind_the_zip_do_not_hide_it() -> None:
    assert names_in(made(FILES) + b"\r\n") == NAMES
    assert names_in(made(FILES) + bytes(60_000)) == NAMES


def test_more_entries_than_sixteen_bits_can_count_are_read_whole_whether_or_not_64_bit_fields_tell_them() -> None:
    many = [Member(name=b"%d.jpg" % number) for number in range(66_000)]
    assert len(directory_of(made(many)).records) == 66_000
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for number in range(66_000):
            archive.writestr(f"{number}.jpg", b"")
    assert len(directory_of(stream.getvalue()).records) == 66_000


@pytest.mark.parametrize("size_bytes", [2**33, 2**64 - 1])
def test_sizes_and_places_of_more_than_32_bits_are_read_and_none_is_below_zero(size_bytes: int) -> None:
    wide = struct.pack("<HH3Q", 1, 24, size_bytes, 2**32 + 5, 2**32 + 7)
    member = Member(name=b"a.mov", size_bytes=0xFFFFFFFF, packed=b"", extra=b"\x99\x99\x02\x00zz" + wide)
    data = bytearray(made([member]))
    for place in (20, 42):
        struct.pack_into("<L", data, data.index(b"PK\x01\x02") + place, 0xFFFFFFFF)
    [record] = directory_of(bytes(data)).records
    assert (record.size_bytes, record.packed_bytes, record.offset) == (size_bytes, 2**32 + 5, 2**32 + 7)
    struct.pack_into("<H", data, data.index(wide), 7)
    assert code_of(bytes(data)) == "archive_damaged"


class Sparse(io.RawIOBase):
    """A large file of zeros but for some pieces."""

    def __init__(self, pieces: dict[int, bytes]) -> None:
        super().__init__()
        self._pieces = pieces
        self._size = max(start + len(piece) for start, piece in pieces.items())
        self._at = 0

    def seek(self, offset: int, whence: int = 0, /) -> int:
        self._at = offset + (self._size if whence == io.SEEK_END else 0)
        return self._at

    def read(self, size: int = -1, /) -> bytes:
        data = bytearray(size)
        for start, piece in self._pieces.items():
            low, high = max(start, self._at), min(start + len(piece), self._at + size)
            if low < high:
                data[low - self._at : high - self._at] = piece[low - start : high - start]
        self._at += size
        return bytes(data)


def test_a_zip_of_more_than_four_gigabytes_whose_offsets_begin_anew_is_read_as_macos_writes_it() -> None:
    large = 2**32 - 20
    sizes = [
        *(("a.mov", 0, large), ("b.jpg", (large + 45) % 2**32, 3), ("c.mov", (large + 90) % 2**32, large)),
        ("d.jpg", (2 * large + 135) % 2**32, 3),
    ]
    whole = made([Member(name=name.encode(), size_bytes=size) for name, _, size in sizes])
    table = bytearray(whole[whole.index(b"PK\x01\x02") :])
    for number, (_, offset, size) in enumerate(sizes):
        struct.pack_into("<L", table, number * (46 + 5) + 20, size)
        struct.pack_into("<L", table, number * (46 + 5) + 42, offset)
    struct.pack_into("<L", table, len(table) - 6, 500)
    read = read_directory(Sparse({2**33 + 500: bytes(table)}))  # type: ignore[arg-type]
    assert [record.offset for record in read.records] == [0, large + 45, large + 90, 2 * large + 135]


def test_a_name_that_info_zip_tells_in_utf8_is_that_name() -> None:
    raw = "ソファ/1.jpg".encode("cp932")
    assert names_in(made([Member(name=raw, extra=unicode_path(raw, "ソファ/1.jpg"))])) == ["ソファ/1.jpg"]


def test_a_name_told_in_utf8_is_that_name_whatever_the_other_one_could_mean() -> None:
    raw = b"\x82\x8e/1.jpg"
    told = unicode_path(raw, "\u00e9toile/1.jpg")
    assert names_in(made([Member(name=raw, extra=told)])) == ["\u00e9toile/1.jpg"]
    of_a_later_version = told[:4] + b"\x02" + told[5:]
    for extra in (b"", of_a_later_version, unicode_path(raw, "\u00e9toile/1.jpg", crc=5)):
        [name] = names_in(made([Member(name=raw, extra=extra)]))
        assert name != "\u00e9toile/1.jpg"
        assert name.endswith("/1.jpg")


def test_a_code_page_is_told_where_it_had_to_be_guessed_and_only_there() -> None:
    guessed = directory_of(made([Member(name="\u30bd\u30d5\u30a1/1.jpg".encode("cp932"))]))
    assert (guessed.page, guessed.is_guessed) == ("cp932", True)
    for plain in (Member(name=b"cats/1.jpg"), Member(name="K\u00e4fer/1.jpg".encode(), flags=0x800)):
        known = directory_of(made([plain]))
        assert (known.page, known.is_guessed) == (None, False)


def test_a_name_told_in_utf8_is_found_between_other_fields_of_any_length() -> None:
    raw = "ソファ/1.jpg".encode("cp932")
    before = struct.pack("<HH5s", 0x5455, 5, b"\1time") + struct.pack("<HH", 0xCAFE, 40_000) + bytes(40_000)
    extra = before + unicode_path(raw, "ソファ/1.jpg") + struct.pack("<HH2s", 0x7875, 2, b"id")
    assert names_in(made([Member(name=raw, extra=extra)])) == ["ソファ/1.jpg"]


def test_a_name_told_in_utf8_for_another_name_is_not_believed() -> None:
    raw = "Käse/1.jpg".encode("cp437")
    assert names_in(made([Member(name=raw, extra=unicode_path(raw, "Brot/1.jpg", crc=5))])) == ["Käse/1.jpg"]


def test_a_name_that_is_not_the_utf8_it_claims_to_be_is_read_all_the_same() -> None:
    assert names_in(made([Member(name="Käse/1.jpg".encode("cp1252"), flags=0x800)])) == ["Käse/1.jpg"]


@pytest.mark.parametrize("part", ["last", "entry", "first"])
def test_a_part_of_a_split_zip_is_called_one(part: str) -> None:
    data = bytearray(made(FILES if part != "entry" else [FILES[0], Member(name=b"b/2.jpg", disk=1)]))
    if part == "last":
        struct.pack_into("<2H", data, len(data) - 18, 1, 1)
    if part == "first":
        data = bytearray(b"PK\x07\x08" + data[: len(data) // 2])
    with pytest.raises(UserFault, match="part of a zip that was split") as caught:
        directory_of(bytes(data))
    assert caught.value.fault.code == "archive_in_parts"
    assert "Join the parts" in caught.value.fault.fix


@pytest.mark.parametrize(
    ("data", "code", "word"),
    [
        (b"", "archive_empty", "no bytes"),
        (b"Rar!\x1a\x07\x01\0" + bytes(500), "archive_not_zip", "RAR"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(500), "archive_not_zip", "7z"),
        (b"\x1f\x8b\x08" + bytes(500), "archive_not_zip", "gzip"),
        (bytes(257) + b"ustar" + bytes(300), "archive_not_zip", "tar archive"),
        (b"\r\n<!DOCTYPE html><html><body>Sign in</body></html>", "archive_not_zip", "web page"),
        (b"\xef\xbb\xbf<HTML>", "archive_not_zip", "web page"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "archive_not_zip", "went wrong"),
        (b' {"error": "quota exceeded"}', "archive_not_zip", "JSON"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "archive_not_zip", "Git LFS"),
        (bytes(4_000), "archive_not_zip", "zero bytes"),
        (b"\xff\xd8\xff\xe0" + bytes(500), "archive_not_zip", "single picture"),
        (b"what is this", "archive_not_zip", "starts with"),
        (good()[:-60], "archive_truncated", "cut off"),
    ],
)
def test_what_is_no_zip_is_called_what_it_is(data: bytes, code: str, word: str) -> None:
    with pytest.raises(UserFault, match=word):
        directory_of(data)
    assert code_of(data) == code


def test_a_count_beyond_the_bound_is_refused_unread() -> None:
    data = made([Member(name=b"%d" % number) for number in range(11)])
    assert code_of(data, max_entries=10) == "archive_too_many_files"
    assert len(directory_of(data, max_entries=11).records) == 11


def test_a_count_that_is_a_lie_is_found_out_at_the_bound() -> None:
    data = bytearray(made([Member(name=b"%d" % number) for number in range(50_000)]))
    struct.pack_into("<2H", data, len(data) - 14, 3, 3)
    tracemalloc.start()
    assert code_of(bytes(data), max_entries=10) == "archive_too_many_files"
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 2 * len(data) + 4 * 2**20


def test_a_table_beyond_the_bound_is_refused_unread() -> None:
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 10, 10, MAX_DIRECTORY_BYTES + 1, 0, 0)
    assert code_of(b"PK\x01\x02" + bytes(MAX_DIRECTORY_BYTES - 3) + end) == "archive_too_many_files"


class Watched(io.BytesIO):
    """Knows how much was asked of it at once."""

    most_bytes = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.most_bytes = max(self.most_bytes, len(data))
        return data


def test_a_table_is_read_alike_wherever_its_pieces_end_and_never_held_whole() -> None:
    generator = random.Random(3)
    files = [Member(name=bytes([97 + number % 26]) * generator.randint(1, 3_000)) for number in range(3_000)]
    file = Watched(made(files))
    assert [record.name for record in read_directory(file).records] == [member.name.decode() for member in files]
    assert file.most_bytes <= 2**20
