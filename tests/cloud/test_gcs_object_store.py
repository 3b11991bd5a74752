import io
import random
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from unittest.mock import Mock
from urllib.parse import unquote

import httpx
import pytest

from shared.adapters.gcp.storage.gcs_object_store import GcsObjectStore
from shared.adapters.gcp.storage.upload_session import PIECE_BYTES
from shared.adapters.gcp.vendor_error import CallLimit
from shared.errors import Conflict, NotFound, Transient
from shared.ports.object_store import ObjectStore, SignedRequest
from tests.cloud.storage_fixture import BUCKET, storage_process
from tests.cloud.storage_server import StorageServer
from tests.contract.embedded_process import Endless
from tests.contract.object_store_contract import TEXT, Answer, ObjectStoreContract, put
from tests.http_fixture import HANG, Reply, served
from tests.job_fixture import HandClock
from tests.waiting import PATIENCE_S, faults_of


class TestGcsObjectStore(ObjectStoreContract):
    @pytest.fixture
    def store(self, storage_server: StorageServer, signing_clock: HandClock) -> Iterator[GcsObjectStore]:
        self.server, self.clock = storage_server, signing_clock
        with closing(GcsObjectStore(BUCKET, clock=signing_clock)) as store:
            yield store

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def send(self, store: ObjectStore, request: SignedRequest, body: bytes = b"") -> Answer:
        answer = httpx.request(
            request.method, request.url, headers=dict(request.headers), content=body, timeout=PATIENCE_S
        )
        if answer.is_error:
            return Answer(ok=False)
        _, _, filename = answer.headers.get("Content-Disposition", "").partition("filename*=UTF-8''")
        return Answer(ok=True, body=answer.content if request.method == "GET" else b"", filename=unquote(filename))

    def test_nothing_is_asked_of_google_before_it_is_used(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
        GcsObjectStore("nowhere", project="nobody")

    @pytest.mark.parametrize("size", [PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 2 * PIECE_BYTES])
    def test_objects_of_any_size_come_back_whole(self, store: GcsObjectStore, size: int) -> None:
        data = random.Random(size).randbytes(size)
        written = store.put("large", io.BytesIO(data), content_type="image/png")
        assert store.stat("large") == written
        assert (written.size_bytes, written.content_type) == (size, "image/png")
        assert store.read("large") == data
        assert store.read("large", size - 3, generation=written.generation) == data[-3:]

    def test_a_large_object_is_refused_where_its_key_is_taken(self, store: GcsObjectStore) -> None:
        put(store, "taken", b"first")
        with pytest.raises(Conflict):
            put(store, "taken", bytes(PIECE_BYTES + 1), if_absent=True)
        assert store.read("taken") == b"first"

    def test_a_large_object_that_is_overtaken_is_refused_at_its_end(self, store: GcsObjectStore) -> None:
        def read(_: int) -> bytes:
            nonlocal num_reads
            num_reads += 1
            if num_reads == 2:
                put(store, "race", b"faster")
            return bytes(PIECE_BYTES) if num_reads == 1 else b""

        num_reads = 0
        with pytest.raises(Conflict):
            store.put("race", Mock(read=read), content_type=TEXT, if_absent=True)
        assert store.read("race") == b"faster"

    @pytest.mark.parametrize("size", [5, PIECE_BYTES + 5])
    def test_a_write_whose_answer_is_lost_is_no_conflict_with_itself(self, store: GcsObjectStore, size: int) -> None:
        for num_lost in (1, 2):
            self.server.faults.lost_answers = num_lost
            data = bytes([num_lost]) * size
            written = put(store, f"key{num_lost}", data, if_absent=True)
            assert store.stat(f"key{num_lost}") == written
            assert store.read(f"key{num_lost}") == data
        with pytest.raises(Conflict):
            put(store, "key1", data, if_absent=True)

    def test_a_large_object_survives_broken_connections(self, store: GcsObjectStore) -> None:
        data = random.Random(1).randbytes(2 * PIECE_BYTES + 100)
        self.server.faults.cut_after = [3 << 20, 100, 1 << 20]
        store.put("large", io.BytesIO(data), content_type=TEXT)
        assert store.read("large") == data

    def test_errors_that_pass_are_waited_out(self, store: GcsObjectStore) -> None:
        self.server.faults.statuses = [503, 429]
        put(store, "key", b"data")
        self.server.faults.statuses = [500]
        assert store.stat("key").size_bytes == 4
        assert store.read("key") == b"data"

    def test_a_source_that_breaks_late_leaves_no_upload_behind(self, store: GcsObjectStore) -> None:
        put(store, "old", b"old")
        pieces = [bytes(PIECE_BYTES)]
        with pytest.raises(IndexError):
            store.put("old", Mock(read=lambda _: pieces.pop()), content_type=TEXT)
        assert store.read("old") == b"old"
        assert self.server.storage.sessions == {}
        assert [status for method, _, status in self.server.log if method == "DELETE"] == [499]

    @pytest.mark.parametrize("generation", ["1", "latest", ""])
    def test_no_other_generation_is_read(self, store: GcsObjectStore, generation: str) -> None:
        put(store, "key", b"0123456789")
        with pytest.raises(NotFound):
            store.read("key", 2, 5, generation=generation)
        assert store.read("key", 2, 5, generation=store.stat("key").generation) == b"234"

    def test_an_empty_range_of_nothing_is_not_found(self, store: GcsObjectStore) -> None:
        with pytest.raises(NotFound):
            store.read("nothing", 4, 4)

    def test_a_missing_bucket_is_the_operators_to_mend(self, store: GcsObjectStore) -> None:
        with closing(GcsObjectStore("another-bucket")) as elsewhere:
            for size in (1, PIECE_BYTES):
                with pytest.raises(Transient, match="no such bucket"):
                    put(elsewhere, "key", bytes(size))

    def test_an_outage_is_transient_in_bounded_time(self, store: GcsObjectStore, storage_server: StorageServer) -> None:
        with closing(GcsObjectStore(BUCKET, limit=CallLimit(seconds=1))) as hasty:
            put(store, "key")
            storage_server.stop()
            assert_transient(hasty)

    def test_a_server_that_says_nothing_is_transient_in_bounded_time(
        self, storage_server: StorageServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with served(lambda _: Reply(status=HANG)) as silent:
            monkeypatch.setenv("STORAGE_EMULATOR_HOST", silent.url)
            with closing(GcsObjectStore(BUCKET, limit=CallLimit(seconds=0.5))) as hasty:
                assert_transient(hasty)

    def test_an_object_is_never_held_in_memory_as_a_whole(
        self, key_file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with storage_process(key_file) as url:
            monkeypatch.setenv("STORAGE_EMULATOR_HOST", url)
            with closing(GcsObjectStore(BUCKET)) as store:
                put(store, "warm")
                tracemalloc.start()
                try:
                    stored = store.put("large", Endless("x", pieces=96), content_type=TEXT)
                    peak = tracemalloc.get_traced_memory()[1]
                finally:
                    tracemalloc.stop()
            assert stored.size_bytes == 96 << 20
            assert peak < 5 * PIECE_BYTES


def assert_transient(store: GcsObjectStore) -> None:
    """Every method that asks the bucket gives up, far earlier than Google's library would."""
    faults = faults_of(
        lambda: put(store, "key"),
        lambda: store.stat("key"),
        lambda: store.read("key"),
        lambda: list(store.list("")),
        lambda: store.delete("key"),
    )
    assert set(faults) == {Transient}
