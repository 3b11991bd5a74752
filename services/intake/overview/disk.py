"""What lies in the object store, by kind and by job, and what the disk below it has, where it is one machine's."""

import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from shared.layout import JOBS, UPLOADS, job_of_key
from shared.ports.object_store import ObjectStore

MOST_NAMED = 50
_NOBODY = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobUse:
    """What one job takes.

    Args:
        job_id: Whose it is; empty for what belongs to none.
        archive_bytes: Its photographs as they were uploaded.
        files_bytes: Networks, results, reports and what its trainers keep to carry on from.
    """

    job_id: str
    archive_bytes: int
    files_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskUse:
    """What is taken and what is free.

    Args:
        size_bytes: Size of the disk, where everything lies on one; else ``None``.
        free_bytes: What is free of it.
        archive_bytes: What photographs take, all jobs together.
        files_bytes: What networks, results and reports take.
        num_jobs: Jobs that take anything.
        largest: Those that take most, the largest first.
    """

    size_bytes: int | None
    free_bytes: int | None
    archive_bytes: int
    files_bytes: int
    num_jobs: int
    largest: tuple[JobUse, ...]


def look_at_disk(objects: ObjectStore, data_dir: Path | None, *, most: int = MOST_NAMED) -> DiskUse:
    """Add up what lies in the object store; memory grows with the jobs, not with the objects.

    Args:
        objects: Has it.
        data_dir: Folder of the service, where that is of this machine.
        most: Jobs that are named.

    Raises:
        Transient: If the store does not answer.
    """
    archives, files = _by_job(objects, UPLOADS), _by_job(objects, JOBS)
    uses = (
        JobUse(job_id=job_id, archive_bytes=archives[job_id], files_bytes=files[job_id])
        for job_id in archives.keys() | files.keys()
    )
    largest = sorted(uses, key=lambda use: (-use.archive_bytes - use.files_bytes, use.job_id))
    size, free = (None, None) if data_dir is None else measured(data_dir)
    return DiskUse(
        size_bytes=size,
        free_bytes=free,
        archive_bytes=archives.total(),
        files_bytes=files.total(),
        num_jobs=len(largest),
        largest=tuple(largest[:most]),
    )


def measured(folder: Path) -> tuple[int, int]:
    """Return the size of a folder's disk and what is free of it for the service, in bytes."""
    usage = shutil.disk_usage(folder)
    return usage.total, usage.free


def _by_job(objects: ObjectStore, folder: str) -> Counter[str]:
    taken: Counter[str] = Counter()
    for stored in objects.list(folder):
        taken[job_of_key(stored.key) or _NOBODY] += stored.size_bytes
    return taken
