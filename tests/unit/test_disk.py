"""Room on the local disk: promised before it is used, and as much as the estimate says."""

import io
import os
from pathlib import Path

import numpy as np
import pytest

from services.trainer.data.pictures.square_file import SquareFile
from services.trainer.data.prepare import identify, prepare
from services.trainer.scratch.disk import DiskUsage, NoRoom, allocate, disk_usage, ensure_room, is_disk_full
from services.trainer.scratch.need import NUM_FINALISTS, SMALLEST, disk_need
from services.trainer.scratch.workspace import (
    fetch_archive,
    forget_workspace,
    hold_workspace,
    kept_bytes,
    lasting_usage,
    open_workspace,
)
from services.trainer.zoo.catalogue import BACKBONES
from shared.adapters.embedded.folder_object_store import FolderObjectStore
from shared.adapters.embedded.signed_url import UrlSigner
from shared.adapters.embedded.sqlite_job_store import SqliteJobStore
from shared.errors import Transient, UserFault
from shared.job.job import JobState, advance
from shared.job.options import MOST_BACKBONES, JobOptions
from tests.archive_making import encoded, photograph, zipped
from tests.doubles.memory_object_store import MemoryObjectStore
from tests.job_fixture import NOW, HandClock, make_job
from tests.small_disk import fill, small_disk
from tests.unit.test_prepare import make_run

MB = 2**20
SIGNER = UrlSigner(b"0" * 32, public_url="http://127.0.0.1", clock=HandClock())


def test_a_job_fits_or_waits_or_never_fits() -> None:
    usage = DiskUsage(free_bytes=500 * MB, best_bytes=1000 * MB)
    ensure_room(400 * MB, kept_bytes=0, usage=usage)
    ensure_room(900 * MB, kept_bytes=500 * MB, usage=usage)
    with pytest.raises(NoRoom, match="524,288,000 are") as refusal:
        ensure_room(500 * MB, kept_bytes=0, usage=usage)
    assert refusal.value.needed_bytes == 500 * MB
    with pytest.raises(UserFault, match=r"needs 1\.1 GB .* has room for 1\.0 GB"):
        ensure_room(1000 * MB, kept_bytes=0, usage=usage)


def test_a_folder_that_is_not_made_yet_lies_on_the_disk_of_those_above_it(tmp_path: Path) -> None:
    found = disk_usage(tmp_path / "not" / "yet")
    assert 0 < found.free_bytes <= found.best_bytes
    assert found.best_bytes == disk_usage(tmp_path).best_bytes


