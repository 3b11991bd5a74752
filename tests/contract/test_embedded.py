import contextlib
import io
import itertools
import os
import sqlite3
import subprocess
import sys
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from shared.access.limits import Window
from shared.adapters.embedded.folder_object_store import FolderObjectStore
from shared.adapters.embedded.signed_url import UrlSigner
from shared.adapters.embedded.sqlite_access_store import SqliteAccessStore
from shared.adapters.embedded.sqlite_database import SqliteDatabase
from shared.adapters.embedded.sqlite_event_bus import SqliteEventBus
from shared.adapters.embedded.sqlite_heartbeat_store import SqliteHeartbeatStore
from shared.adapters.embedded.sqlite_job_store import SqliteJobStore
from shared.backends import Backends, open_backends
from shared.errors import Conflict, Fault, NotFound
from shared.job.events import Topic, decode, job_queued
from shared.job.job import JobState
from shared.job.retention import forgotten
from shared.json_codec import to_json_text
from shared.ports.job_store import JobStore
from shared.ports.object_store import ObjectStore, SignedRequest
from shared.settings import Settings
from tests.contract import embedded_process
from tests.contract.access_store_contract import NOW as A_MORNING
from tests.contract.access_store_contract import AccessStoreContract
from tests.contract.event_bus_contract import RULES, EventBusContract
from tests.contract.heartbeat_store_contract import HeartbeatStoreContract
from tests.contract.job_store_contract import JobStoreContract
from tests.contract.object_store_contract import TEXT, Answer, ObjectStoreContract, put
from tests.contract.signed_url_server import serve
from tests.job_fixture import NOW, HandClock, full_heartbeat, full_job, make_job
from tests.waiting import PATIENCE_S, until

NUM_PROCESSES = 5
ROOT = Path(__file__).parents[2]


