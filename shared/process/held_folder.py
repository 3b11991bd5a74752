"""Folders that belong to living processes: one that nobody holds was left by processes that are gone, and may go too.

A hold is a lock of the kernel's on the folder, so it ends with its process, however that ends: by kill -9, for want of
memory, or with the machine.
"""

import contextlib
import fcntl
import os
import shutil
import uuid
from pathlib import Path


def hold(folder: Path) -> int:
    """Make a folder where it is missing and keep others from removing it, until the descriptor returned is closed.

    The end of this process, however it comes, closes it too. Several processes may hold one folder.

    Raises:
        OSError: If it cannot be made or opened.
    """
    while True:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            descriptor = os.open(folder, os.O_RDONLY)
        except FileNotFoundError:
            continue  # it was removed in between
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), folder.stat()):
                return descriptor
        os.close(descriptor)


def hold_alone(folder: Path) -> int:
    """Make a folder where it is missing and hold it as the only one, until the descriptor returned is closed.

    On a file system that knows no locks there is nothing to tell others by, and each holds it alone.

    Raises:
        BlockingIOError: If another process holds it.
        OSError: If it cannot be made or opened.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise
    except OSError:
        pass
    return descriptor


def is_held(folder: Path) -> bool:
    """Tell whether a living process, this one perhaps, holds a folder."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # gone, or another user's
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # held, or on a file system that knows no locks
        return True
    finally:
        os.close(descriptor)
    return False


def remove_unheld(folder: Path) -> bool:
    """Remove a folder with all that is in it, unless a process holds it; answer whether nothing is left."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        return True
    except OSError:  # another user's
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except OSError:  # held, or on a file system that knows no locks
        return False
    finally:
        os.close(descriptor)
    return not folder.exists()


def make_held(parent: Path, prefix: str) -> tuple[Path, int]:
    """Make a folder that this process holds, and remove those of its kind that nobody holds any more.

    Args:
        parent: Where it lies.
        prefix: What the names of its kind begin with, and no other names.

    Returns:
        The folder, and the descriptor that holds it until it is closed.

    Raises:
        OSError: If it cannot be made.
    """
    for left in parent.glob(f"{prefix}*"):
        remove_unheld(left)
    folder = parent / f"{prefix}{uuid.uuid4().hex[:16]}"
    return folder, hold(folder)
