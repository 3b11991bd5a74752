"""A worker on a disk that is full, too small, or littered."""

import logging
import os
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from services.trainer.scratch.disk import HEADROOM_BYTES, DiskUsage, NoRoom
from services.trainer.scratch.promise import promise_room
from services.trainer.scratch.workspace import hold_workspace, kept_jobs, open_workspace
from services.trainer.worker.disk_room import LONGEST_KEPT_S, LONGEST_PAUSE_S, DiskRoom, least_need
from services.trainer.worker.worker import MAX_RAN_FULL, REST_S
from shared.job.events import job_queued
from shared.job.job import Archive, JobState
from shared.ports.event_bus import Delivery
from tests.doubles.memory_event_bus import MemoryEventBus
from tests.doubles.memory_job_store import MemoryJobStore
from tests.job_fixture import NOW, make_job
from tests.worker_fixture import JOB_ID, House

GB = 10**9


def test_a_full_disk_ends_no_job_however_many_wait(caplog: pytest.LogCaptureFixture) -> None:
    house = House()
    house.free_bytes = 0
    for number in range(2, 13):
        archive = Archive(object_key="a", generation="g", size_bytes=1, num_images=9, num_classes=2)
        house.store.create(make_job(f"job-{number}", JobState.QUEUED, archive=archive))
        house.bus.publish(job_queued(f"job-{number}", NOW))
    worker = house.worker("succeed")
    for _ in range(40):
        worker.work_once()
    assert len(house.store.find([JobState.QUEUED], updated_before=NOW + timedelta(days=1)).jobs) == 12
    assert house.job.attempts == 0
    assert house.told() == []
    assert "no room on the scratch disk" in caplog.text
    assert {record.levelno for record in caplog.records if "no room" in record.message} == {logging.ERROR}
    house.free_bytes = house.best_bytes
    for _ in range(12):
        worker.work_once()
    assert len(house.store.find([JobState.REPORTING], updated_before=NOW + timedelta(days=1)).jobs) == 12


def test_a_job_that_cannot_fit_on_the_empty_disk_ends_and_says_how_much_there_is() -> None:
    house = House()
    house.free_bytes = house.best_bytes = HEADROOM_BYTES
    house.worker("succeed").work_once()
    fault = house.job.fault
    assert house.job.state is JobState.FAILED
    assert fault is not None
    assert fault.code == "disk_too_small"
    assert fault.details == {"needed_bytes": HEADROOM_BYTES + least_need(house.job), "best_bytes": HEADROOM_BYTES}
    assert "0.1 GB" in fault.message
    assert not house.waits()


@pytest.mark.parametrize("script", ["fill_the_disk", "fall_into_a_hole"])
def test_a_disk_that_runs_full_in_the_middle_costs_no_attempt_and_leaves_no_files(tmp_path: Path, script: str) -> None:
    house = House(scratch=tmp_path)
    worker = house.worker(script, meanwhile=lambda: open_workspace(tmp_path, JOB_ID, 1))
    worker.work_once()
    assert (house.job.state, house.job.attempts) == (JobState.TRAINING, 0)
    assert not house.job.claim.is_live(house.clock())
    assert kept_jobs(tmp_path) == []
    assert house.told() == []
    assert house.waits()


@pytest.mark.parametrize("free_bytes", [0, GB])
def test_a_person_who_cancels_does_not_wait_for_room(free_bytes: int) -> None:
    house = House()
    house.free_bytes = free_bytes
    house.cancel()
    house.worker("fill_the_disk").work_once()
    assert house.job.state is JobState.CANCELLED
    assert not house.waits()


def test_what_a_job_turned_out_to_need_has_to_be_free_before_it_is_taken_again() -> None:
    house = House()
    house.free_bytes = GB // 2
    worker = house.worker("need_a_gigabyte")
    worker.work_once()
    assert house.job.claim.fence == 1
    worker.work_once()
    assert house.job.claim.fence == 1, "it is not even taken"
    house.free_bytes = 2 * GB
    worker.work_once()
    assert house.job.claim.fence == 2


def test_a_disk_that_runs_full_again_and_again_ends_the_job_in_the_end() -> None:
    house = House()
    worker = house.worker("fill_the_disk")
    for _ in range(MAX_RAN_FULL):
        worker.work_once()
    assert house.job.state is JobState.TRAINING
    worker.work_once()
    assert house.job.state is JobState.FAILED
    assert house.job.fault is not None
    assert house.job.fault.code == "disk_full"
    assert house.job.fault.details["needed_bytes"] >= least_need(house.job)


