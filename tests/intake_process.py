"""Intake as a real process over embedded back-ends on a free port."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx

from tests.intake_fixture import bearer
from tests.waiting import PATIENCE_S, until


class IntakeProcess:
    """Start it, speak with it, kill it; the folder outlives the process."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.data_dir = folder / "data"
        self.log = folder / "intake.log"
        self.ready_file = folder / "ready.json"
        self.settings = {f"CONVTAILOR_{name.upper()}": str(value) for name, value in settings.items()}
        self.url = ""
        # Connections that are kept alive would hold up a stop.
        self.http = httpx.Client(timeout=PATIENCE_S, limits=httpx.Limits(max_keepalive_connections=0))

    def start(self) -> "IntakeProcess":
        environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("CONVTAILOR_")},
            "CONVTAILOR_DATA_DIR": str(self.data_dir),
            "CONVTAILOR_READY_FILE": str(self.ready_file),
            "CONVTAILOR_PORT": self.url.rpartition(":")[2] or "0",
            **self.settings,
        }
        self.ready_file.unlink(missing_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "services.intake"], env=environ, stderr=log, start_new_session=True
            )
        until(lambda: self.ready_file.exists() or self.process.poll() is not None)
        self.url = json.loads(self.ready_file.read_text())["url"]
        return self

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(PATIENCE_S)

    def kill(self) -> None:
        """Kill it and its worker without a word."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE_S)

    def submit(self, **fields: object) -> dict:
        answer = self.http.post(f"{self.url}/v1/jobs", json={"email": "ada@example.org", **fields})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def upload(self, made: dict, body: object) -> httpx.Response:
        return self.http.put(made["upload"]["url"], content=body, headers=made["upload"]["headers"])

    def status(self, made: dict) -> dict:
        return self.http.get(made["status_url"], headers=bearer(made)).raise_for_status().json()

    def await_state(self, made: dict, *, other_than: str = "awaiting_upload") -> dict:
        """Return the status once the job has left a state."""
        return until(lambda: (status := self.status(made))["state"] != other_than and status)