@pytest.mark.parametrize("can_allocate", [True, False])
def test_promised_room_is_taken_and_what_is_written_stays(
    tmp_path: Path, can_allocate: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not can_allocate:
        monkeypatch.delattr(os, "posix_fallocate", raising=False)
    path = tmp_path / "file"
    with path.open("wb") as file:
        file.write(b"header")
        file.flush()
        allocate(file.fileno(), 6, 3 * MB + 6)
    assert path.read_bytes() == b"header" + bytes(3 * MB)
    assert path.stat().st_blocks * 512 >= 3 * MB


def test_a_file_of_squares_takes_its_room_at_once_and_gives_back_what_it_did_not_use(tmp_path: Path) -> None:
    with SquareFile(tmp_path / "x.npy", 8, num_images=1000) as file:
        file.append(bytes(range(192)))
        assert (tmp_path / "x.npy").stat().st_blocks * 512 >= 192_000
    squares = np.load(tmp_path / "x.npy")
    assert squares.shape == (1, 8, 8, 3)
    assert squares.tobytes() == bytes(range(192))
    assert (tmp_path / "x.npy").stat().st_size < 1000


def test_a_full_disk_shows_before_the_first_image_is_written(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 4 * MB) as disk, pytest.raises(OSError, match="space") as full:
        SquareFile(disk / "x.npy", 64, num_images=1000)
    assert is_disk_full(full.value)


def test_a_full_disk_shows_before_the_archive_is_copied(tmp_path: Path) -> None:
    objects = MemoryObjectStore(signer=SIGNER)
    stored = objects.put("k", io.BytesIO(b"zip"), content_type="application/zip")
    with small_disk(tmp_path / "disk", 4 * MB) as disk:
        with pytest.raises(OSError, match="space"):
            fetch_archive(objects, "k", generation=stored.generation, directory=disk, size_bytes=5 * MB)
        path = fetch_archive(objects, "k", generation=stored.generation, directory=disk, size_bytes=3 * MB)
        assert path.read_bytes() == b"zip"


def test_what_foreign_files_take_is_nothing_that_a_single_run_may_wait_for(tmp_path: Path) -> None:
    (open_workspace(tmp_path / "scratch", "job", 1) / "file").write_bytes(bytes(MB))
    usage, of_disk = lasting_usage(tmp_path / "scratch"), disk_usage(tmp_path)
    assert usage.best_bytes - usage.free_bytes == MB, "what jobs of the folder keep is theirs to give back"
    assert usage.best_bytes < of_disk.best_bytes, "there is more on this disk"
    with pytest.raises(UserFault) as refusal:
        ensure_room(usage.best_bytes, kept_bytes=0, usage=usage)
    assert refusal.value.fault.code == "disk_too_small"
    with pytest.raises(NoRoom):
        ensure_room(usage.best_bytes, kept_bytes=0, usage=of_disk)


def test_the_disk_that_preparing_takes_is_foretold(tmp_path: Path) -> None:
    files = {
        f"{name}/{number}.jpg": encoded(photograph(9 * number + len(name)), "JPEG")
        for name in ("a", "bb")
        for number in range(40)
    }
    archive = open_workspace(tmp_path, "job", 1) / "archive.zip"
    archive.write_bytes(zipped(files))
    rows = [BACKBONES[name] for name in ("tiny", "mobilenet", "inception_v3")]
    need = disk_need(num_images=80, archive_bytes=archive.stat().st_size, candidates=rows)
    key = identify(archive, JobOptions())
    prepare(archive, make_run(archive.parent), key=key, sizes_px=[row.input_px for row in rows])
    taken = kept_bytes(tmp_path, "job")
    assert 0.8 * (need.archive + need.images) <= taken <= need.archive + need.images


@pytest.mark.parametrize("figure", ["input_px", "pooled_width", "parameters"])
def test_no_backbone_is_smaller_than_the_smallest(figure: str) -> None:
    assert min(getattr(row, figure) for row in BACKBONES.values()) == getattr(SMALLEST, figure)


def test_no_more_networks_features_are_counted_than_are_kept_at_once() -> None:
    rows = list(BACKBONES.values())
    assert len(rows) > NUM_FINALISTS + 1
    widest = sorted((row.pooled_width for row in rows), reverse=True)[: NUM_FINALISTS + 1]
    most = sum(widest[:MOST_BACKBONES])  # side by side, and again with the mirror images
    assert disk_need(num_images=1000, archive_bytes=0, candidates=rows).features == 4000 * (sum(widest) + 2 * most)


@pytest.mark.parametrize("error", [OSError(28, "x"), OSError("errno = 28, 'No space left on device'"), NoRoom("x")])
def test_a_full_disk_is_known_by_number_or_by_words_and_behind_other_errors(error: Exception) -> None:
    wrapped = RuntimeError("saving failed")
    wrapped.__cause__ = error
    assert is_disk_full(wrapped)
    assert not is_disk_full(OSError(2, "No such file"))
    assert not is_disk_full(None)


def test_a_workspace_that_a_process_holds_is_not_removed(tmp_path: Path) -> None:
    (open_workspace(tmp_path, "job", 1) / "file").touch()
    held = hold_workspace(tmp_path, "job")
    assert not forget_workspace(tmp_path, "job")
    os.close(held)
    assert forget_workspace(tmp_path, "job")
    assert forget_workspace(tmp_path, "job"), "nothing is left of it either way"
    assert list(tmp_path.iterdir()) == []


def create_many(store: SqliteJobStore) -> None:
    """Create more jobs than the room holds that the database's files have already."""
    for number in range(1000):
        store.create(make_job(f"job-{number + 2}"))


def test_a_full_disk_below_the_stores_loses_nothing_and_passes(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 4 * MB) as disk:
        store = SqliteJobStore(disk / "jobs.sqlite3")
        objects = FolderObjectStore(disk / "objects", signer=SIGNER)
        created = store.create(make_job())
        ballast = fill(disk)
        with pytest.raises(Transient, match="full"):
            create_many(store)
        with pytest.raises(Transient, match="full"):
            objects.put("k", io.BytesIO(bytes(MB)), content_type="application/zip")
        assert store.get("job-1") == created
        assert list(objects.list("")) == []
        ballast.unlink()
        moved_on = store.replace(created, advance(created.job, JobState.CANCELLED, NOW))
        objects.put("k", io.BytesIO(bytes(MB)), content_type="application/zip")
        assert store.get("job-1") == moved_on
        store.close()