def test_hand_backs_for_other_reasons_do_not_count_where_a_disk_runs_full_once() -> None:
    house = House()
    restless = house.worker("lose_the_store")
    for _ in range(MAX_RAN_FULL):
        restless.work_once()
    assert house.job.claim.fence == MAX_RAN_FULL
    house.worker("fill_the_disk").work_once()
    assert house.job.claim.fence == MAX_RAN_FULL + 1
    assert (house.job.state, house.job.num_ran_full) == (JobState.TRAINING, 1)


class Disk:
    """A disk whose free room the test sets, looked at by a room on a clock that only waiting moves."""

    def __init__(self, scratch: Path, free_bytes: int) -> None:
        self.free_bytes, self.seconds = free_bytes, 0.0
        self.room = DiskRoom(scratch=scratch, usage=self.usage, monotonic=lambda: self.seconds)

    def usage(self, folder: Path) -> DiskUsage:
        return DiskUsage(free_bytes=self.free_bytes, best_bytes=100 * GB)

    def is_set(self) -> bool:
        return False

    def wait(self, seconds: float) -> bool:
        """Stand in for the event that tells of a shutdown."""
        self.seconds += seconds
        return False

    def refused(self, needed_bytes: int = GB) -> float:
        """Return how long is waited after one more refusal."""
        self.room.note("job", NoRoom("full", needed_bytes=needed_bytes))
        began = self.seconds
        self.room.wait(self)
        return self.seconds - began


def test_the_worker_waits_longer_with_every_refusal_up_to_a_bound(tmp_path: Path) -> None:
    disk = Disk(tmp_path, free_bytes=0)
    pauses = [disk.refused() for _ in range(12)]
    assert pauses[:4] == [1, 2, 4, 8]
    assert pauses[-1] == LONGEST_PAUSE_S


def test_room_that_is_made_ends_the_wait(tmp_path: Path) -> None:
    disk = Disk(tmp_path, free_bytes=0)
    for _ in range(12):
        disk.refused()
    disk.free_bytes = 2 * GB
    assert disk.refused() <= 1


def test_room_that_others_were_promised_does_not_end_the_wait(tmp_path: Path) -> None:
    disk = Disk(tmp_path, free_bytes=3 * GB)
    held = hold_workspace(tmp_path, "another")
    promise_room(tmp_path, "another", 2 * GB, usage=disk.room.usage(tmp_path))
    assert [disk.refused() for _ in range(4)] == [1, 2, 4, 8]
    os.close(held)  # its process has ended
    assert disk.refused() <= 1


def test_a_shutdown_ends_the_wait(tmp_path: Path) -> None:
    disk = Disk(tmp_path, free_bytes=0)
    for _ in range(12):
        disk.refused()
    shutdown = threading.Event()
    shutdown.set()
    disk.room.wait(shutdown)
    assert disk.seconds < 12 * LONGEST_PAUSE_S


def test_photographs_of_a_job_are_gone_from_the_disk_the_moment_it_ends(tmp_path: Path) -> None:
    house = House(scratch=tmp_path)
    open_workspace(tmp_path, JOB_ID, 1)
    house.worker("succeed").work_once()
    assert house.job.state is JobState.REPORTING
    assert not kept_jobs(tmp_path)


def test_what_jobs_left_that_are_over_is_removed(tmp_path: Path) -> None:
    store = MemoryJobStore()
    for job_id, state in {"ended": JobState.FAILED, "queued": JobState.QUEUED, "damaged": JobState.QUEUED}.items():
        store.create(make_job(job_id, state))
    store.spoil_job("damaged")
    for job_id in ("ended", "queued", "damaged", "unknown"):
        (open_workspace(tmp_path, job_id, 1) / "file").touch()
    DiskRoom(scratch=tmp_path).tidy(store)
    assert kept_jobs(tmp_path) == ["damaged", "queued"]


