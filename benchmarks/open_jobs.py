"""Ten thousand open jobs on one machine: how long the sweeper looks at them, and how soon somebody's status comes."""

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.load import Measured, Plan
from shared.access.api_key import hash_of
from shared.backends import Backends, open_backends
from shared.clock import utc_now
from shared.job.job import Archive, Job, JobState, Upload
from shared.job.options import JobOptions
from shared.messaging.sweeper import sweep
from shared.settings import Settings
from tests.intake_process import IntakeProcess

NUM_JOBS = 10_000
TOKEN = "0" * 64
SWEEP_WITHIN_S = 5.0
STATUS_WITHIN_MS = 50.0
_CONNECTIONS = 8
_AT_ONCE = 64
_SECONDS = 10.0
_WARM_UP_S = 2.0
_NUM_ASKED = 200
_SHARES: Mapping[JobState, float] = {JobState.QUEUED: 0.9, JobState.AWAITING_UPLOAD: 0.09, JobState.REPORTING: 0.01}


def measure(scratch: Path) -> list[Figure]:
    """Fill a store, sweep it twice, and ask a server over it for statuses."""
    intake = IntakeProcess(scratch / "open", sweep_patience_s=3600.0)
    backends = open_backends(Settings(data_dir=intake.data_dir))
    made_at = utc_now() - timedelta(minutes=10)
    jobs = [_job(number, made_at) for number in range(NUM_JOBS)]
    with ThreadPoolExecutor(_AT_ONCE) as pool:  # the disk is waited for once by all of them
        list(pool.map(backends.job_store.create, jobs))
    first, usual = _sweep_s(backends), _sweep_s(backends)
    intake.start()
    try:
        status = _asked(intake, [job.job_id for job in jobs[:: NUM_JOBS // _NUM_ASKED]])
    finally:
        intake.kill()
    note = "in the embedded store, nine of ten in the queue"
    p99_note = f"{status.per_s:,.0f} answers a second over {_CONNECTIONS} connections, a sweep at its start included"
    return [
        Figure(name=f"a sweep of {NUM_JOBS:,} open jobs", measured=usual, unit="s", at_most=SWEEP_WITHIN_S, note=note),
        Figure(name=f"a sweep of {NUM_JOBS:,} open jobs that announces each anew", measured=first, unit="s",
               note=f"{note}; after an outage of the bus, or at a start"),
        Figure(name=f"status among {NUM_JOBS:,} open jobs, p99", measured=status.p99_ms, unit="ms",
               at_most=STATUS_WITHIN_MS, note=p99_note),
    ]  # fmt: skip


def _sweep_s(backends: Backends) -> float:
    began = time.perf_counter()
    sweep(
        backends.job_store,
        backends.object_store,
        backends.event_bus,
        heartbeats=backends.heartbeat_store,
        now=utc_now(),
    )
    return time.perf_counter() - began


def _asked(intake: IntakeProcess, job_ids: Sequence[str]) -> Measured:
    port = int(intake.url.rpartition(":")[2])
    lines = ("Host: 127.0.0.1", f"Authorization: Bearer {TOKEN}", "", "")
    requests = ["\r\n".join([f"GET /v1/jobs/{each} HTTP/1.1", *lines]) for each in job_ids]
    plan = Plan(
        port=port, requests=requests, status=200, connections=_CONNECTIONS, warm_up_s=_WARM_UP_S, seconds=_SECONDS
    )
    command = [sys.executable, "-m", "benchmarks.load"]
    done = subprocess.run(command, input=json.dumps(asdict(plan)), check=True, stdout=subprocess.PIPE, text=True)
    return Measured(**json.loads(done.stdout))


def _job(number: int, made_at: datetime) -> Job:
    job_id = uuid.uuid4().hex
    key, state = f"uploads/{job_id}/archive.zip", _state(number / NUM_JOBS)
    job = Job(
        job_id=job_id,
        email="ada@example.org",
        token_hash=hash_of(TOKEN),
        options=JobOptions(),
        state=state,
        created_at=made_at,
        updated_at=made_at + timedelta(milliseconds=number),
        upload=Upload(object_key=key, max_bytes=1_000_000, expires_at=made_at + timedelta(hours=2)),
    )
    if state is JobState.AWAITING_UPLOAD:
        return job
    return replace(job, archive=Archive(object_key=key, generation="1", size_bytes=4096, num_images=30, num_classes=3))


def _state(frac: float) -> JobState:
    for state, share in _SHARES.items():
        if frac < share:
            return state
        frac -= share
    return JobState.QUEUED
