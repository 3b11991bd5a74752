"""The child's end: a process learns that its starter is gone from the end of its standard input, and goes as well."""

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import BinaryIO

_PR_SET_PDEATHSIG = 1
_CHUNK_BYTES = 2**16
GRACE_S = 10.0
"""Time to stop in good order once the starter is gone, in seconds."""


def leave_with_starter(take: Callable[[bytes], None]) -> None:
    """Hand every line of standard input to ``take``, in a thread; at its end, leave at once.

    On Linux the kernel also kills this process when the thread that started it ends, which needs no time of ours.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    source = _taken_input()

    def read() -> None:
        for line in _lines(source):
            take(line)
        os._exit(0)  # the starter is gone: nobody waits for anything that this process could still do

    _watch(read)


def stop_with_starter(grace_s: float = GRACE_S) -> None:
    """Take standard input away; at its end ask this process to stop, and later kill the whole group that it leads.

    What it started itself and left behind in good order ends by the same means, each on its own.

    Args:
        grace_s: Time to stop in good order, in seconds.
    """
    source = _taken_input()

    def read() -> None:
        for _ in _lines(source):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(grace_s)
        os.killpg(os.getpgrp(), signal.SIGKILL)

    _watch(read)


def take_standard_output() -> BinaryIO:
    """Return standard output for messages only; whatever prints from now on prints to standard error."""
    return os.fdopen(_taken(1, os.dup(2)), "wb", buffering=0)


def _taken_input() -> int:
    return _taken(0, os.open(os.devnull, os.O_RDONLY))


def _lines(descriptor: int) -> Iterator[bytes]:
    """Yield lines with their ends; without a buffered stream, whose lock Python cannot take at the end of a process."""
    rest = b""
    while chunk := os.read(descriptor, _CHUNK_BYTES):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line + b"\n" for line in lines)


def _taken(descriptor: int, instead: int) -> int:
    """Return a private copy of a standard stream, in whose place another file, which is used up, stands from now on."""
    private = os.dup(descriptor)
    os.dup2(instead, descriptor)
    os.close(instead)
    return private


def _watch(read: Callable[[], None]) -> None:
    threading.Thread(target=read, name="parent-death", daemon=True).start()
