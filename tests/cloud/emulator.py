"""Google's own emulators, started on free ports and stopped for certain."""

import atexit
import contextlib
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.waiting import PATIENCE_S, until

_GUARD = Path(__file__).parent / "guard.py"

_SHORT_LIVED = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""Java's compilers optimise for days of work, and here took two thirds more of the processors than the work itself."""

PUBSUB = ("gcloud", "beta", "emulators", "pubsub", "start", "--project=demo")
FIRESTORE = ("gcloud", "emulators", "firestore", "start")


def free_port() -> int:
    """Return a port of this machine that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def dead_end(*, stalls: bool) -> Iterator[str]:
    """Yield an address where nobody listens, or where somebody does and never says a word."""
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        if stalls:
            place.listen(100)
        yield f"127.0.0.1:{place.getsockname()[1]}"


def missing_program() -> str | None:
    """Return the program that the emulators need and this machine lacks, or ``None``."""
    return next((program for program in ("gcloud", "java") if shutil.which(program) is None), None)


class Emulator:
    """One emulator; it lives until :meth:`stop`, or as long as this process.

    Args:
        command: The words that start it, such as :data:`PUBSUB`.
        folder: Where its log and gcloud's own files go.
        port: Where it listens; a free one where none is given.
    """

    def __init__(self, command: Sequence[str], folder: Path, *, port: int | None = None) -> None:
        self.port = port or free_port()
        self.address = f"127.0.0.1:{self.port}"
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / "emulator.log"
        environ = {
            **os.environ,
            "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
            "CLOUDSDK_CONFIG": str(folder / "gcloud"),
            "JAVA_TOOL_OPTIONS": _SHORT_LIVED,
        }
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(_GUARD), *command, f"--host-port={self.address}"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environ,
                start_new_session=True,
            )
        atexit.register(self.stop)

    def wait_ready(self) -> None:
        """Return when it answers.

        Raises:
            RuntimeError: If it ends or stays silent.
        """
        try:
            until(lambda: self._answers() or self.process.poll() is not None, tell=self.said)
        except AssertionError as error:
            self.stop()
            raise RuntimeError(f"the emulator was not ready: {error}") from error
        if self.process.poll() is not None:
            raise RuntimeError(f"the emulator ended with {self.process.returncode}: {self.said()}")

    def said(self) -> str:
        """Return its output so far."""
        return self.log.read_text(errors="replace")

    def stop(self) -> None:
        """Kill it with all its children; without effect the second time."""
        atexit.unregister(self.stop)
        self.process.stdin.close()
        self.process.wait(timeout=PATIENCE_S)

    def _answers(self) -> bool:
        # The emulators bind their port before they can serve, and say so in their output only afterwards.
        words = self.said()
        if "Server started" not in words and "Dev App Server is now running" not in words:
            return False
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def start(command: Sequence[str], folder: Path, *, port: int | None = None) -> Emulator:
    """Start an emulator and wait until it answers, or skip the test where this machine has none."""
    if program := missing_program():
        pytest.skip(f"needs {program}, for Google's emulators")
    emulator = Emulator(command, folder, port=port)
    try:
        emulator.wait_ready()
    except RuntimeError as error:
        if "component" in str(error):
            pytest.skip(f"gcloud lacks the emulator's component: {error}")
        raise
    except BaseException:  # Ctrl-C while waiting
        emulator.stop()
        raise
    return emulator
