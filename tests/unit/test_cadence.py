"""How often a worker asks and writes while a job trains: seldom where that is billed, at once where it is not."""

import itertools
from datetime import timedelta
from typing import Any

import pytest

from services.trainer.protocol import Message
from shared.adapters.embedded.sqlite_heartbeat_store import SqliteHeartbeatStore
from shared.adapters.gcp.firestore.firestore_heartbeat_store import FirestoreHeartbeatStore
from shared.job.heartbeat import Cadence, Heartbeat
from shared.job.job import Job, JobState
from shared.ports.job_store import StoredJob
from tests.doubles.memory_heartbeat_store import MemoryHeartbeatStore
from tests.doubles.memory_job_store import MemoryJobStore
from tests.doubles.talkative_process import TALK_EVERY_S, TalkativeProcess
from tests.worker_fixture import House

LEASE = timedelta(seconds=15)
"""The one that Terraform gives the trainers."""
BILLED = FirestoreHeartbeatStore("any").cadence


class Diary:
    """When what was done to the stores, in seconds since the house was opened."""

    def __init__(self) -> None:
        self.moments: dict[str, list[float]] = {}
        self.house: TalkativeHouse | None = None

    def note(self, what: str) -> None:
        if self.house is not None:
            self.moments.setdefault(what, []).append(self.house.elapsed_s)

    def least_pause_s(self, what: str) -> float:
        return min(after - before for before, after in itertools.pairwise(self.moments[what]))


class CountedJobs(MemoryJobStore):
    """Notes every call."""

    def __init__(self, diary: Diary) -> None:
        super().__init__()
        self.diary = diary

    def get(self, job_id: str) -> StoredJob:
        self.diary.note("job read")
        return super().get(job_id)

    def replace(self, stored: StoredJob, job: Job, *rest: Any) -> StoredJob:
        self.diary.note("job written")
        return super().replace(stored, job, *rest)


class CountedHeartbeats(MemoryHeartbeatStore):
    """Notes every call."""

    def __init__(self, diary: Diary, cadence: Cadence) -> None:
        super().__init__(cadence)
        self.diary = diary

    def put(self, heartbeat: Heartbeat) -> None:
        self.diary.note("heartbeat written")
        super().put(heartbeat)

    def get(self, job_id: str, fence: int) -> Heartbeat | None:
        self.diary.note("heartbeat read")
        return super().get(job_id, fence)


class TalkativeHouse(House):
    """Its trainings talk without pause, and its stores keep a diary."""

    def __init__(self, cadence: Cadence, **options: Any) -> None:
        self.diary = Diary()
        super().__init__(store=CountedJobs(self.diary), heartbeats=CountedHeartbeats(self.diary, cadence), **options)
        self.diary.house = self

    @property
    def elapsed_s(self) -> float:
        """Seconds on the house's own clock."""
        return self.monotonic()

    def start(self, script: str) -> TalkativeProcess:
        return TalkativeProcess(self.hands.advance)


@pytest.fixture(scope="module")
def billed() -> TalkativeHouse:
    """A house in which a job has trained for ten minutes, on stores whose calls are billed."""
    house = TalkativeHouse(BILLED, budget_minutes=10)
    house.worker("talk", lease=LEASE).work_once()
    return house


def test_where_writes_are_billed_there_is_at_most_one_in_five_seconds(billed: TalkativeHouse) -> None:
    assert billed.diary.least_pause_s("heartbeat written") >= 5 - TALK_EVERY_S / 2
    assert 100 <= len(billed.diary.moments["heartbeat written"]) <= 120


def test_where_reads_are_billed_there_is_none_a_second(billed: TalkativeHouse) -> None:
    looks = billed.diary.moments["job read"][2:-1]  # the first two are for disk and claim, the last for the end
    assert min(after - before for before, after in itertools.pairwise(looks)) >= 5 - TALK_EVERY_S / 2
    assert len(looks) <= 120
    assert "heartbeat read" not in billed.diary.moments


def test_the_job_itself_is_written_when_it_is_taken_and_when_it_ends(billed: TalkativeHouse) -> None:
    assert len(billed.diary.moments["job written"]) == 2
    job = billed.job
    assert job.state is JobState.REPORTING
    assert job.trained_s == pytest.approx(600, abs=61)
    assert job.progress is not None
    assert len(job.trials) > 100


@pytest.mark.parametrize(
    ("cadence", "within_s"),
    [(BILLED, 5.2), (None, 1.0)],
    ids=["where looks are billed", "where a look costs nothing"],
)
def test_a_cancel_is_noticed_in_time(cadence: Cadence | None, within_s: float, tmp_path: Any) -> None:
    if cadence is None:
        embedded = SqliteHeartbeatStore(tmp_path / "heartbeats.sqlite3")
        cadence = embedded.cadence
        embedded.close()
    house = TalkativeHouse(cadence)
    asked: list[float] = []

    def cancel_after_a_while() -> None:
        if not asked and house.elapsed_s > 33.3:
            asked.append(house.elapsed_s)
            house.cancel()

    class Person(TalkativeProcess):
        def next_message(self, timeout_s: float) -> Message | None:
            cancel_after_a_while()
            return super().next_message(timeout_s)

    house.start = lambda script: Person(house.hands.advance)
    house.worker("talk", lease=LEASE).work_once()
    assert house.job.state is JobState.CANCELLED
    assert house.elapsed_s - asked[0] <= within_s


def test_where_a_write_costs_nothing_a_new_phase_is_shown_at_once(tmp_path: Any) -> None:
    embedded = SqliteHeartbeatStore(tmp_path / "heartbeats.sqlite3")
    house = TalkativeHouse(embedded.cadence, budget_minutes=0.5)
    embedded.close()
    house.worker("talk", lease=LEASE).work_once()
    assert house.diary.least_pause_s("heartbeat written") <= TALK_EVERY_S * 1.5


class Killed(BaseException):
    """A worker dies without a word."""


@pytest.mark.parametrize("cadence", [BILLED, Cadence(least_s=0.0, progress_s=1.0, look_s=0.5)])
def test_a_worker_that_is_killed_leaves_its_successor_only_the_rest_of_the_budget(cadence: Cadence) -> None:
    house = TalkativeHouse(cadence, budget_minutes=10)

    class Doomed(TalkativeProcess):
        def next_message(self, timeout_s: float) -> Message | None:
            if house.elapsed_s > 240:
                raise Killed
            return super().next_message(timeout_s)

    house.start = lambda script: Doomed(house.hands.advance)
    with pytest.raises(Killed):
        house.worker("first", lease=LEASE).work_once()
    house.hands.advance(LEASE.total_seconds() + 3600)
    began = house.elapsed_s
    house.start = lambda script: TalkativeProcess(house.hands.advance)
    house.worker("second", lease=LEASE).work_once()
    assert house.job.state is JobState.REPORTING
    assert house.elapsed_s - began <= 600 - 240 + cadence.progress_s + 61
    assert house.job.trained_s >= 540
