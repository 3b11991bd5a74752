"""One emulator of each kind for all processes of a run of tests, started for the first who asks.

Starting one takes a processor ten seconds, and whoever started it may be through long before the others are.
"""

import json
import os
import shutil
import socketserver
import tempfile
import threading
from pathlib import Path
from socket import AF_UNIX, socket

import pytest

from tests.cloud import emulator

_VARIABLE = "CONVTAILOR_TESTS_EMULATORS"
_COMMANDS = {"pubsub": emulator.PUBSUB, "firestore": emulator.FIRESTORE}


def shared_emulator(kind: str) -> str:
    """Return ``127.0.0.1:PORT`` of the emulator of a kind, or skip the test where this machine has none."""
    with socket(AF_UNIX) as asking, asking.makefile("rw") as line:
        asking.connect(os.environ[_VARIABLE])
        line.write(f"{kind}\n")
        line.flush()
        answer = json.loads(line.readline())
    if "skip" in answer:
        pytest.skip(answer["skip"])
    assert "address" in answer, answer
    return str(answer["address"])


class SharedEmulators:
    """Starts emulators and keeps them until the end of the run."""

    def __init__(self) -> None:
        """Say to this process and all that it starts where to ask."""
        self._folder = Path(tempfile.mkdtemp(prefix="emulators-"))
        self._started: dict[str, emulator.Emulator] = {}
        self._starting = {kind: threading.Lock() for kind in _COMMANDS}
        answer = self._answer

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.wfile.write(json.dumps(answer(self.rfile.readline().decode().strip())).encode() + b"\n")

        os.environ[_VARIABLE] = str(self._folder / "socket")
        self._server = socketserver.ThreadingUnixStreamServer(os.environ[_VARIABLE], Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="emulators", daemon=True)
        self._thread.start()

    def _answer(self, kind: str) -> dict[str, str]:
        with self._starting[kind]:
            try:
                if kind not in self._started:
                    self._started[kind] = emulator.start(_COMMANDS[kind], self._folder / kind)
            except pytest.skip.Exception as reason:
                return {"skip": str(reason)}
            except (RuntimeError, OSError) as error:
                return {"error": str(error)}
        return {"address": self._started[kind].address}

    def end(self) -> None:
        """Stop every emulator."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        for started in self._started.values():
            started.stop()
        shutil.rmtree(self._folder, ignore_errors=True)
