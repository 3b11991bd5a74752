"""Requests per second that intake serves, beside a bare Flask route behind the same server code in the same run.

The servers stand side by side and are asked in turn, round after round, so that whatever else the machine does meets
all of them alike; each ratio is the median of the rounds.
"""

import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.emulation import can_emulate, emulated
from benchmarks.figure import Figure
from benchmarks.load import Measured, Plan
from shared.backends import open_backends
from shared.clock import utc_now
from shared.job.claim import Claim
from shared.job.heartbeat import Heartbeat
from shared.job.job import JobState, Trial, TrialState, advance
from shared.job.progress import Best, Progress
from shared.settings import Settings, load
from tests.cloud.emulator import FIRESTORE
from tests.cloud.service_account import ServiceAccount

CONNECTIONS = 8
THREADS = 8
ROUNDS = 7
SECONDS = 3.0
WARM_UP_S = 0.5
NUM_JOBS = 50
TARGET_PERCENT = 40
_WORK = {"email": "ada@example.org", "epochs": 20}
_BARE = "bare"
_READY_WITHIN_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Server:
    """What is asked.

    Args:
        name: As the rows say it.
        port: Where it listens.
        posts: Requests that make a job.
        gets: Requests for a job's status.
        gets_training: Requests for the status of a job that trains, which takes a second read.
    """

    name: str
    port: int
    posts: Sequence[str]
    gets: Sequence[str]
    gets_training: Sequence[str]


def measure(scratch: Path) -> list[Figure]:
    """Measure the embedded store and, where there is an emulator, Firestore, both against the bare route."""
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(_bare())]
        servers.append(stack.enter_context(_intake("embedded", scratch / "embedded", {})))
        if can_emulate("intake with Firestore"):
            stack.enter_context(emulated(FIRESTORE, scratch / "firestore"))
            cloud = _cloud_environment(scratch)
            servers.append(stack.enter_context(_intake("Firestore's emulator", scratch / "cloud", cloud)))
        rounds = [{server.name: _ask(server) for server in servers} for _ in range(ROUNDS)]
    return [figure for server in servers[1:] for figure in _figures(server.name, rounds)]


def _ask(server: _Server) -> dict[str, Measured]:
    """Put every kind of request to a server, one after the other."""
    wanted = {
        "POST /v1/jobs": (server.posts, 201),
        "GET /v1/jobs/{id}": (server.gets, 200),
        "GET /v1/jobs/{id} while it trains": (server.gets_training, 200),
    }
    return {
        route: _loaded(
            Plan(
                port=server.port,
                requests=list(requests),
                status=status,
                connections=CONNECTIONS,
                warm_up_s=WARM_UP_S,
                seconds=SECONDS,
            )
        )
        for route, (requests, status) in wanted.items()
    }


def _loaded(plan: Plan) -> Measured:
    command = [sys.executable, "-m", "benchmarks.load"]
    finished = subprocess.run(command, input=json.dumps(asdict(plan)), check=True, stdout=subprocess.PIPE, text=True)
    return Measured(**json.loads(finished.stdout))


def _figures(name: str, rounds: Sequence[Mapping[str, Mapping[str, Measured]]]) -> list[Figure]:
    figures = []
    for route in rounds[0][name]:
        ours, bare = [each[name][route] for each in rounds], [each[_BARE][route] for each in rounds]
        percent = statistics.median(100 * mine.per_s / theirs.per_s for mine, theirs in zip(ours, bare, strict=True))
        mine, theirs = _told(ours), _told(bare)
        able = statistics.median(each.per_s / each.busy_frac for each in bare)
        note = (
            f"{mine} against {theirs}; medians of {ROUNDS} rounds, {CONNECTIONS} connections, {THREADS} threads; "
            f"the generator itself could send {able:,.0f}/s"
        )
        target = TARGET_PERCENT if name == "embedded" else None
        figures.append(Figure(name=f"intake, {name}, `{route}`, of a bare Flask route", measured=percent, unit="%",
                              at_least=target, note=note))  # fmt: skip
    return figures


def _told(measured: Sequence[Measured]) -> str:
    per_s = statistics.median(each.per_s for each in measured)
    p99_ms = statistics.median(each.p99_ms for each in measured)
    return f"{per_s:,.0f}/s (p99 {p99_ms:.0f} ms)"


