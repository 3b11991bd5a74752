"""Where the preloaded Python is found, and who starts what stands behind it.

Importing TensorFlow takes a processor four to five seconds, and the tests start dozens of programs that need it. So one
process of a whole run of tests imports it once, and every program is a copy of that process (``fork``), which starts in
a tenth of a second. To whoever starts it, it is a process like others: it is asked to stop and killed, its streams and
its exit status are its own, and what it starts itself is started in the same way.
"""

import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote

_VARIABLE = "CONVTAILOR_TESTS_PYTHON"
_SERVER, _CLIENT = (Path(__file__).with_name(f"{name}.py") for name in ("server", "client"))
_ROOT = Path(__file__).parents[2]


def preloaded_python() -> str:
    """Return the program that stands in for ``sys.executable``."""
    return os.environ[_VARIABLE]


@contextmanager
def preloaded_programs() -> Iterator[None]:
    """Have what is started in the block as ``sys.executable``, by ourselves or code of ours, be preloaded."""
    ours, sys.executable = sys.executable, preloaded_python()
    try:
        yield
    finally:
        sys.executable = ours


def kill_preloaded(program: "subprocess.Popen[bytes]") -> None:
    """End a program of the preloaded Python as ``kill -9`` ends others, and wait until it is gone.

    The signal is handed on; no program of ours has a say in what it does, and so the system ends it on the spot.
    """
    program.send_signal(signal.SIGUSR1)
    program.wait()


class Preloading:
    """One preloaded Python for a whole run of tests; what it needs is imported when the first program is started."""

    def __init__(self) -> None:
        """Say to this process and all that it starts where it is."""
        self._folder = Path(tempfile.mkdtemp(prefix="python-"))
        self._python = sys.executable  # which a test may have changed by the time that the first program is started
        address, python = self._folder / "socket", self._folder / "python"
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(address))
        self._listening.listen(64)
        self._closed, self._closing = os.pipe()
        words = (sys.executable, "-ISE", str(_CLIENT), str(address), sys.executable)
        python.write_text(f'#!/bin/sh\nexec {" ".join(map(quote, words))} "$@"\n')
        python.chmod(0o755)
        os.environ[_VARIABLE] = str(python)
        self._thread = threading.Thread(target=self._serve, name="preloading", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        """Wait for the first who asks, who is not heard here, then have the server listen; it ends with its input."""
        if self._closed in select.select([self._listening, self._closed], [], [])[0]:
            return
        descriptor = self._listening.fileno()
        server = subprocess.Popen(
            [self._python, "-m", "tests.preloaded.server", str(descriptor), preloaded_python()],
            cwd=_ROOT,
            env={**os.environ, "PYTHONPATH": str(_ROOT)},
            stdin=self._closed,
            stdout=subprocess.DEVNULL,
            pass_fds=[descriptor],
            start_new_session=True,  # a terminal's Ctrl-C is for those who run tests
        )
        server.wait()

    def end(self) -> None:
        """End every program that still runs."""
        os.close(self._closing)
        self._thread.join()
        self._listening.close()
        shutil.rmtree(self._folder, ignore_errors=True)
