"""The scratch folder of a job on the local disk, one below it for every claim."""

import contextlib
import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from services.trainer.scratch.disk import DiskUsage, allocate, disk_usage
from shared.ports.object_store import ObjectStore
from shared.process.held_folder import hold, make_held, remove_unheld

CHUNK_BYTES = 16 * 2**20
"""Read at a time: whole archives may be larger than memory."""
TEMPORARY = "tmp-"
"""Begins the names of folders for what is temporary; ids of jobs are hexadecimal."""


def open_workspace(scratch_dir: Path, job_id: str, fence: int) -> Path:
    """Return the folder of a claim, which takes over what the newest earlier claim left on this machine.

    A worker that lost its claim may still write into what it has open; so nothing is shared, only moved.
    """
    home = scratch_dir / job_id
    own = home / str(fence)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    earlier = sorted((path for path in home.iterdir() if path.name.isdigit()), key=lambda path: int(path.name))
    if earlier and not own.exists():
        with contextlib.suppress(OSError):  # gone, or held open on a system that does not move what is open
            earlier.pop().rename(own)
    for path in earlier:
        if path != own:
            shutil.rmtree(path, ignore_errors=True)
    own.mkdir(exist_ok=True)
    return own


def hold_workspace(scratch_dir: Path, job_id: str) -> int:
    """Keep others from removing what is kept for a job; see :func:`shared.process.held_folder.hold`."""
    return hold(scratch_dir / job_id)


def open_temporary_folder(scratch_dir: Path) -> str | None:
    """Have this process and those that it starts put what is temporary into the scratch folder; return the name there.

    Libraries clean up when a process ends in good order, which ours seldom do. What lies in the scratch folder is
    removed like a workspace: by this process, or by the worker once nobody holds it. ``None``: there is no such folder,
    and the system's own is used.
    """
    try:
        folder, _ = make_held(scratch_dir, TEMPORARY)
    except OSError:
        return None
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
    return folder.name


def forget_workspace(scratch_dir: Path, job_id: str) -> bool:
    """Remove all that was kept for a job, unless a process is at work on it; answer whether nothing is left."""
    return remove_unheld(scratch_dir / job_id)


def forget_temporary_folders(scratch_dir: Path) -> None:
    """Remove what processes that are gone left in their temporary folders; nobody knows any more whose it was."""
    for name in kept_jobs(scratch_dir):
        if name.startswith(TEMPORARY):
            forget_workspace(scratch_dir, name)


def kept_jobs(scratch_dir: Path) -> list[str]:
    """Return the ids of the jobs that something is kept for."""
    with contextlib.suppress(FileNotFoundError):
        return sorted(path.name for path in scratch_dir.iterdir() if path.is_dir())
    return []


def left_at(scratch_dir: Path, job_id: str) -> float:
    """Return when something was last made for a job, in seconds since 1970."""
    times = []
    for path in (scratch_dir / job_id, *(scratch_dir / job_id).glob("*")):
        with contextlib.suppress(FileNotFoundError):
            times.append(path.stat().st_mtime)
    return max(times, default=0.0)


def kept_bytes(scratch_dir: Path, job_id: str) -> int:
    """Return the room that what is kept for a job takes on the disk."""
    total = 0
    for folder, _, names in os.walk(scratch_dir / job_id):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                total += (Path(folder) / name).stat().st_blocks * 512
    return total


def lasting_usage(scratch_dir: Path) -> DiskUsage:
    """Return what a disk has for the jobs of a folder; at best, if all of them were over, and nobody else left it."""
    usage = disk_usage(scratch_dir)
    kept = sum(kept_bytes(scratch_dir, job_id) for job_id in kept_jobs(scratch_dir))
    return replace(usage, best_bytes=usage.free_bytes + kept)


def fetch_archive(objects: ObjectStore, key: str, *, generation: str, directory: Path, size_bytes: int = 0) -> Path:
    """Copy an archive to the local disk, piece by piece; one that is there already is used.

    Args:
        objects: Where it lies.
        key: Its key.
        generation: Its version.
        directory: Where to.
        size_bytes: What it is said to weigh; the disk is asked for that much at once.

    Raises:
        OSError: If the disk is full.
        NotFound: If it is gone, or was replaced by another version.
        Transient: If the store did not answer.
    """
    path = directory / f"archive-{quote(generation, safe='')}.zip"
    if path.exists():
        return path
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        allocate(file.fileno(), 0, size_bytes)
        while data := objects.read(key, file.tell(), file.tell() + CHUNK_BYTES, generation=generation):
            file.write(data)
        file.truncate()
        os.fsync(file.fileno())  # a later attempt takes it for whole by its name
    return part.rename(path)
