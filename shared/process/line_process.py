"""A program of ours that runs beside us and talks in lines, over its standard input and output."""

import queue
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress

from shared.errors import ConvtailorError


class ProcessDied(ConvtailorError):
    """The process ended, and all that it had said was read.

    Args:
        return_code: Its exit status; negative: the number of the signal that killed it.
    """

    def __init__(self, return_code: int) -> None:
        super().__init__(f"the process ended with {return_code}")
        self.return_code = return_code


class LineProcess:
    """A child process, started at once; its standard error goes where ours goes.

    Start it from a thread that outlives it: on Linux a program that calls
    :func:`shared.process.parent_death.die_with_starter` dies with the thread that started it.
    """

    def __init__(self, command: Sequence[str], environ: Mapping[str, str]) -> None:
        """Start the command with this environment.

        Raises:
            OSError: If it cannot be started.
        """
        self._process = subprocess.Popen(  # noqa: S603 - the command is this package's own
            list(command), env=dict(environ), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, name="process-lines", daemon=True)
        self._reader.start()

    @property
    def is_alive(self) -> bool:
        """Tell whether it still runs."""
        return self._process.poll() is None

    def send(self, line: bytes) -> None:
        """Write a line; that a dead process did not read it shows at the next :meth:`receive`."""
        with suppress(BrokenPipeError):
            if self._process.stdin is not None:
                self._process.stdin.write(line)
                self._process.stdin.flush()

    def receive(self, timeout_s: float) -> bytes | None:
        """Return the next line, or ``None`` where none came in time.

        Raises:
            ProcessDied: If it has ended and everything it said was read.
        """
        try:
            line = self._lines.get(timeout=timeout_s)
        except queue.Empty:
            return None
        if not line:
            self._lines.put(line)  # whoever asks again is told again
            raise ProcessDied(self._process.wait())
        return line

    def end(self, patience_s: float = 0.0) -> None:
        """Make sure that it is gone: close its input, which it takes for our death, wait, then kill."""
        with suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        try:
            self._process.wait(timeout=patience_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _read(self) -> None:
        if self._process.stdout is not None:
            for line in self._process.stdout:
                self._lines.put(line)
        self._lines.put(b"")


def own_python() -> tuple[str, ...]:
    """Return the command that starts this interpreter with the same search for modules."""
    return (sys.executable, "-P") if sys.flags.safe_path else (sys.executable,)