def start(role: str, data_dir: Path, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "tests.contract.embedded_process", role, str(data_dir), *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def say_together(role: str, data_dir: Path) -> list[list[str]]:
    """Start processes, let them go at the same moment, and return the words of every line they say."""
    processes = [start(role, data_dir, f"process{number}") for number in range(NUM_PROCESSES)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    said = [process.communicate(timeout=PATIENCE_S)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * NUM_PROCESSES
    return [line.split() for text in said for line in text.splitlines()]


def killed_after(role: str, data_dir: Path, num_lines: int) -> list[str]:
    """Start a process, kill it without warning once it has said so many lines, and return all it said."""
    process = start(role, data_dir)
    said = list(itertools.islice(process.stdout, num_lines))
    process.kill()
    said += process.stdout  # communicate() would not see what was read ahead
    process.communicate()
    return [line.strip() for line in said if line.endswith("\n")]


@pytest.fixture
def backends(tmp_path: Path) -> Backends:
    return open_backends(Settings(data_dir=tmp_path))


class TestSqliteJobStore(JobStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[SqliteJobStore]:
        store = SqliteJobStore(tmp_path / "jobs.sqlite3")
        yield store
        store.close()

    @pytest.fixture(autouse=True)
    def _look_inside(self, tmp_path: Path) -> Iterator[None]:
        """Open the store's file beside the store."""
        with contextlib.closing(sqlite3.connect(tmp_path / "jobs.sqlite3", isolation_level=None)) as self.own:
            yield

    def spoil_job(self, store: JobStore, job_id: str) -> None:
        self.own.execute('UPDATE jobs SET document = \'{"email": "ada@example.org"}\' WHERE job_id = ?', (job_id,))

    def spoil_event(self, store: JobStore, event_id: str, data: bytes) -> None:
        self.own.execute("UPDATE outbox SET data = ? WHERE event_id = ?", (data, event_id))

    def set_aside(self, store: JobStore) -> list[bytes]:
        return [data for (data,) in self.own.execute("SELECT data FROM outbox_unreadable")]

    def test_a_file_of_a_release_without_a_place_for_unreadable_events_gets_one(self, tmp_path: Path) -> None:
        first = SqliteJobStore(tmp_path / "jobs.sqlite3")
        event = job_queued("job-1", NOW)
        first.create(make_job(), [event])
        first.close()
        self.own.execute("DROP TABLE outbox_unreadable")
        self.spoil_event(first, event.event_id, b"?")
        upgraded = SqliteJobStore(tmp_path / "jobs.sqlite3")
        assert upgraded.pending_events() == []
        assert self.set_aside(upgraded) == [b"?"]
        upgraded.close()

    def test_jobs_in_a_state_are_found_without_a_look_at_all_others_in_a_file_of_an_older_release_too(
        self, tmp_path: Path
    ) -> None:
        """Thousands that wait must not slow down whoever asks which are being trained."""
        SqliteJobStore(tmp_path / "jobs.sqlite3").close()
        self.own.executescript(
            "DROP INDEX jobs_by_state; CREATE INDEX jobs_by_age ON jobs (is_open, updated_at); PRAGMA user_version = 1"
        )
        store = SqliteJobStore(tmp_path / "jobs.sqlite3")
        store.create(make_job("a"))
        statements: list[str] = []
        with store._database.reading() as connection:
            connection.set_trace_callback(statements.append)
        found = store.find({JobState.AWAITING_UPLOAD, JobState.TRAINING}, updated_before=NOW + timedelta(days=1))
        assert [each.job.job_id for each in found.jobs] == ["a"]
        with store._database.reading() as connection:
            plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statements[0]}")]
        assert [step for step in plan if "SCAN jobs" in step] == []
        assert any("COVERING INDEX jobs_by_state (state=?" in step for step in plan), plan
        store.close()

    def test_an_address_that_was_deleted_cannot_be_read_in_the_file_either(self, tmp_path: Path) -> None:
        store = SqliteJobStore(tmp_path / "jobs.sqlite3")
        long = Fault(code="x", message="grace@example.org " * 4000, fix="None.")
        stored = store.create(make_job("a", JobState.FAILED, email="grace@example.org", mailed_at=NOW, fault=long))
        store.create(make_job("b", email="grace@example.org"))
        store.replace(stored, forgotten(stored.job, NOW))
        store.delete("b")
        store.close()
        assert b"grace" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())

    def test_jobs_and_events_outlive_the_process(self, tmp_path: Path) -> None:
        event = job_queued("job-full", NOW)
        first = SqliteJobStore(tmp_path / "jobs.sqlite3")
        created = first.create(full_job(), [event])
        first.close()
        second = SqliteJobStore(tmp_path / "jobs.sqlite3")
        assert second.get("job-full") == created
        assert second.pending_events() == [event]
        second.close()

    def test_of_twenty_claimants_in_five_processes_one_wins_each_job(self, backends: Backends, tmp_path: Path) -> None:
        for number in range(embedded_process.NUM_JOBS):
            backends.job_store.create(make_job(f"job-{number}", JobState.QUEUED))
        wins = {job_id: winner for _, job_id, winner in say_together("claim", tmp_path)}
        for number in range(embedded_process.NUM_JOBS):
            assert backends.job_store.get(f"job-{number}").job.device == wins.pop(f"job-{number}")
        assert wins == {}
        assert len(backends.job_store.pending_events()) == embedded_process.NUM_JOBS

    def test_a_killed_writer_leaves_each_job_with_its_event_or_neither(
        self, backends: Backends, tmp_path: Path
    ) -> None:
        said = killed_after("create", tmp_path, num_lines=20)
        kept = [event.job_id for event in backends.job_store.pending_events(limit=100_000)]
        assert kept[: len(said)] == said
        assert [backends.job_store.get(job_id).job.job_id for job_id in kept] == kept
        with pytest.raises(NotFound):
            backends.job_store.get(f"job-{len(kept)}")

    def test_a_killed_process_has_lost_no_job_that_any_of_its_threads_was_told_of(
        self, backends: Backends, tmp_path: Path
    ) -> None:
        said = killed_after("create_together", tmp_path, num_lines=60)
        assert [backends.job_store.get(job_id).job.job_id for job_id in said] == said

    def test_a_job_that_exists_already_is_refused_alone_among_those_that_are_made_with_it(
        self, store: SqliteJobStore
    ) -> None:
        taken = store.create(make_job("taken"))
        wanted = ["a", "taken", "b", "c"]
        with ThreadPoolExecutor(len(wanted)) as pool:
            with store._database.writing():
                made = [pool.submit(store.create, make_job(job_id)) for job_id in wanted]
                until(lambda: len(store._database._wanted) == len(wanted))
            with pytest.raises(Conflict, match="taken already"):
                made.pop(1).result(PATIENCE_S)
        assert [store.get(each.result().job.job_id) for each in made] == [each.result() for each in made]
        assert store.get("taken") == taken

    def test_a_file_of_a_release_that_sorted_jobs_by_their_ids_serves_on(self, tmp_path: Path) -> None:
        self.own.executescript(
            """
            CREATE TABLE jobs (job_id TEXT PRIMARY KEY, revision INTEGER NOT NULL, state TEXT NOT NULL,
                is_open INTEGER NOT NULL, updated_at INTEGER NOT NULL, document TEXT NOT NULL) WITHOUT ROWID;
            PRAGMA user_version = 1
            """
        )
        old = to_json_text(full_job("old")).decode()  # with what is null written out
        self.own.execute("INSERT INTO jobs VALUES ('old', 7, 'training', 1, 1, ?)", (old,))
        store = SqliteJobStore(tmp_path / "jobs.sqlite3")
        assert store.get("old").job == full_job("old")
        new = store.create(make_job("new"))
        assert store.replace(new, make_job("new", JobState.QUEUED)).job == store.get("new").job
        found = store.find({JobState.TRAINING, JobState.QUEUED}, updated_before=NOW + timedelta(days=1))
        assert {each.job.job_id for each in found.jobs} == {"old", "new"}
        store.close()

    def test_a_forked_child_uses_connections_of_its_own(self, tmp_path: Path) -> None:
        assert start("fork", tmp_path).communicate(timeout=PATIENCE_S)[0] == "before child parent\n"


class TestSqliteHeartbeatStore(HeartbeatStoreContract):
    @pytest.fixture
    def heartbeats(self, tmp_path: Path) -> Iterator[SqliteHeartbeatStore]:
        heartbeats = SqliteHeartbeatStore(tmp_path / "heartbeats.sqlite3")
        yield heartbeats
        heartbeats.close()

    def test_a_heartbeat_outlives_the_process(self, heartbeats: SqliteHeartbeatStore, tmp_path: Path) -> None:
        heartbeats.put(full_heartbeat())
        second = SqliteHeartbeatStore(tmp_path / "heartbeats.sqlite3")
        assert second.get("job-1", 2) == full_heartbeat()
        second.close()

    def test_one_that_cannot_be_read_counts_as_none_and_can_be_written_over(
        self, heartbeats: SqliteHeartbeatStore, tmp_path: Path
    ) -> None:
        heartbeats.put(full_heartbeat())
        with contextlib.closing(sqlite3.connect(tmp_path / "heartbeats.sqlite3")) as connection, connection:
            connection.execute("UPDATE heartbeats SET document = substr(document, 9)")
        assert heartbeats.get("job-1", 2) is None
        heartbeats.put(full_heartbeat())
        assert heartbeats.get("job-1", 2) == full_heartbeat()


class TestSqliteEventBus(EventBusContract):
    @pytest.fixture
    def bus(self, tmp_path: Path) -> Iterator[SqliteEventBus]:
        self.clock = HandClock()
        bus = SqliteEventBus(tmp_path / "events.sqlite3", rules=RULES, clock=self.clock)
        yield bus
        bus.close()

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def test_messages_leases_and_dead_letters_outlive_the_process(self, bus: SqliteEventBus, tmp_path: Path) -> None:
        dead_letter, lease, leave = (self.published(bus, job_id) for job_id in ("dead_letter", "lease", "leave"))
        bus.dead_letter(self.delivered(bus), "unreadable")
        held = self.delivered(bus)
        bus.close()

        again = SqliteEventBus(tmp_path / "events.sqlite3", rules=RULES, clock=self.clock)
        assert [decode(letter.data) for letter in again.dead_letters(Topic.JOBS)] == [dead_letter]
        assert decode(self.delivered(again).data) == leave
        assert self.is_idle(again)
        assert decode(held.data) == lease
        again.ack(held)
        self.outlive_lease()
        assert decode(self.delivered(again).data) == leave
        again.close()

    def test_processes_that_pull_together_never_share_a_leased_message(
        self, backends: Backends, tmp_path: Path
    ) -> None:
        events = [job_queued(f"job-{number}", NOW) for number in range(100)]
        for event in events:
            backends.event_bus.publish(event)
        pulled = Counter(event_id for _, event_id in say_together("drain", tmp_path))
        assert pulled == Counter(event.event_id for event in events)

    def test_a_killed_publisher_loses_nothing_it_has_published(self, backends: Backends, tmp_path: Path) -> None:
        said = killed_after("publish", tmp_path, num_lines=20)
        deliveries = backends.event_bus.pull(Topic.JOBS, lease=self.lease, max_messages=100_000)
        arrived = [decode(delivery.data).event_id for delivery in deliveries]
        assert arrived[: len(said)] == said
        assert len(arrived) <= len(said) + 1, "at most the one that was published but not spoken of"


class TestFolderObjectStore(ObjectStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> FolderObjectStore:
        self.folder = tmp_path / "store"
        self.clock = HandClock()
        self.signer = UrlSigner(b"secret", public_url="https://example.org", clock=self.clock)
        return self.reopened()

    def reopened(self) -> FolderObjectStore:
        return FolderObjectStore(self.folder, signer=self.signer, clock=self.clock)

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def send(self, store: ObjectStore, request: SignedRequest, body: bytes = b"") -> Answer:
        return serve(self.signer, store, request, body, now=self.clock())

    def files(self) -> list[Path]:
        return [path for path in self.folder.rglob("*") if path.is_file()]

    def test_objects_outlive_the_process(self, store: FolderObjectStore) -> None:
        written = put(store, "ä/b", b"kept")
        again = self.reopened()
        assert list(again.list("ä/")) == [written]
        assert again.read("ä/b", generation=written.generation) == b"kept"

    def test_an_object_is_never_held_in_memory_as_a_whole(self, store: FolderObjectStore) -> None:
        tracemalloc.start()
        try:
            stored = store.put("large", embedded_process.Endless("x", pieces=64), content_type=TEXT)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert stored.size_bytes == 64 << 20
        assert peak < 8 << 20

    def test_nothing_but_the_objects_remains(self, store: FolderObjectStore) -> None:
        put(store, "a/b/c")
        with pytest.raises(Conflict):
            put(store, "a/b/c", if_absent=True)
        assert len(self.files()) == 1
        store.delete("a/b/c")
        assert sorted(path.name for path in self.folder.rglob("*")) == ["incoming", "objects"]

    def test_a_folder_that_others_clear_away_meanwhile_is_made_again(self, store: FolderObjectStore) -> None:
        def come_and_go(number: int) -> None:
            for _ in range(150):
                put(store, f"deep/er/{number}", if_absent=bool(number % 2))
                store.delete(f"deep/er/{number}")

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(come_and_go, range(4)))
        assert self.files() == []

    def test_an_object_that_others_delete_as_soon_as_it_lies_there_was_written_all_the_same(
        self, store: FolderObjectStore
    ) -> None:
        def come_and_go(_number: int) -> None:
            for _ in range(150):
                put(store, "deep/er/same")
                store.delete("deep/er/same")

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(come_and_go, range(4)))
        assert self.files() == []

    def test_keys_stay_below_the_folder(self, store: FolderObjectStore) -> None:
        for key in ("%2E%2E/%2E%2E/x", ".../...", ".hidden", "~/x", "C:\\x", "./x", "." * 201, "." * 202):
            put(store, key)
        outside = [path for path in self.folder.parent.rglob("*") if path.is_file() and self.folder not in path.parents]
        assert outside == []

    def test_a_killed_writer_leaves_no_object_and_its_rest_is_cleared_away(self, tmp_path: Path) -> None:
        self.folder, self.clock = tmp_path, HandClock()
        self.signer = UrlSigner(b"secret", public_url="https://example.org")
        put(self.reopened(), "uploads/endless", b"whole")
        killed_after("put", tmp_path, num_lines=5)
        store = self.reopened()
        assert [each.key for each in store.list("")] == ["uploads/endless"]
        assert store.read("uploads/endless") == b"whole"
        (rest,) = (tmp_path / "incoming").iterdir()
        self.reopened()
        assert rest.exists(), "it was written to just now"
        two_minutes_ago = rest.stat().st_mtime - 120
        os.utime(rest, (two_minutes_ago, two_minutes_ago))
        self.reopened()
        assert not rest.exists()

    def test_what_a_writer_is_at_work_on_is_left_to_it_however_slow_it_is(self, tmp_path: Path) -> None:
        self.folder, self.clock = tmp_path, HandClock()
        self.signer = UrlSigner(b"secret", public_url="https://example.org")

        open_again = self.reopened

        class Slow(io.BytesIO):
            """A sender that pauses for two minutes, while another process opens the store."""

            def read(self, size: int = -1) -> bytes:
                for path in (tmp_path / "incoming").iterdir():
                    os.utime(path, (path.stat().st_mtime - 120,) * 2)
                open_again()
                return super().read(size)

        self.reopened().put("slow", Slow(b"all of it"), content_type="text/plain")
        assert self.reopened().read("slow") == b"all of it"

    def test_of_several_processes_that_ask_for_absence_one_wins(self, backends: Backends, tmp_path: Path) -> None:
        wins = {number: name for _, number, name in say_together("write_once", tmp_path)}
        assert len(wins) == 10
        for number, name in wins.items():
            letters = backends.object_store.read(f"race/{number}")
            assert letters == name[-1].encode() * (3 << 20)


class TestSqliteAccessStore(AccessStoreContract):
    @pytest.fixture
    def store(self, tmp_path):
        return SqliteAccessStore(tmp_path / "access.sqlite3", clock=lambda: A_MORNING)


def test_counts_of_windows_that_are_over_do_not_pile_up(tmp_path):
    clock = HandClock()
    store = SqliteAccessStore(tmp_path / "access.sqlite3", clock=clock)
    for _ in range(5):
        store.add(Window(key=f"{clock()}", ends_at=clock() + timedelta(hours=1)), 1)
        clock.advance(3600)
    with SqliteDatabase(tmp_path / "access.sqlite3", schema="").reading() as connection:
        assert connection.execute("SELECT count(*) FROM used").fetchone() == (1,)
