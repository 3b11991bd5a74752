"""The local disk: what is free, what it has at best, and room that is given to a file before the file is filled."""

import errno
import os
from dataclasses import dataclass
from pathlib import Path

from services.trainer import failure
from shared.errors import Transient, UserFault

HEADROOM_BYTES = 64 * 2**20
"""Left free beside what a job needs: logs and databases often lie on the same disk."""
_FULL = (errno.ENOSPC, errno.EDQUOT)
_CANNOT_ALLOCATE = (errno.EOPNOTSUPP, errno.EINVAL, errno.ENODEV, errno.ENOSYS)
_PIECE = bytes(2**20)


class NoRoom(Transient):
    """The disk has no room for a job now; it has some later, or another machine has.

    Args:
        message: What was found.
        needed_bytes: Room that has to be free for the next try; ``None`` where that is not known.
    """

    def __init__(self, message: str, *, needed_bytes: int | None = None) -> None:
        super().__init__(message)
        self.needed_bytes = needed_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskUsage:
    """What a disk has for this user.

    Args:
        free_bytes: Now.
        best_bytes: If nothing lay on it.
    """

    free_bytes: int
    best_bytes: int


def disk_usage(path: Path) -> DiskUsage:
    """Return the room of the disk that a path lies on, or will lie on once its folders are made."""
    while not path.exists() and path != path.parent:
        path = path.parent
    found = os.statvfs(path)
    # What is kept for root counts as free and as total, yet nobody else can have it.
    reserved = found.f_bfree - found.f_bavail
    return DiskUsage(
        free_bytes=found.f_bavail * found.f_frsize, best_bytes=(found.f_blocks - reserved) * found.f_frsize
    )


def allocate(descriptor: int, start: int, end: int) -> None:
    """Give a part of a new file its room now, so that a full disk shows at once and not in the middle of the work.

    A hole in a memory-mapped file that cannot be filled later kills the process with SIGBUS.

    Args:
        descriptor: Of the file, open for writing.
        start: First byte of the part; holds nothing yet.
        end: The byte behind it; the file is at least that long afterwards.

    Raises:
        OSError: ``ENOSPC``, if there is no such room.
    """
    if end <= start:
        return
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(descriptor, start, end - start)
        except OSError as error:
            if error.errno not in _CANNOT_ALLOCATE:
                raise
        else:
            return
    for position in range(start, end, len(_PIECE)):
        os.pwrite(descriptor, _PIECE[: end - position], position)


def ensure_room(needed_bytes: int, *, kept_bytes: int, usage: DiskUsage, promised_bytes: int = 0) -> None:
    """Return where a job fits on the disk now.

    Args:
        needed_bytes: All that it writes.
        kept_bytes: What of that is there already.
        usage: Of the disk.
        promised_bytes: What of the free room others count on.

    Raises:
        UserFault: ``disk_too_small``, if it would not fit though nothing else lay there.
        NoRoom: If it does not fit now.
    """
    wanted = needed_bytes + HEADROOM_BYTES
    if wanted > usage.best_bytes:
        raise UserFault.of(failure.disk_too_small(wanted, usage.best_bytes))
    free_bytes = max(0, usage.free_bytes - promised_bytes)
    if wanted > free_bytes + kept_bytes:
        beside = f" beside {promised_bytes:,} that other jobs count on" if promised_bytes else ""
        raise NoRoom(
            f"{wanted - kept_bytes:,} bytes have to be free on the scratch disk, {free_bytes:,} are{beside}",
            needed_bytes=needed_bytes,
        )


def is_disk_full(error: BaseException | None) -> bool:
    """Tell whether a full disk is what an error comes from; libraries in C say so in words only."""
    while error is not None:
        if isinstance(error, NoRoom) or (isinstance(error, OSError) and error.errno in _FULL):
            return True
        if "No space left on device" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False
