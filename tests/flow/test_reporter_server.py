"""A reporter that is pushed to, as a process under gunicorn."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.contract.test_mailer_contract import free_port
from tests.push_fixture import BEARER, envelope
from tests.waiting import PATIENCE_S, until

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys, time
from services.reporter.app import create_app
from tests.doubles.memory_job_store import MemoryJobStore
from shared.logs import start_logging
from shared.push_gate import PushGate
from shared.settings import InvalidSettings
from shared.web.server import Served, ServerRules, listen, serve
from tests.push_fixture import OneToken

def handle(event):
    print("at work", flush=True)
    time.sleep(0.5)
    print("done", flush=True)

def build():
    if "refuse" in sys.argv:
        raise InvalidSettings("CONVTAILOR_X: required")
    gate = PushGate(verifier=OneToken(), record_dead=lambda *_: None, notified=lambda *_: None)
    return Served(app=create_app(handle, MemoryJobStore(), gate))

start_logging("INFO", "reporter")
sys.exit(serve(listen("127.0.0.1", int(sys.argv[1])), build, ServerRules(num_threads=2, stop_grace_s=60)))
"""
EVENT = b'{"event_id":"e","job_id":"job-1","occurred_at":"2026-01-02T03:04:05Z","type":"training_finished"}'


@pytest.fixture
def port() -> int:
    return free_port()


def start(port: int, *arguments: str) -> subprocess.Popen[str]:
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PROGRAM, str(port), *arguments]
    return subprocess.Popen(
        command,
        env=environ,
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


@pytest.fixture
def process(port: int) -> Iterator[subprocess.Popen[str]]:
    process = start(port)
    yield process
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def is_up(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", timeout=PATIENCE_S).status_code == 200
    except httpx.TransportError:
        return False


def test_told_to_stop_it_finishes_the_report_at_hand(process: subprocess.Popen[str], port: int) -> None:
    url = f"http://127.0.0.1:{port}"
    until(lambda: is_up(url))
    answers: list[int] = []

    def push() -> None:
        headers = {"Authorization": BEARER, "Connection": "close"}
        answers.append(
            httpx.post(f"{url}/push/results", content=envelope(EVENT), headers=headers, timeout=PATIENCE_S).status_code
        )

    pushing = threading.Thread(target=push)
    pushing.start()
    assert process.stdout is not None
    assert process.stdout.readline() == "at work\n"
    process.terminate()
    pushing.join(PATIENCE_S)
    said, log = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, answers, said) == (0, [204], "done\n")
    lines = [json.loads(line) for line in log.splitlines()]
    assert {line["service"] for line in lines} == {"reporter"}
    assert any(line.get("route") == "/push/results" and line["status"] == 204 for line in lines)
    assert BEARER.removeprefix("Bearer ") not in log


def test_settings_that_make_no_sense_end_it_with_their_own_exit_code(port: int) -> None:
    process = start(port, "refuse")
    _, log = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 2
    assert "CONVTAILOR_X: required" in log


@pytest.mark.parametrize("service", ["intake", "reporter"])
def test_pushes_that_anybody_could_send_are_refused_at_the_start(service: str, port: int, tmp_path: Path) -> None:
    environ = {
        "CONVTAILOR_BACKEND": "gcp",
        "CONVTAILOR_GCP_PROJECT": "demo",
        "CONVTAILOR_GCP_BUCKET": "demo-data",
        "CONVTAILOR_DATA_DIR": str(tmp_path),
        "PORT": str(port),
    }
    command = [sys.executable, "-m", f"services.{service}"]
    done = subprocess.run(
        command, env=environ, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert done.returncode == 2
    for name in ("CONVTAILOR_PUSH_AUDIENCE", "CONVTAILOR_PUSH_ACCOUNT"):
        assert name in done.stderr
