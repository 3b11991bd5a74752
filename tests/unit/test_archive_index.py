"""Intake reads the end of an archive and nothing else."""

import io
import struct

import pytest

from services.intake.events.archive_index import read_plan
from shared.adapters.embedded.signed_url import UrlSigner
from shared.archive.safety import ArchiveLimits
from shared.archive.zip_format.directory import MAX_DIRECTORY_BYTES
from shared.errors import NotFound, UserFault
from tests.archive_making import good, good_files, zipped
from tests.doubles.memory_object_store import MemoryObjectStore

KEY = "uploads/1/archive.zip"


class CountingStore(MemoryObjectStore):
    """Counts what is read."""

    def __init__(self, data: bytes) -> None:
        super().__init__(signer=UrlSigner(b"secret", public_url="http://intake"))
        self.num_reads = 0
        self.num_bytes = 0
        self.stored = self.put(KEY, io.BytesIO(data), content_type="application/zip")

    def read(self, key: str, start: int = 0, end: int | None = None, *, generation: str | None = None) -> bytes:
        data = super().read(key, start, end, generation=generation)
        self.num_reads += 1
        self.num_bytes += len(data)
        return data


def test_an_archive_of_50_mb_costs_a_few_reads_and_less_than_2_mb() -> None:
    filler = bytes(range(256)) * 100
    data = zipped({f"{name}/{number:05}.jpg": filler for name in ("cats", "dogs") for number in range(1_000)})
    store = CountingStore(data)
    plan = read_plan(store, KEY, generation=store.stored.generation)
    assert (plan.num_images, plan.num_classes) == (2_000, 2)
    assert len(data) > 50_000_000
    assert store.num_reads <= 3
    assert store.num_bytes < 2_000_000


def test_an_archive_within_one_block_is_read_once() -> None:
    store = CountingStore(zipped(good_files("photos/")))
    assert read_plan(store, KEY).root == "photos"
    assert store.num_reads == 1


def test_an_archive_over_the_cap_is_refused_unread() -> None:
    store = CountingStore(good())
    with pytest.raises(UserFault) as caught:
        read_plan(store, KEY, limits=ArchiveLimits(max_archive_bytes=len(good()) - 1))
    assert caught.value.fault.code == "archive_too_big"
    assert store.num_reads == 0


def test_a_directory_without_end_is_not_read_to_its_end() -> None:
    size_bytes = MAX_DIRECTORY_BYTES + 1
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1000, 1000, size_bytes, 0, 0)
    store = CountingStore(bytes(size_bytes) + end)
    with pytest.raises(UserFault) as caught:
        read_plan(store, KEY)
    assert caught.value.fault.code == "archive_too_many_files"
    assert store.num_bytes < 1_000_000


def test_another_upload_under_the_key_is_not_taken_for_this_one() -> None:
    store = CountingStore(good())
    store.put(KEY, io.BytesIO(good()), content_type="application/zip")
    with pytest.raises(NotFound):
        read_plan(store, KEY, generation=store.stored.generation)
