"""What the jobs at work on one scratch disk were promised of it, so that no two of them count on the same room."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from services.trainer.scratch.disk import DiskUsage, disk_usage, ensure_room
from services.trainer.scratch.workspace import kept_bytes, kept_jobs
from shared.process.held_folder import is_held

_PROMISE = "promised_bytes"


def promise_room(scratch_dir: Path, job_id: str, needed_bytes: int, *, usage: DiskUsage | None = None) -> None:
    """Keep room on the disk for a job that this process is at work on, until the process ends.

    Args:
        scratch_dir: On the disk.
        job_id: Whose workspace is held already.
        needed_bytes: All that it writes.
        usage: Of the disk; looked at now unless given.

    Raises:
        UserFault: ``disk_too_small``, if the job would not fit though nothing else lay there.
        NoRoom: If it does not fit beside what is there and what others were promised.
    """
    with _alone(scratch_dir):
        ensure_room(
            needed_bytes,
            kept_bytes=kept_bytes(scratch_dir, job_id),
            promised_bytes=promised_to_others(scratch_dir, job_id),
            usage=usage or disk_usage(scratch_dir),
        )
        (scratch_dir / job_id / _PROMISE).write_text(str(needed_bytes), encoding="ascii")


def promised_to_others(scratch_dir: Path, job_id: str) -> int:
    """Return what other jobs at work here were promised and have not used yet, in bytes."""
    return sum(_unused(scratch_dir, each) for each in kept_jobs(scratch_dir) if each != job_id)


def _unused(scratch_dir: Path, job_id: str) -> int:
    try:
        promised = int((scratch_dir / job_id / _PROMISE).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0  # nothing was promised, or it is being written or removed at this moment
    return max(0, promised - kept_bytes(scratch_dir, job_id)) if is_held(scratch_dir / job_id) else 0


@contextlib.contextmanager
def _alone(scratch_dir: Path) -> Iterator[None]:
    """Keep other processes from promising the same room at the same time."""
    descriptor = os.open(scratch_dir, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
