"""Small jobs through one machine with one, two and four trainers beside each other, and what keeps it from more.

``python -m benchmarks trainers`` trains sixty jobs three times over; ``CONVTAILOR_BENCH_JOBS`` makes it fewer.
"""

import os
import random
import statistics
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import psutil

from benchmarks.figure import Figure
from benchmarks.soak.clients import OPTIONS, write_archives
from services.client.api.client import Client
from services.client.api.job_view import Submitted
from services.onebox.services import Onebox

NUM_TRAINERS = (1, 2, 4)
_NUM_JOBS = 60
_NUM_CLIENTS = 4
_POLL_S = 0.5
_ENDS = frozenset({"done", "failed", "rejected", "cancelled", "expired"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """One run.

    Args:
        seconds: From the first job that was sent to the last mail.
        busy_frac: Part of all processors' time, 0 to 1, that somebody used.
        trained_s: Seconds that a job was at work, the median.
        memory_bytes: What the services took together, at most.
    """

    seconds: float
    busy_frac: float
    trained_s: float
    memory_bytes: int


def measure(scratch: Path) -> list[Figure]:
    """Send the same jobs to one, two and four trainers."""
    num_jobs = int(os.environ.get("CONVTAILOR_BENCH_JOBS", _NUM_JOBS))
    archive, _ = write_archives(scratch, random.Random(0))
    runs = {number: _run(scratch / str(number), archive, number, num_jobs) for number in NUM_TRAINERS}
    alone, cores = runs[1], os.cpu_count()
    figures = []
    for number, run in runs.items():
        note = (
            f"{num_jobs / run.seconds * 60:.1f} jobs a minute, {run.seconds:.0f} s against {alone.seconds:.0f} s; "
            f"{100 * run.busy_frac:.0f} % of {cores} cores busy, a job at work for {run.trained_s:.1f} s, "
            f"{run.memory_bytes / 1e9:.1f} GB in all services"
        )
        figures.append(Figure(name=f"{num_jobs} small jobs, {number} trainers against 1",
                              measured=alone.seconds / run.seconds, unit="×", note=note))  # fmt: skip
    return figures


def _run(folder: Path, archive: Path, num_trainers: int, num_jobs: int) -> _Run:
    folder.mkdir()
    with Onebox(folder / "data", _environ(), num_trainers=num_trainers) as box:
        url = box.wait_ready()
        with ThreadPoolExecutor(_NUM_CLIENTS) as pool, _Watch() as watch:
            made = list(pool.map(lambda _: _submit(url, archive), range(num_jobs)))
            documents = _await_all(url, made, box)
    states = {each["state"] for each in documents}
    if states != {"done"}:
        raise RuntimeError(f"jobs ended as {states}; see {folder}")
    ended = max(datetime.fromisoformat(each["mailed_at"]).timestamp() for each in documents)
    return _Run(
        seconds=ended - watch.began_at,
        busy_frac=watch.busy_frac,
        trained_s=statistics.median(each["spent"]["seconds"] for each in documents),
        memory_bytes=watch.memory_bytes,
    )


def _submit(url: str, archive: Path) -> Submitted:
    with Client(url) as client:
        made = client.submit("ada@example.org", OPTIONS)
        client.upload(made.upload, archive)
    return made


def _await_all(url: str, made: Sequence[Submitted], box: Onebox) -> list[dict[str, Any]]:
    documents = []
    with Client(url) as client:
        for each in made:
            while (document := client.status_document(each.job_id, each.token))["mailed_at"] is None:
                if document["state"] in _ENDS - {"done", "failed"}:
                    break
                box.wait(_POLL_S)
            documents.append(document)
    return documents


def _environ() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CONVTAILOR_")}
    return {**kept, "CONVTAILOR_DOWNLOAD": "false", "TF_CPP_MIN_LOG_LEVEL": "3"}


class _Watch:
    """Looks at processors and memory while something goes on."""

    def __init__(self) -> None:
        self.began_at = time.time()
        self.busy_frac = 0.0
        self.memory_bytes = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        psutil.cpu_percent()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.busy_frac = psutil.cpu_percent() / 100
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        me = psutil.Process()
        while not self._over.wait(1.0):
            taken = 0
            for each in me.children(recursive=True):
                try:
                    taken += each.memory_info().rss
                except psutil.Error:
                    continue
            self.memory_bytes = max(self.memory_bytes, taken)
