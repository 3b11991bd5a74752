"""The starter's end of a child that talks in lines, over its standard input and output."""

import queue
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO

from shared.errors import ConvtailorError
from shared.process.child_process import ChildProcess


class ProcessDied(ConvtailorError):
    """The process ended, and all that it had said was read.

    Args:
        return_code: Its exit status; negative: the number of the signal that killed it.
    """

    def __init__(self, return_code: int) -> None:
        super().__init__(f"the process ended with {return_code}")
        self.return_code = return_code


class LineProcess(ChildProcess):
    """A child that hears and says lines; its own end is :class:`shared.process.starter.Starter`.

    Start it from a thread that outlives it: on Linux such a program dies with the thread that started it.
    """

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], *, errors: IO[bytes] | None = None) -> None:
        """Start the command; see :class:`shared.process.child_process.ChildProcess`.

        Raises:
            OSError: If it cannot be started.
        """
        super().__init__(command, environ, output=subprocess.PIPE, errors=errors)
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, name="process-lines", daemon=True)
        self._reader.start()

    def send(self, line: bytes) -> None:
        """Write a line; that a dead process did not read it shows at the next :meth:`receive`."""
        with suppress(BrokenPipeError):
            if self._popen.stdin is not None:
                self._popen.stdin.write(line)
                self._popen.stdin.flush()

    def receive(self, timeout_s: float) -> bytes | None:
        """Return the next line, or ``None`` where none came in time.

        Raises:
            ProcessDied: If it has ended and everything it said was read.
        """
        try:
            return self._next(timeout_s)
        except queue.Empty:
            return None

    def await_line(self) -> bytes:
        """Return the next line, however long it takes.

        Raises:
            ProcessDied: If it has ended and everything it said was read.
        """
        return self._next(None)

    def _next(self, timeout_s: float | None) -> bytes:
        line = self._lines.get(timeout=timeout_s)
        if not line:
            self._lines.put(line)  # whoever asks again is told again
            raise ProcessDied(self.wait())
        return line

    def end(self, patience_s: float = 0.0) -> None:
        """Make sure that it is gone: close its input, which it takes for our end, wait, then kill."""
        super().end(patience_s)
        self._reader.join()
        if self._popen.stdout is not None:
            self._popen.stdout.close()

    def _read(self) -> None:
        if self._popen.stdout is not None:
            for line in self._popen.stdout:
                self._lines.put(line)
        self._lines.put(b"")
