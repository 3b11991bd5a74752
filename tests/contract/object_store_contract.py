"""What every ObjectStore has to do; a back-end's test subclasses this and provides ``store``, ``send``, ``advance``."""

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from shared.errors import Conflict, NotFound, Transient
from shared.ports.object_store import ObjectStore, SignedRequest, StoredObject

TEXT = "text/plain"
HOUR = timedelta(hours=1)
AWKWARD_KEYS = [
    "a",
    "a/b",
    "a/b/c",
    "A/b",
    "a//b",
    "a/.",
    "a/./b",
    "a/...",
    "a+b=c&d",
    "100%/%2F/50%",
    "Hündin/größe 🐕.jpg",
    "con/nul",
    " spaces / everywhere ",
    "back\\slash",
    'star*?"<>|',
    "new\nline",
    "nul\0",
    "trailing/",
    "x" * 1024,
    "." * 700,
    "é" * 512,
    "/".join("ab" for _ in range(300)),
]
BAD_KEYS = ["", "/absolute", "..", "../up", "a/../b", "a/..", "x" * 1025, "é" * 513]


@dataclass(frozen=True)
class Answer:
    """What a person gets who makes a signed request."""

    ok: bool
    body: bytes = b""
    filename: str = ""


def put(store: ObjectStore, key: str, data: bytes = b"data", *, if_absent: bool = False) -> StoredObject:
    return store.put(key, io.BytesIO(data), content_type=TEXT, if_absent=if_absent)


class BreakingStream(io.RawIOBase):
    """Gives some bytes, then fails."""

    def __init__(self, error: Exception) -> None:
        self._error = error
        self._pieces = [b"half of "]

    def read(self, size: int = -1) -> bytes:
        if not self._pieces:
            raise self._error
        return self._pieces.pop()


