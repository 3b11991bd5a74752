"""The line of life between a process and the one that started it: when the starter dies, so does the started."""

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import BinaryIO

_PR_SET_PDEATHSIG = 1


def die_with_starter() -> None:
    """Have the kernel kill this process when the thread that started it ends; without effect outside Linux.

    The end of standard input says the same on every system, but only to a process that finds time to read it.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def ignore_interrupts() -> None:
    """Leave Ctrl-C, which a terminal sends to every process of a group, to the starter."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def take_standard_output() -> BinaryIO:
    """Return standard output for messages only; whatever prints from now on prints to standard error."""
    private = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(private, "wb", buffering=0)


def follow(stream: BinaryIO, take: Callable[[bytes], None]) -> None:
    """Hand every further line of a stream to ``take``, in a thread; leave this process at once when it ends."""

    def read() -> None:
        for line in stream:
            take(line)
        os._exit(0)  # the starter is gone: nobody waits for anything this process could still do

    threading.Thread(target=read, name="lifeline", daemon=True).start()
