"""Two hundred jobs of twenty people at once, on a server that asks for keys and keeps limits."""

import random
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.soak.clients import write_archives
from services.client.api.client import Client
from shared.access.api_key import drawn_key
from shared.backends import open_backends
from shared.clock import utc_now
from shared.errors import UserFault
from shared.settings import Settings
from tests.intake_process import IntakeProcess
from tests.waiting import until

NUM_CLIENTS = 20
JOBS_OF_EACH = 10
NUM_JOBS = NUM_CLIENTS * JOBS_OF_EACH


@dataclass(frozen=True, slots=True, kw_only=True)
class _Person:
    """What one person met with.

    Args:
        job_ids: Jobs that were taken, whose archive arrived.
        codes: Of what was refused.
        answers_s: Seconds until each request for a job was answered.
    """

    job_ids: list[str]
    codes: list[str]
    answers_s: list[float]


def measure(scratch: Path) -> list[Figure]:
    """Let everybody send one job more than their key allows, and hold what was taken and refused against that."""
    archive, _ = write_archives(scratch, random.Random(0))
    intake = IntakeProcess(scratch / "lab", require_key="true", max_jobs=NUM_JOBS + NUM_CLIENTS)
    access = open_backends(Settings(data_dir=intake.data_dir)).access_store
    keys = []
    for number in range(NUM_CLIENTS):
        text, key = drawn_key(f"person {number}", utc_now(), jobs_per_day=JOBS_OF_EACH)
        access.put_key(key)
        keys.append(text)
    intake.start()
    try:
        began = time.perf_counter()
        with ThreadPoolExecutor(NUM_CLIENTS) as pool:
            people = list(pool.map(lambda key: _sends(intake.url, key, archive), keys))
        sent_s = time.perf_counter() - began
        _await_queued(intake, [job_id for person in people for job_id in person.job_ids])
        queued_s = time.perf_counter() - began
    finally:
        intake.kill()
    num_taken = sum(len(person.job_ids) for person in people)
    codes = [code for person in people for code in person.codes]
    answers = sorted(each for person in people for each in person.answers_s)
    note = (
        f"sent in {sent_s:.1f} s, looked at after {queued_s:.1f} s; {NUM_CLIENTS} clients at once, each with a "
        f"key of {JOBS_OF_EACH} jobs a day; a new job was answered after {1000 * statistics.median(answers):.0f} ms, "
        f"p99 {1000 * answers[int(0.99 * (len(answers) - 1))]:.0f} ms"
    )
    name = f"{NUM_JOBS} jobs from {NUM_CLIENTS} clients with keys and limits"
    return [
        Figure(name=f"{name}: taken", measured=num_taken, unit="", at_least=NUM_JOBS, note=note),
        Figure(name=f"{name}: let in beyond a limit", measured=num_taken - NUM_JOBS, unit="", at_most=0,
               note=f"{codes.count('limit_reached')} were refused as `limit_reached`, {len(codes)} altogether"),
    ]  # fmt: skip


def _sends(url: str, key: str, archive: Path) -> _Person:
    person = _Person(job_ids=[], codes=[], answers_s=[])
    with Client(url) as client:
        for _ in range(JOBS_OF_EACH + 1):
            began = time.perf_counter()
            try:
                made = client.submit("ada@example.org", {}, key=key)
            except UserFault as error:
                person.codes.append(error.fault.code)
                continue
            finally:
                person.answers_s.append(time.perf_counter() - began)
            client.upload(made.upload, archive)
            person.job_ids.append(made.job_id)
    return person


def _await_queued(intake: IntakeProcess, job_ids: list[str]) -> None:
    store = open_backends(Settings(data_dir=intake.data_dir)).job_store
    for job_id in job_ids:
        until(lambda job_id=job_id: store.get(job_id).job.archive is not None)  # type: ignore[misc]
