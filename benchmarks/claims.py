"""Many claimants of one job at once: how many get it, and how soon each of them knows."""

import contextlib
import itertools
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from benchmarks.emulation import can_emulate, emulated
from benchmarks.figure import Figure
from services.trainer.worker.job_lease import NothingToDo, claim_job
from shared.adapters.embedded.sqlite_heartbeat_store import SqliteHeartbeatStore
from shared.adapters.embedded.sqlite_job_store import SqliteJobStore
from shared.clock import utc_now
from shared.errors import Conflict, Transient
from shared.job.events import job_queued
from shared.job.job import Archive, Job, JobState, Upload
from shared.job.options import JobOptions
from shared.ports.heartbeat_store import HeartbeatStore
from shared.ports.job_store import JobStore
from tests.cloud.emulator import FIRESTORE

CLAIMANTS = 50
ROUNDS = 5
WARM_UP_ROUNDS = 5
"""Uncounted: an emulator that has just started is slow enough for writers to time each other out."""
LEASE = timedelta(seconds=30)
MOST_TRIES = 20
"""An emulator on a busy machine lets calls run into their time limit; a worker tries those again."""
GIVE_UP_S = 600.0


class _Closing(Protocol):
    def close(self) -> None:
        """Let go of the connection."""
        ...


class _Jobs(JobStore, _Closing, Protocol):
    """A store of jobs with a connection of its own."""


class _Heartbeats(HeartbeatStore, _Closing, Protocol):
    """A store of heartbeats with a connection of its own."""


_Stores = tuple[_Jobs, _Heartbeats]
"""What one claimant works with."""


def measure(scratch: Path) -> list[Figure]:
    """Let the claimants loose on a queued job, in each store, several times over."""
    jobs, heartbeats = scratch / "jobs.sqlite3", scratch / "heartbeats.sqlite3"
    figures = _figures("embedded", lambda: (SqliteJobStore(jobs), SqliteHeartbeatStore(heartbeats)))
    if can_emulate("claims in Firestore"):
        with emulated(FIRESTORE, scratch / "firestore"):
            from shared.adapters.gcp.firestore.firestore_heartbeat_store import FirestoreHeartbeatStore
            from shared.adapters.gcp.firestore.firestore_job_store import FirestoreJobStore

            project = "demo-claims"
            figures += _figures(
                "Firestore's emulator", lambda: (FirestoreJobStore(project), FirestoreHeartbeatStore(project))
            )
    return figures


def _figures(name: str, open_store: Callable[[], _Stores]) -> list[Figure]:
    with _opened(open_store) as stores:
        races = [_race(stores) for _ in range(WARM_UP_ROUNDS + ROUNDS)]
    winners, rounds = [num for num, _, _ in races], races[WARM_UP_ROUNDS:]
    # A figure is held to a most; no winner at all would be no success.
    if min(winners) < 1:
        raise RuntimeError(f"winners of {len(races)} rounds: {winners}; somebody has to get the job")
    note = f"most of {len(races)} rounds; threads, each with a client of its own"
    seconds = ", ".join(f"{each:.2f}" for _, each, _ in rounds)
    slowest = (
        f"worst of {seconds} s after the start signal, following {WARM_UP_ROUNDS} uncounted rounds; "
        f"{sum(num for _, _, num in rounds)} tries got no answer in time and were made again"
    )
    return [
        Figure(name=f"winners among {CLAIMANTS} claimants of a job, {name}", measured=max(winners), unit="",
               at_most=1, note=note),
        Figure(name=f"the last of {CLAIMANTS} claimants knows, {name}", measured=max(each for _, each, _ in rounds),
               unit="s", at_most=1, note=slowest),
    ]  # fmt: skip


@contextlib.contextmanager
def _opened(open_store: Callable[[], _Stores]) -> Iterator[list[_Stores]]:
    stores = [open_store() for _ in range(CLAIMANTS)]
    try:
        yield stores
    finally:
        for store in itertools.chain(*stores):
            store.close()


def _race(stores: list[_Stores]) -> tuple[int, float, int]:
    """Return how many got the job, the seconds from the start signal to the last answer, and tries without any."""
    job = _made_job(stores[0][0])
    answers: list[str] = []
    unanswered: list[str] = []
    ready = threading.Barrier(len(stores) + 1)
    threads = [
        threading.Thread(target=_claim, args=(each, job.job_id, f"worker-{number}", ready, answers, unanswered))
        for number, each in enumerate(stores)
    ]
    for thread in threads:
        thread.start()
    ready.wait(timeout=GIVE_UP_S)
    started = time.perf_counter()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - started
    if len(answers) != len(stores):
        raise RuntimeError(f"received {len(answers)} answers, expected {len(stores)}")
    return answers.count("won"), seconds, len(unanswered)


def _claim(
    stores: _Stores, job_id: str, owner: str, ready: threading.Barrier, answers: list[str], unanswered: list[str]
) -> None:
    store, heartbeats = stores
    _connect(store, job_id)
    ready.wait(timeout=GIVE_UP_S)
    for _ in range(MOST_TRIES):
        try:
            claim_job(store, heartbeats, job_queued(job_id, utc_now()), owner=owner, lease=LEASE, clock=utc_now)
        except (Conflict, NothingToDo):
            answers.append("lost")
        except Transient:  # a worker hands the message back then, and is given it again
            unanswered.append(owner)
            continue
        else:
            answers.append("won")
        return


def _made_job(store: JobStore) -> Job:
    """Make a job; whether one was made whose answer was lost, nobody knows, so each try makes another."""
    for _ in range(MOST_TRIES):
        job = _queued_job()
        with contextlib.suppress(Transient):
            store.create(job)
            return job
    raise RuntimeError(f"the store did not take a job in {MOST_TRIES} tries")


def _connect(store: JobStore, job_id: str) -> None:
    """Open the connection: workers wait for jobs with theirs open."""
    for _ in range(MOST_TRIES):
        with contextlib.suppress(Transient):
            store.get(job_id)
            return
    raise RuntimeError(f"the store did not answer {MOST_TRIES} times")


def _queued_job() -> Job:
    job_id, now = uuid.uuid4().hex, utc_now()
    key = f"uploads/{job_id}/archive.zip"
    return Job(
        job_id=job_id,
        email="ada@example.org",
        token_hash="0" * 64,
        options=JobOptions(),
        state=JobState.QUEUED,
        created_at=now,
        updated_at=now,
        upload=Upload(object_key=key, max_bytes=1_000_000, expires_at=now + timedelta(hours=1)),
        archive=Archive(object_key=key, generation="1", size_bytes=4096, num_images=30, num_classes=3),
    )
