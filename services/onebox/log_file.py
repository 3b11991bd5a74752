"""The log of a service: one process after the other appends to it, and whoever starts them keeps it small."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

MAX_BYTES = 16 * 2**20
"""Of a log and of the older part beside it, each: some weeks of a busy server."""
OLDER = ".1"
"""Ends the name of the older part."""
_CHUNK_BYTES = 2**20


def open_log(log: Path) -> BinaryIO:
    """Open a log to be appended to, and closed to other users: it names people's files."""
    return os.fdopen(os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab")


def bound_log(log: Path, max_bytes: int = MAX_BYTES) -> None:
    """Put what a log has into the older part beside it, in place of what was there, once it is too long.

    Processes go on writing into the file that they have open, so it is emptied, not moved; a line that comes between
    its last look and that is lost. Where the disk has no room for the older part there is none: a log that fills the
    disk would cost more than its past.

    Args:
        log: May be missing.
        max_bytes: At most so much is kept of it, the latest.
    """
    try:
        size_bytes = log.stat().st_size
    except FileNotFoundError:
        return
    if size_bytes <= max_bytes:
        return
    older = log.with_name(log.name + OLDER)
    older.unlink(missing_ok=True)
    with contextlib.suppress(OSError), log.open("rb") as source, open_log(older) as sink:
        source.seek(size_bytes - max_bytes)
        for chunk in _chunks(source):
            sink.write(chunk)
    os.truncate(log, 0)


def _chunks(source: BinaryIO) -> Iterator[bytes]:
    while chunk := source.read(_CHUNK_BYTES):
        yield chunk
