"""Small jobs through one machine with one, two and four trainers beside each other, and what keeps it from more.

``python -m benchmarks trainers`` sends sixty jobs three times over and counts those that end within ninety seconds each
time; ``CONVTAILOR_BENCH_JOBS`` and ``CONVTAILOR_BENCH_SECONDS`` say otherwise.
"""

import os
import random
import statistics
import threading
import time
from collections.abc import Mapping, Sequence
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
_SECONDS = 90.0
_LEAST_ENDED = 4
"""So many are waited for however long that takes: a rate needs a time between mails."""
_NUM_CLIENTS = 4
_POLL_S = 0.5
_ENDS = frozenset({"done", "failed", "rejected", "cancelled", "expired"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """One run.

    Args:
        num_ended: Jobs whose mail was sent.
        seconds: From the first of these mails to the last; until then trainers start, which is not what is asked here.
        busy_frac: Part of all processors' time, 0 to 1, that somebody used.
        trained_s: Seconds that a job was at work, the median.
        memory_bytes: What the services took together, at most.
    """

    num_ended: int
    seconds: float
    busy_frac: float
    trained_s: float
    memory_bytes: int

    @property
    def jobs_per_minute(self) -> float:
        """How many jobs ended in a minute."""
        return 60 * (self.num_ended - 1) / self.seconds


def measure(scratch: Path) -> list[Figure]:
    """Send the same jobs to one, two and four trainers."""
    num_jobs = int(os.environ.get("CONVTAILOR_BENCH_JOBS", _NUM_JOBS))
    seconds = float(os.environ.get("CONVTAILOR_BENCH_SECONDS", _SECONDS))
    archive, _ = write_archives(scratch, random.Random(0))
    runs = {number: _run(scratch / str(number), archive, number, num_jobs, seconds) for number in NUM_TRAINERS}
    alone, cores = runs[1], os.cpu_count()
    figures = []
    for number, run in runs.items():
        note = (
            f"{run.jobs_per_minute:.1f} jobs a minute against {alone.jobs_per_minute:.1f}; "
            f"{run.num_ended} of {num_jobs} ended, {run.seconds:.0f} s between the first mail and the last; "
            f"{100 * run.busy_frac:.0f} % of {cores} cores busy, a job at work for {run.trained_s:.1f} s, "
            f"{run.memory_bytes / 1e9:.1f} GB in all services"
        )
        figures.append(Figure(name=f"{num_jobs} small jobs, {number} trainers against 1",
                              measured=run.jobs_per_minute / alone.jobs_per_minute, unit="×", note=note))  # fmt: skip
    return figures


def _run(folder: Path, archive: Path, num_trainers: int, num_jobs: int, seconds: float) -> _Run:
    folder.mkdir()
    with Onebox(folder / "data", _environ(), num_trainers=num_trainers) as box:
        url = box.wait_ready()
        with ThreadPoolExecutor(_NUM_CLIENTS) as pool, _Watch() as watch:
            made = list(pool.map(lambda _: _submit(url, archive), range(num_jobs)))
            documents = _ended(url, made, box, until_s=time.monotonic() + seconds)
    states = {each["state"] for each in documents}
    if states != {"done"} or len(documents) < 2:
        raise RuntimeError(f"{len(documents)} jobs ended, as {states}, within {seconds:g} s; see {folder}")
    mailed = [datetime.fromisoformat(each["mailed_at"]).timestamp() for each in documents]
    return _Run(
        num_ended=len(documents),
        seconds=max(mailed) - min(mailed),
        busy_frac=watch.busy_frac,
        trained_s=statistics.median(each["spent"]["seconds"] for each in documents),
        memory_bytes=watch.memory_bytes,
    )


def _submit(url: str, archive: Path) -> Submitted:
    with Client(url) as client:
        made = client.submit("ada@example.org", OPTIONS)
        client.upload(made.upload, archive)
    return made


def _ended(url: str, made: Sequence[Submitted], box: Onebox, *, until_s: float) -> list[dict[str, Any]]:
    """Return the documents of the jobs that have come to their end once all have, or the time is over and some have."""
    with Client(url) as client:
        ended: list[dict[str, Any]] = []
        while len(ended) < len(made) and (time.monotonic() < until_s or len(ended) < _LEAST_ENDED):
            box.wait(_POLL_S)
            ended += _ended_in_turn(client, made[len(ended) :])
        looked = [client.status_document(each.job_id, each.token) for each in made[len(ended) :]]
    return ended + [each for each in looked if _is_over(each)]


def _ended_in_turn(client: Client, made: Sequence[Submitted]) -> list[dict[str, Any]]:
    """Look at jobs in the order in which they were sent, up to the first that has not come to its end."""
    ended = []
    for each in made:
        document = client.status_document(each.job_id, each.token)
        if not _is_over(document):
            break
        ended.append(document)
    return ended


def _is_over(document: Mapping[str, Any]) -> bool:
    return document["mailed_at"] is not None or document["state"] in _ENDS - {"done", "failed"}


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
