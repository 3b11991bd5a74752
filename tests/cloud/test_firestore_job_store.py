import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from google.api_core import exceptions
from google.cloud.firestore import Client, WriteBatch

from shared.adapters.gcp.firestore.firestore_job_store import FirestoreJobStore
from shared.adapters.gcp.firestore.job_document import COMPOSITE_INDEXES
from shared.adapters.gcp.vendor_error import CallLimit
from shared.errors import Conflict, Transient
from shared.job.claim import take
from shared.job.events import job_queued
from shared.job.job import Job, JobState, Trial, TrialState, advance
from shared.job.retention import KEEP_ENDED, forgotten
from shared.ports.job_store import JobStore, StoredJob
from tests.cloud import emulator
from tests.contract.job_store_contract import JobStoreContract
from tests.job_fixture import NOW, full_job, make_job
from tests.waiting import PATIENCE_S, faults_of, until

LETTERS = "abcdefghij klmnopqrstuvwxyz äöü €😀"


@pytest.fixture
def store(firestore: str, project: str) -> Iterator[FirestoreJobStore]:
    store = FirestoreJobStore(project)
    yield store
    store.close()


@pytest.fixture
def client(firestore: str, project: str) -> Iterator[Client]:
    """Yield Google's own client, to see what lies in the database."""
    client = Client(project=project)
    yield client
    client.close()