@contextlib.contextmanager
def _bare() -> Iterator[_Server]:
    """Serve the bare route; it is sent the very bytes that intake is sent, but for the path."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.bare_route", str(THREADS)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    )
    try:
        if process.stdout is None:
            raise RuntimeError("unreachable: a pipe was asked for")
        port = _port(json.loads(process.stdout.readline())["url"])
        get = _request("GET", "/bare", {"Authorization": f"Bearer {'0' * 64}"})
        yield _Server(name=_BARE, port=port, posts=[_post("/bare")], gets=[get], gets_training=[get])
    finally:
        _end(process)


@contextlib.contextmanager
def _intake(name: str, folder: Path, environ: Mapping[str, str]) -> Iterator[_Server]:
    """Run intake as an operator would and make the jobs that will be looked at."""
    folder.mkdir()
    ready_file = folder / "ready.json"
    own = {
        "CONVTAILOR_DATA_DIR": str(folder / "data"),
        "CONVTAILOR_READY_FILE": str(ready_file),
        "CONVTAILOR_PORT": "0",
        "CONVTAILOR_REQUEST_THREADS": str(THREADS),
    }
    with (folder / "intake.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.intake"],
            env={**os.environ, **own, **environ},
            stderr=log,
            start_new_session=True,
        )
    try:
        url = _await_ready(process, ready_file)
        waiting, training = ([_submit(url) for _ in range(NUM_JOBS)] for _ in range(2))
        _have_trained([job["job_id"] for job in training], {**own, **environ})
        yield _Server(
            name=name,
            port=_port(url),
            posts=[_post("/v1/jobs")],
            gets=[_get(job) for job in waiting],
            gets_training=[_get(job) for job in training],
        )
    finally:
        _end(process)


def _get(job: Mapping[str, Any]) -> str:
    return _request("GET", f"/v1/jobs/{job['job_id']}", {"Authorization": f"Bearer {job['token']}"})


def _have_trained(job_ids: Sequence[str], environ: Mapping[str, str]) -> None:
    """Bring jobs to where a worker trains them and tells how far it is."""
    backends, now = open_backends(load(Settings, environ)), utc_now()
    expires_at = now + timedelta(hours=1)
    for job_id in job_ids:
        stored = backends.job_store.get(job_id)
        queued = advance(stored.job, JobState.QUEUED, now)
        claim = Claim(owner="worker", fence=1, expires_at=expires_at)
        backends.job_store.replace(stored, advance(queued, JobState.TRAINING, now, claim=claim))
        best = Best(candidate="mobilenet_v2", val_accuracy=0.9)
        progress = Progress(phase="tune", done=3, total=9, unit="epochs", detail="recipe 1", eta_s=60.0, best=best)
        trials = tuple(Trial(name=f"screen/{number}", state=TrialState.DONE, val_accuracy=0.8) for number in range(5))
        heartbeat = Heartbeat(
            job_id=job_id, fence=1, expires_at=expires_at, device="CPU (2 cores)", progress=progress, trials=trials
        )
        backends.heartbeat_store.put(heartbeat)


def _cloud_environment(scratch: Path) -> dict[str, str]:
    """Return what leads intake to Firestore; URLs are signed with a key file, the bucket itself is never asked."""
    key_file = ServiceAccount.make("intake@demo.iam.gserviceaccount.com").write(scratch / "key.json")
    return {
        "GOOGLE_APPLICATION_CREDENTIALS": str(key_file),
        "CONVTAILOR_BACKEND": "gcp",
        "CONVTAILOR_GCP_PROJECT": "demo",
        "CONVTAILOR_GCP_BUCKET": "convtailor-data",
        "CONVTAILOR_LINK_KEY": "0123456789abcdef" * 3,
        "CONVTAILOR_PUSH_AUDIENCE": "https://intake.example.org",
        "CONVTAILOR_PUSH_ACCOUNT": "push@demo.iam.gserviceaccount.com",
    }


def _await_ready(process: "subprocess.Popen[bytes]", ready_file: Path) -> str:
    deadline_s = time.monotonic() + _READY_WITHIN_S
    while not ready_file.exists():
        if process.poll() is not None or time.monotonic() > deadline_s:
            raise RuntimeError(f"intake does not serve; see {ready_file.with_name('intake.log')}")
        time.sleep(0.05)
    return str(json.loads(ready_file.read_text())["url"])


def _submit(url: str) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{url}/v1/jobs", data=json.dumps(_WORK).encode(), headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        made: dict[str, Any] = json.load(answer)
    return made


def _post(path: str) -> str:
    return _request("POST", path, {"Content-Type": "application/json"}, body=json.dumps(_WORK))


def _request(method: str, path: str, headers: Mapping[str, str], *, body: str = "") -> str:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    if body:
        lines.append(f"Content-Length: {len(body.encode())}")
    return "\r\n".join([*lines, "", body])


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])


def _end(process: "subprocess.Popen[Any]") -> None:
    """Kill a server and its worker; connections kept alive would hold up a stop in good order."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