def test_what_a_job_left_that_nobody_can_read_any_more_goes_after_a_week(tmp_path: Path) -> None:
    store = MemoryJobStore()
    store.create(make_job("damaged", JobState.TRAINING))
    store.spoil_job("damaged")
    (open_workspace(tmp_path, "damaged", 1) / "photograph").touch()
    made_at = time.time()
    for seconds, kept in ((LONGEST_KEPT_S - 60, ["damaged"]), (LONGEST_KEPT_S + 60, [])):
        DiskRoom(scratch=tmp_path, now=lambda seconds=seconds: made_at + seconds).tidy(store)
        assert kept_jobs(tmp_path) == kept


def test_for_want_of_room_all_is_removed_that_nobody_works_on(tmp_path: Path) -> None:
    store = MemoryJobStore()
    for job_id in ("queued", "held"):
        store.create(make_job(job_id, JobState.QUEUED))
        (open_workspace(tmp_path, job_id, 1) / "file").touch()
    hold_workspace(tmp_path, "held")
    DiskRoom(scratch=tmp_path).tidy(store, thoroughly=True)
    assert kept_jobs(tmp_path) == ["held"]


def test_what_others_left_makes_room_before_a_job_is_handed_back(tmp_path: Path) -> None:
    house = House(scratch=tmp_path)
    house.store.create(make_job("left", JobState.QUEUED))
    (open_workspace(tmp_path, "left", 1) / "file").touch()
    house.usage = lambda _: DiskUsage(free_bytes=0 if kept_jobs(tmp_path) else GB, best_bytes=GB)
    house.worker("succeed").work_once()
    assert house.job.state is JobState.REPORTING


class Hours:
    """Stands in for the event that ends a worker: hours pass at once, and in each of them something happens."""

    def __init__(self, *events: Callable[[], object]) -> None:
        self.waited_s: list[float] = []
        self._events = iter(events)

    def wait(self, seconds: float) -> bool:
        self.waited_s.append(seconds)
        event = next(self._events, None)
        if event is None:
            return True
        event()
        return False


def test_what_a_job_left_that_ended_elsewhere_is_gone_within_the_hour_however_busy_the_worker_is(
    tmp_path: Path,
) -> None:
    store = MemoryJobStore()
    store.create(make_job("elsewhere", JobState.TRAINING))
    (open_workspace(tmp_path, "elsewhere", 1) / "photograph").touch()
    seen: list[list[str]] = []

    def end() -> None:
        seen.append(kept_jobs(tmp_path))
        stored = store.get("elsewhere")
        store.replace(stored, make_job("elsewhere", JobState.FAILED))

    hours = Hours(lambda: None, end)
    DiskRoom(scratch=tmp_path).keep_tidy(store, hours)
    assert seen == [["elsewhere"]], "as long as it trains, its next attempt may come here"
    assert kept_jobs(tmp_path) == []
    assert hours.waited_s == [3600.0] * 3


def test_a_worker_that_has_been_at_work_for_hours_looks_through_its_disk_meanwhile(tmp_path: Path) -> None:
    house = House(scratch=tmp_path)

    class Room(DiskRoom):
        is_told = threading.Event()

        def keep_tidy(self, store: object, stop: threading.Event) -> None:
            self.is_told.set()

    room = Room(scratch=tmp_path, usage=house.usage)
    house.bus = WatchedBus()
    worker = house.worker("succeed")
    worker.disk = room
    house.bus.on_pull = worker.shutdown.set
    worker.run()
    assert room.is_told.is_set()


class WatchedBus(MemoryEventBus):
    """Has nothing to do, and does something else whenever it is asked."""

    on_pull: Callable[[], object]

    def pull(self, *_: object, **__: object) -> list[Delivery]:
        self.on_pull()
        return []


def test_a_worker_that_starts_rests_or_leaves_removes_what_others_left(tmp_path: Path) -> None:
    house = House(scratch=tmp_path)
    house.bus = WatchedBus()
    seen: list[list[str]] = []

    def look() -> None:
        seen.append(kept_jobs(tmp_path))
        if len(seen) == 2:
            open_workspace(tmp_path, "left meanwhile", 1)
            house.hands.advance(REST_S + 1)
        if len(seen) == 4:
            open_workspace(tmp_path, "left at the end", 1)
            worker.shutdown.set()

    house.bus.on_pull = look
    open_workspace(tmp_path, "left before the start", 1)
    worker = house.worker("succeed")
    worker.run()
    assert seen == [[], [], [], []]
    assert kept_jobs(tmp_path) == []