def long_ledger(num_chars: int, seed: int = 0) -> tuple[Trial, ...]:
    """Return a ledger whose JSON is at least so long."""
    chosen = random.Random(seed)
    return tuple(
        Trial(
            name=f"tune/{number}",
            state=TrialState.SKIPPED,
            reason="".join(chosen.choices(LETTERS, k=1000)),
            seconds=seed,
        )
        for number in range(num_chars // 1000 + 1)
    )


class TestFirestoreJobStore(JobStoreContract):
    @pytest.fixture(autouse=True)
    def _look_inside(self, client: Client) -> None:
        self.client = client

    def spoil_job(self, store: JobStore, job_id: str) -> None:
        self.client.document(f"jobs/{job_id}").update({"text": '{"email": "ada@example.org"}'})

    def spoil_event(self, store: JobStore, event_id: str, data: bytes) -> None:
        self.client.document(f"outbox/{event_id}").update({"data": data.decode()})

    def set_aside(self, store: JobStore) -> list[bytes]:
        return [each.get("data").encode() for each in self.client.collection("outbox_unreadable").stream()]

    def test_a_job_that_lost_a_piece_stops_no_listing(self, store: FirestoreJobStore, client: Client) -> None:
        store.create(replace(full_job(), trials=long_ledger(1_200_000)))
        store.create(replace(full_job("sound")))
        client.document("jobs/job-full/pieces/0000").delete()
        page = store.find([full_job().state], updated_before=NOW + timedelta(days=2))
        assert [stored.job.job_id for stored in page.jobs] == ["sound"]
        assert page.unreadable == ("job-full",)

    def test_of_fifty_claimants_one_wins(self, store: FirestoreJobStore) -> None:
        store.create(make_job("wanted", JobState.QUEUED))
        read = [store.get("wanted") for _ in range(50)]

        def claim(number: int) -> bool:
            stored = read[number]
            mine = take(stored.job.claim, owner=f"worker-{number}", now=NOW, lease=timedelta(seconds=30))
            claimed = advance(stored.job, JobState.TRAINING, NOW, claim=mine)
            try:
                store.replace(stored, claimed, [job_queued("wanted", NOW)])
            except Conflict:
                return False
            return True

        with ThreadPoolExecutor(50) as pool:
            wins = list(pool.map(claim, range(50)))
        assert sum(wins) == 1
        assert store.get("wanted").job.claim.owner == f"worker-{wins.index(True)}"
        assert len(store.pending_events()) == 1

    def test_a_job_longer_than_a_document_may_be_comes_back_whole(self, store: FirestoreJobStore) -> None:
        job = replace(full_job(), trials=long_ledger(1_200_000))
        created = store.create(job)
        assert store.get(job.job_id) == created
        assert store.get(job.job_id).job == job
        (found,) = store.find([job.state], updated_before=NOW + timedelta(days=2)).jobs
        assert found == created
        longer = store.replace(found, replace(job, trials=long_ledger(1_700_000)))
        assert store.get(job.job_id) == longer
        short = store.replace(longer, full_job())
        assert store.get(job.job_id) == short

    def test_a_long_job_is_never_read_half_written(self, store: FirestoreJobStore) -> None:
        versions = [replace(full_job(), trials=long_ledger(600_000, seed)) for seed in range(2)]
        stored = store.create(versions[0])

        def rewrite() -> None:
            current = stored
            for number in range(10):
                current = store.replace(current, versions[(number + 1) % 2])

        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(rewrite)
            while not writing.done():
                assert store.get("job-full").job in versions
            writing.result()

    def test_a_deleted_job_leaves_no_piece_behind(self, store: FirestoreJobStore, client: Client) -> None:
        stored = store.create(replace(full_job(), trials=long_ledger(1_200_000)), [job_queued("job-full", NOW)])
        store.replace(stored, full_job())
        store.delete("job-full")
        assert list(client.collection_group("pieces").stream()) == []
        assert list(client.collection("outbox").stream()) == []
        assert list(client.collection("jobs").stream()) == []

    def test_a_write_whose_answer_was_lost_is_known_as_our_own(
        self, store: FirestoreJobStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        commit = WriteBatch.commit

        def commit_twice(batch: WriteBatch, **options: object) -> object:
            """Do what Google's client does when the first answer is lost on the way."""
            writes = list(batch._write_pbs)
            commit(batch, **options)
            batch._write_pbs = writes
            return commit(batch, **options)

        monkeypatch.setattr(WriteBatch, "commit", commit_twice)
        created = store.create(make_job(), [job_queued("job-1", NOW)])
        assert store.get("job-1") == created
        replaced = store.replace(created, advance(created.job, JobState.QUEUED, NOW))
        assert store.get("job-1") == replaced
        assert len(store.pending_events()) == 1
        with pytest.raises(Conflict, match="job-1"):
            store.replace(created, created.job)

    def test_a_write_that_was_aborted_without_a_rival_is_transient(
        self, store: FirestoreJobStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        created = store.create(make_job())

        def aborted(batch: WriteBatch, **options: object) -> None:
            raise exceptions.Aborted("too much contention")

        monkeypatch.setattr(WriteBatch, "commit", aborted)
        with pytest.raises(Transient, match="contention"):
            store.replace(created, created.job)
        with pytest.raises(Transient, match="contention"):
            store.create(make_job("job-2"))

    def test_only_jobs_with_nothing_left_to_be_done_fade_away(self, store: FirestoreJobStore, client: Client) -> None:
        store.create(make_job("open", JobState.TRAINING))
        store.create(make_job("ended", JobState.REJECTED, mailed_at=NOW))
        assert client.document("jobs/open").get().get("expire_at") is None
        assert client.document("jobs/ended").get().get("expire_at") == NOW + KEEP_ENDED

    def test_of_a_forgotten_job_no_piece_is_left_that_holds_what_was_deleted(
        self, store: FirestoreJobStore, client: Client
    ) -> None:
        stored = store.create(replace(full_job("job-1"), trials=long_ledger(1_200_000)))
        assert len(list(client.collection("jobs/job-1/pieces").stream())) > 1
        store.replace(stored, forgotten(stored.job, NOW))
        assert list(client.collection("jobs/job-1/pieces").stream()) == []
        assert stored.job.email not in client.document("jobs/job-1").get().get("text")

    def test_every_field_of_an_index_is_written(self, store: FirestoreJobStore, client: Client) -> None:
        store.create(make_job(), [job_queued("job-1", NOW)])
        for collection, fields in COMPOSITE_INDEXES:
            (document,) = client.collection(collection).stream()
            assert set(fields) <= set(document.to_dict())


def got_in_time(store: FirestoreJobStore) -> Job:
    """Read by a store that has less patience than an emulator on a busy machine, which has just started, may need."""

    def got() -> Job | None:
        with suppress(Transient):
            return store.get("job-1").job
        return None

    return until(got)


class TestOutage:
    @pytest.mark.parametrize("stalls", [False, True], ids=["refused", "silent"])
    def test_a_store_that_does_not_answer_is_transient_in_time(
        self, stalls: bool, project: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with emulator.dead_end(stalls=stalls) as address:
            monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", address)
            store = FirestoreJobStore(project, limit=CallLimit(seconds=1.5))
            stored = StoredJob(job=make_job(), revision="2026-03-01T12:00:00Z")
            faults = faults_of(
                lambda: store.get("job-1"),
                lambda: store.create(make_job()),
                lambda: store.replace(stored, make_job()),
                lambda: store.find([JobState.QUEUED], updated_before=NOW),
                store.pending_events,
                lambda: store.settle_events(["e"]),
                lambda: store.delete("job-1"),
            )
            store.close()
        assert set(faults) == {Transient}

    def test_a_store_that_comes_back_serves_again(
        self, tmp_path: Path, project: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = emulator.start(emulator.FIRESTORE, tmp_path / "first")
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", first.address)
        store = FirestoreJobStore(project, limit=CallLimit(seconds=2))
        patient = FirestoreJobStore(project, limit=CallLimit(seconds=PATIENCE_S))
        patient.create(make_job())
        assert got_in_time(store) == make_job()
        first.stop()
        with pytest.raises(Transient):
            store.get("job-1")
        second = emulator.start(emulator.FIRESTORE, tmp_path / "second", port=first.port)
        assert patient.create(make_job()).job == make_job()
        assert got_in_time(store) == make_job()
        second.stop()
        for each in (store, patient):
            each.close()
