"""The child's end of a :class:`shared.process.line_process.LineProcess`: what it hears and says."""

import queue
import signal
import threading
from collections.abc import Callable

from shared.process.parent_death import leave_with_starter, take_standard_output


class Starter:
    """Who started this process, holds the other ends of its standard streams, and takes it along when it goes."""

    def __init__(self, take: Callable[[bytes], None] | None = None) -> None:
        """Make standard input and output a conversation in lines; whatever else prints, prints to standard error.

        Args:
            take: Called with every line, from a thread of its own; without it, lines wait for :meth:`hear`.
        """
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends Ctrl-C to all: the starter decides
        self._sink = take_standard_output()
        self._speaking = threading.Lock()
        self._heard: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        leave_with_starter(take or self._heard.put)

    def hear(self) -> bytes:
        """Wait for the next line and return it; when the starter goes meanwhile, this process is gone."""
        return self._heard.get()

    def say(self, line: bytes) -> None:
        """Say a line, from whichever thread."""
        with self._speaking:
            self._sink.write(line)
