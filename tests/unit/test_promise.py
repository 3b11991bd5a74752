"""Room on a disk that several jobs are at work on: what one was promised, no other takes."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.trainer.scratch.disk import HEADROOM_BYTES, DiskUsage, NoRoom
from services.trainer.scratch.promise import promise_room, promised_to_others
from services.trainer.scratch.workspace import hold_workspace, open_workspace
from services.trainer.worker.disk_room import DiskRoom, least_need
from shared.job.job import Archive, JobState
from tests.job_fixture import make_job
from tests.small_disk import small_disk

MB = 2**20


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", HEADROOM_BYTES + 12 * MB) as disk:
        yield disk


def write(scratch: Path, job_id: str, num_bytes: int) -> None:
    with (open_workspace(scratch, job_id, 1) / "images").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, num_bytes)


def test_two_jobs_are_not_promised_the_same_room(scratch: Path) -> None:
    first, second = hold_workspace(scratch, "first"), hold_workspace(scratch, "second")
    promise_room(scratch, "first", 8 * MB)
    with pytest.raises(NoRoom, match="beside 8,384,512 that other jobs count on"):
        promise_room(scratch, "second", 6 * MB)
    promise_room(scratch, "second", 3 * MB)
    os.close(first)  # its process has ended
    promise_room(scratch, "second", 10 * MB)
    os.close(second)


def test_what_a_job_has_used_of_its_promise_is_not_counted_twice(scratch: Path) -> None:
    held = hold_workspace(scratch, "first")
    promise_room(scratch, "first", 8 * MB)
    write(scratch, "first", 6 * MB)
    assert 1 * MB < promised_to_others(scratch, "second") <= 2 * MB
    hold_workspace(scratch, "second")
    promise_room(scratch, "second", 3 * MB)
    write(scratch, "first", 9 * MB)
    assert promised_to_others(scratch, "second") == 0
    os.close(held)


def test_a_worker_leaves_a_job_alone_for_which_another_was_promised_the_room(tmp_path: Path) -> None:
    archive = Archive(object_key="k", generation="g", size_bytes=MB, num_images=100, num_classes=2)
    job = make_job("second", JobState.QUEUED, archive=archive)
    needed_bytes = least_need(job) + HEADROOM_BYTES
    usage = DiskUsage(free_bytes=needed_bytes + 8 * MB, best_bytes=2**40)
    room = DiskRoom(scratch=tmp_path, usage=lambda _: usage)
    held = hold_workspace(tmp_path, "first")
    promise_room(tmp_path, "first", 9 * MB, usage=usage)
    with pytest.raises(NoRoom):
        room.admit(job)
    os.close(held)
    room.admit(job)


@pytest.mark.parametrize("written", ["", "many", "99 MB"])
def test_a_promise_that_cannot_be_read_counts_for_nothing(tmp_path: Path, written: str) -> None:
    hold_workspace(tmp_path, "first")
    (tmp_path / "first" / "promised_bytes").write_text(written, encoding="ascii")
    assert promised_to_others(tmp_path, "second") == 0
