"""What this process writes is for its own user alone."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

_PRIVATE = 0o077


def keep_files_private() -> None:
    """Let every file and folder that this process and its children make be closed to all other users.

    A service calls it before anything else: what it keeps are people's photographs, their addresses and its logs.
    """
    os.umask(_PRIVATE)


@contextmanager
def private_files() -> Iterator[None]:
    """Let what is made inside be closed to all other users, and what comes after be as whoever types wants it."""
    before = os.umask(_PRIVATE)
    try:
        yield
    finally:
        os.umask(before)
