"""What entries of a zip hold is read whole and unharmed, and never more of it than the table of contents claims."""

import io
import subprocess
import sys
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.archive.zip_format.content import ContentReader, DamagedContent
from shared.archive.zip_format.directory import Record, read_directory
from tests.archive_making import good_files, wrong_checksum, zipped
from tests.zip_making import Member, deflated, made

MIB = 2**20


def opened(data: bytes) -> tuple[ContentReader, list[Record]]:
    file = io.BytesIO(data)
    return ContentReader(file), read_directory(file).records


def only(member: Member) -> bytes:
    reader, [record] = opened(made([member]))
    return reader.read(record)


@given(st.lists(st.tuples(st.binary(max_size=300), st.integers(1, 2_000), st.sampled_from([0, 8])), max_size=5))
def test_it_reads_what_pythons_own_reader_reads(files: list[tuple[bytes, int, int]]) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for number, (data, repeated, method) in enumerate(files):
            archive.writestr(f"{number}", data * repeated, compress_type=method)
    reader, records = opened(stream.getvalue())
    assert [reader.read(record) for record in records] == [data * repeated for data, repeated, _ in files]


def test_threads_read_beside_one_another() -> None:
    files = good_files()
    reader, records = opened(zipped(files, zipfile.ZIP_DEFLATED))
    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(reader.read, records * 20))
    assert read == list(files.values()) * 20


def test_streamed_entries_are_read_though_their_local_header_tells_no_size() -> None:
    assert only(Member(name=b"a", data=b"photograph" * 99, method=8, is_streamed=True)) == b"photograph" * 99


def test_a_local_header_may_name_the_entry_otherwise() -> None:
    assert only(Member(name=b"mug/1.jpg", local_name=rb"photos\mug\1.jpg", data=b"mug")) == b"mug"


def test_a_local_header_may_have_fields_that_the_table_of_contents_has_not() -> None:
    short, long = b"UT\x05\x00\x03" + bytes(4), b"UT\x09\x00\x03" + bytes(8)  # times, as Info-ZIP writes them
    assert only(Member(name=b"mug/1.jpg", extra=short, local_extra=long, data=b"mug")) == b"mug"


@pytest.mark.parametrize("method", [0, 8])
@pytest.mark.parametrize("claimed", [0, 1, 4_999])
def test_bytes_beyond_the_claim_are_refused(method: int, claimed: int) -> None:
    member = Member(name=b"a", data=b"z" * 5_000, method=method, size_bytes=claimed, crc=zlib.crc32(b"z" * claimed))
    with pytest.raises(DamagedContent, match="more than"):
        only(member)


@pytest.mark.parametrize(
    ("member", "reason"),
    [
        (Member(name=b"a", data=b"four", size_bytes=5), "holds 4 bytes where 5"),
        (Member(name=b"a", data=b"four" * 99, method=8, size_bytes=500), "holds 396 bytes where 500"),
        (Member(name=b"a", data=b"four", crc=1), "checksum"),
        (Member(name=b"a", data=b"four", method=8, crc=1), "checksum"),
        (Member(name=b"a", data=b"four", method=8, packed=b"\xff\xff\xff"), "cannot be unpacked"),
        (Member(name=b"a", data=b"four" * 99, method=8, packed=deflated(b"four" * 99)[:-3]), "holds"),
        (Member(name=b"a", data=b"four", method=12), "method"),
        (Member(name=b"a", data=b"four", flags=1), "password"),
    ],
)
def test_what_is_damaged_is_told_by_what_is_wrong(member: Member, reason: str) -> None:
    with pytest.raises(DamagedContent, match=reason):
        only(member)


def test_a_changed_byte_is_noticed() -> None:
    reader, records = opened(wrong_checksum())
    with pytest.raises(DamagedContent, match="checksum"):
        [reader.read(record) for record in records]


@pytest.mark.parametrize("offset", [-5, 7, 10**9])
def test_an_entry_that_is_not_where_it_should_be_is_named_so(offset: int) -> None:
    reader, [record] = opened(made([Member(name=b"a", data=b"four")]))
    with pytest.raises(DamagedContent, match="does not begin where"):
        reader.read(record._replace(offset=offset))


def test_an_entry_that_the_file_cuts_off_is_named_so() -> None:
    reader, [record] = opened(made([Member(name=b"a", data=b"four")]))
    with pytest.raises(DamagedContent, match="ends in the middle"):
        reader.read(record._replace(packed_bytes=10_000, size_bytes=10_000))


_READ = """
import pathlib, re, sys
from shared.archive.zip_format.content import ContentReader, DamagedContent
from shared.archive.zip_format.directory import read_directory

def peak_kib():
    return int(re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1])

with open(sys.argv[1], "rb") as file:
    [record] = read_directory(file).records
    before = peak_kib()
    try:
        ContentReader(file).read(record)
    except DamagedContent as reason:
        print(reason)
    print(peak_kib() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="tells its peak elsewhere")
def test_a_bomb_of_a_gigabyte_costs_no_more_than_it_claims(tmp_path) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = b"".join(packer.compress(bytes(MIB)) for _ in range(1024)) + packer.flush()
    bomb = Member(name=b"cats/1.jpg", method=8, packed=packed, size_bytes=10_000, crc=0)
    (tmp_path / "bomb.zip").write_bytes(made([bomb]))
    child = subprocess.run(
        [sys.executable, "-c", _READ, str(tmp_path / "bomb.zip")], check=True, capture_output=True, text=True
    )
    reason, grown_kib = child.stdout.splitlines()
    assert reason == "it holds more than the 10,000 bytes that are promised"
    assert int(grown_kib) < 4 * 1024