class ObjectStoreContract:
    def advance(self, seconds: float) -> None:
        raise NotImplementedError

    def send(self, store: ObjectStore, request: SignedRequest, body: bytes = b"") -> Answer:
        """Make a signed request as a stranger would."""
        raise NotImplementedError

    def test_a_copy_outlives_what_it_was_copied_from(self, store: ObjectStore) -> None:
        data = bytes(range(256)) * 9000
        first = store.put("a/b.bin", io.BytesIO(data), content_type="image/png")
        copied = store.copy("a/b.bin", "c/d.bin", generation=first.generation)
        assert (copied.key, copied.size_bytes, copied.content_type) == ("c/d.bin", len(data), "image/png")
        assert store.read("c/d.bin", generation=copied.generation) == data
        put(store, "a/b.bin", b"another")
        assert store.read("c/d.bin") == data
        store.delete("a/b.bin")
        assert store.read("c/d.bin") == data
        assert [each.key for each in store.list("")] == ["c/d.bin"]

    def test_a_copy_that_comes_twice_leaves_the_first_to_who_reads_it(self, store: ObjectStore) -> None:
        source = put(store, "from", b"new")
        first = store.copy("from", "to", generation=source.generation)
        for generation in (source.generation, None):
            with pytest.raises(Conflict):
                store.copy("from", "to", generation=generation)
        assert store.stat("to").generation == first.generation
        assert store.read("to", generation=first.generation) == b"new"
        assert [each.key for each in store.list("")] == ["from", "to"], "and nothing half made"

    def test_only_the_generation_asked_for_is_copied(self, store: ObjectStore) -> None:
        first = put(store, "from", b"first")
        put(store, "from", b"second")
        with pytest.raises(NotFound):
            store.copy("from", "to", generation=first.generation)
        with pytest.raises(NotFound):
            store.copy("missing", "to")
        assert [each.key for each in store.list("")] == ["from"]

    def test_an_object_comes_back_as_it_was_written(self, store: ObjectStore) -> None:
        data = bytes(range(256)) * 9000  # 2.3 MB: several pieces
        written = store.put("a/b.bin", io.BytesIO(data), content_type="image/png")
        assert (written.key, written.size_bytes, written.content_type) == ("a/b.bin", len(data), "image/png")
        assert written.updated_at.tzinfo is not None
        assert store.stat("a/b.bin") == written
        assert store.read("a/b.bin") == data

    def test_an_object_may_be_empty(self, store: ObjectStore) -> None:
        assert put(store, "empty", b"").size_bytes == 0
        assert store.read("empty") == b""
        assert store.read("empty", 3) == b""

    @pytest.mark.parametrize(
        ("start", "end", "expected"),
        [(0, None, b"0123456789"), (3, 6, b"345"), (8, 99, b"89"), (4, 4, b""), (10, None, b""), (50, 60, b"")],
    )
    def test_a_range_is_cut_to_the_object(
        self, store: ObjectStore, start: int, end: int | None, expected: bytes
    ) -> None:
        put(store, "digits", b"0123456789")
        assert store.read("digits", start, end) == expected

    def test_every_write_makes_another_generation(self, store: ObjectStore) -> None:
        first = put(store, "key", b"first")
        second = put(store, "key", b"first")
        assert first.generation != second.generation
        assert store.read("key", generation=second.generation) == b"first"
        with pytest.raises(NotFound, match="key"):
            store.read("key", generation=first.generation)

    def test_a_missing_object_is_not_found(self, store: ObjectStore) -> None:
        put(store, "folder/there")
        for key in ("nothing", "folder", "folder/there/below"):
            with pytest.raises(NotFound):
                store.stat(key)
            with pytest.raises(NotFound):
                store.read(key)

    def test_a_taken_key_is_refused_if_absence_is_asked_for(self, store: ObjectStore) -> None:
        put(store, "once", b"first", if_absent=True)
        with pytest.raises(Conflict, match="once"):
            put(store, "once", b"second", if_absent=True)
        assert store.read("once") == b"first"
        store.delete("once")
        put(store, "once", b"third", if_absent=True)
        assert store.read("once") == b"third"

    def test_of_twenty_writers_who_ask_for_absence_one_wins(self, store: ObjectStore) -> None:
        def write(number: int) -> bool:
            try:
                put(store, "x/race", b"%d" % number, if_absent=True)
            except Conflict:
                return False
            return True

        with ThreadPoolExecutor(20) as pool:
            wins = list(pool.map(write, range(20)))
        assert sum(wins) == 1
        assert store.read("x/race") == b"%d" % wins.index(True)

    def test_any_key_serves(self, store: ObjectStore) -> None:
        for number, key in enumerate(AWKWARD_KEYS):
            put(store, key, b"%d" % number, if_absent=True)
        assert [store.read(key) for key in AWKWARD_KEYS] == [b"%d" % number for number in range(len(AWKWARD_KEYS))]
        assert [each.key for each in store.list("")] == sorted(AWKWARD_KEYS)
        for key in AWKWARD_KEYS:
            store.delete(key)
        assert list(store.list("")) == []

    @pytest.mark.parametrize("key", BAD_KEYS)
    def test_a_key_that_leads_astray_is_refused_by_every_method(self, store: ObjectStore, key: str) -> None:
        calls = (
            lambda: put(store, key),
            lambda: store.stat(key),
            lambda: store.read(key),
            lambda: store.delete(key),
            lambda: store.sign_upload(key, content_type=TEXT, max_bytes=1, valid_for=HOUR),
            lambda: store.sign_download(key, filename="x", valid_for=HOUR),
        )
        for call in calls:
            with pytest.raises(ValueError, match="key"):
                call()

    def test_list_takes_any_prefix_and_sorts_by_key(self, store: ObjectStore) -> None:
        for key in ("jobs/2/b", "jobs/1/z", "jobs/10/a", "jobs/1/a/deep", "other", "jobs"):
            put(store, key)

        def keys(prefix: str) -> list[str]:
            return [each.key for each in store.list(prefix)]

        assert keys("jobs/1") == ["jobs/1/a/deep", "jobs/1/z", "jobs/10/a"]
        assert keys("jobs/1/") == ["jobs/1/a/deep", "jobs/1/z"]
        assert keys("jo") == ["jobs", "jobs/1/a/deep", "jobs/1/z", "jobs/10/a", "jobs/2/b"]
        assert keys("nothing/like/that") == keys("otherwise") == []
        assert list(store.list("other")) == [store.stat("other")]

    def test_a_deleted_object_is_gone_and_a_missing_one_is_no_error(self, store: ObjectStore) -> None:
        put(store, "a/b")
        put(store, "a/c")
        store.delete("a/b")
        store.delete("a/b")
        store.delete("never/was")
        assert [each.key for each in store.list("")] == ["a/c"]
        with pytest.raises(NotFound):
            store.read("a/b")

    @pytest.mark.parametrize(("error", "seen"), [(KeyError("mine"), KeyError), (ConnectionError("theirs"), Transient)])
    def test_a_stream_that_breaks_leaves_the_store_as_it_was(
        self, store: ObjectStore, error: Exception, seen: type[Exception]
    ) -> None:
        put(store, "old", b"old")
        for key in ("old", "new"):
            with pytest.raises(seen):
                store.put(key, BreakingStream(error), content_type=TEXT)
        assert [(each.key, store.read(each.key)) for each in store.list("")] == [("old", b"old")]

    def test_a_reader_sees_a_whole_object_while_others_write_and_delete(self, store: ObjectStore) -> None:
        size = 300_000
        stop = threading.Event()

        def write(letter: bytes) -> None:
            while not stop.is_set():
                put(store, "f/shared", letter * size)
                store.delete("f/shared")

        def read(_: int) -> set[bytes]:
            seen = set()
            for _ in range(30):
                try:
                    seen.add(store.read("f/shared"))
                except NotFound:
                    seen.add(b"")
            return seen

        with ThreadPoolExecutor(4) as pool:
            writers = [pool.submit(write, letter) for letter in (b"a", b"b")]
            try:
                seen = set().union(*pool.map(read, range(2)))
            finally:
                stop.set()
            for writer in writers:
                writer.result()
        assert seen <= {b"", b"a" * size, b"b" * size}

    def test_anybody_may_upload_with_a_signed_request(self, store: ObjectStore) -> None:
        request = store.sign_upload("up/ä b.zip", content_type="application/zip", max_bytes=5, valid_for=HOUR)
        assert request.method == "PUT"
        assert request.headers["Content-Type"] == "application/zip"
        assert self.send(store, request, b"12345").ok
        assert store.read("up/ä b.zip") == b"12345"
        assert store.stat("up/ä b.zip").content_type == "application/zip"

    def test_a_signed_upload_serves_only_while_the_key_is_free(self, store: ObjectStore) -> None:
        request = store.sign_upload("up", content_type=TEXT, max_bytes=9, valid_for=HOUR)
        assert self.send(store, request, b"first").ok
        assert not self.send(store, request, b"second").ok
        assert store.read("up") == b"first"

    @pytest.mark.parametrize("body", [b"", b"123456", b"x" * 3_000_000])
    def test_a_signed_upload_has_one_byte_to_the_cap(self, store: ObjectStore, body: bytes) -> None:
        request = store.sign_upload("up", content_type=TEXT, max_bytes=5, valid_for=HOUR)
        assert not self.send(store, request, body).ok
        with pytest.raises(NotFound):
            store.stat("up")
        assert self.send(store, request, b"12345").ok, "a refused upload leaves the key free"

    def test_a_signed_upload_allows_nothing_else(self, store: ObjectStore) -> None:
        request = store.sign_upload("up", content_type=TEXT, max_bytes=5, valid_for=HOUR)
        changed = [
            replace(request, headers={**request.headers, "Content-Type": "text/html"}),
            replace(request, method="GET"),
            replace(request, url=request.url[:-2] + ("AA" if not request.url.endswith("AA") else "BB")),
        ]
        assert [self.send(store, each, b"123").ok for each in changed] == [False] * 3
        with pytest.raises(NotFound):
            store.stat("up")

    def test_signed_requests_expire(self, store: ObjectStore) -> None:
        put(store, "down")
        valid_for = timedelta(seconds=12)
        upload = store.sign_upload("up", content_type=TEXT, max_bytes=5, valid_for=valid_for)
        download = store.sign_download("down", filename="d", valid_for=valid_for)
        self.advance(1)
        assert self.send(store, download).ok
        self.advance(11)
        assert not self.send(store, upload, b"123").ok
        assert not self.send(store, download).ok
        with pytest.raises(NotFound):
            store.stat("up")

    def test_a_signed_download_offers_the_object_under_its_file_name(self, store: ObjectStore) -> None:
        request = store.sign_download("jobs/1/model", filename="größe.h5", valid_for=HOUR)
        assert request.method == "GET"
        assert not self.send(store, request).ok, "not written yet"
        put(store, "jobs/1/model", b"network" * 300_000)
        assert self.send(store, request) == Answer(ok=True, body=b"network" * 300_000, filename="größe.h5")
        assert not self.send(store, replace(request, method="PUT"), b"mine").ok
