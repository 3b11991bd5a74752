"""What is done to the services while they work, one thing after another, as a seeded generator decides."""

import random
import signal
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.soak.diary import Diary
from benchmarks.soak.disk import fill
from benchmarks.soak.house import LEASE_S, House
from shared.adapters.embedded.sqlite_event_bus import SqliteEventBus
from shared.clock import utc_now
from shared.errors import ConvtailorError
from shared.job.events import Event, EventType, announcement, job_queued
from shared.job.job import Job, JobState
from shared.ports.job_store import JobStore, pages

KINDS = ("intake", "reporter", "trainer", "training", "verifier")
LONGEST_S = 3 * LEASE_S
"""A process that sleeps for so long has lost whatever it held, and wakes as a zombie."""
PAUSES = (0.12, 0.5)
"""Between two disturbances, as shares of what a job takes in peace: each is hit once or twice, and still gets on."""


@dataclass(slots=True, kw_only=True)
class Disturber:
    """Disturbs until it is told to stop; whatever it holds up it lets go of.

    Args:
        house: What is disturbed.
        store: Its jobs, to know what messages to double.
        scratch: Where training works; filled up if it is a disk of its own.
        data: Folder of the stores; likewise.
        disks: Those of the two that are disks of their own.
        chance: Decides what is done.
        diary: Where it is written down.
        job_s: Seconds that a job takes in peace on this machine, as busy as it is.
        stop: Set by whoever has seen enough.
    """

    house: House
    store: JobStore
    scratch: Path
    data: Path
    disks: frozenset[Path]
    chance: random.Random
    diary: Diary
    job_s: float
    stop: threading.Event

    def run(self) -> None:
        """Disturb, pause, and so on."""
        deeds: list[Callable[[], None]] = []
        for weight, deed in (
            (8, self._kill),
            (5, self._pause),
            (4, self._double),
            (2, self._lock),
            (2, self._refuse_mail),
            (1, lambda: self._fill(self.scratch, "scratch")),
            (1, lambda: self._fill(self.data, "data")),
        ):
            deeds += [deed] * weight
        while not self.stop.wait(self.job_s * self.chance.uniform(*PAUSES)):
            self.chance.choice(deeds)()

    def _kill(self) -> None:
        kind, process = self._victim()
        if process is not None:
            began = time.time()
            with suppress(psutil.Error):
                process.kill()
                self.diary.note("kill -9", kind, began)

    def _pause(self) -> None:
        kind, process = self._victim()
        if process is None:
            return
        began = time.time()
        with suppress(psutil.Error):
            process.send_signal(signal.SIGSTOP)
            self.stop.wait(self.chance.uniform(0.2, LONGEST_S))
        with suppress(psutil.Error):
            process.send_signal(signal.SIGCONT)
            self.diary.note("stop", kind, began)

    def _victim(self) -> tuple[str, psutil.Process | None]:
        kind = self.chance.choice(KINDS)
        found = [each.process for each in self.house.processes() if each.kind == kind]
        return kind, self.chance.choice(found) if found else None

    def _double(self) -> None:
        """Tell again of a job, whatever its state, and as two states at once: handlers look at the job."""
        began = time.time()
        jobs = list(_jobs(self.store))
        if not jobs:
            return
        job = self.chance.choice(jobs)
        bus = SqliteEventBus(self.data / "events.sqlite3")
        with suppress(ConvtailorError):
            for event in _events_about(job):
                bus.publish(event)
            self.diary.note("double", "messages", began)
        bus.close()

    def _lock(self) -> None:
        """Hold the write lock of a store, for longer than anybody waits for it."""
        name, began = self.chance.choice(("jobs", "events", "heartbeats")), time.time()
        connection = sqlite3.connect(self.data / f"{name}.sqlite3", isolation_level=None, timeout=1.0)
        with suppress(sqlite3.Error):
            connection.execute("BEGIN IMMEDIATE")
            self.stop.wait(self.chance.uniform(2.0, LONGEST_S))
            connection.execute("ROLLBACK")
            self.diary.note("lock", name, began)
        connection.close()

    def _refuse_mail(self) -> None:
        began = time.time()
        self.house.mail.is_refusing = True
        self.stop.wait(self.chance.uniform(1.0, LONGEST_S))
        self.house.mail.is_refusing = False
        self.diary.note("refuse", "mail", began)

    def _fill(self, disk: Path, name: str) -> None:
        if disk not in self.disks:
            return
        began = time.time()
        ballast: Path | None = None
        try:
            with suppress(OSError):
                ballast = fill(disk, but_bytes=self.chance.choice((0, 2**20, 16 * 2**20)))
            self.stop.wait(self.chance.uniform(3.0, LONGEST_S))
        finally:
            (ballast or disk / "ballast").unlink(missing_ok=True)
        self.diary.note("fill", name, began)


def _jobs(store: JobStore) -> Iterable[Job]:
    with suppress(ConvtailorError):
        for page in pages(store, list(JobState), updated_before=utc_now()):
            yield from (stored.job for stored in page.jobs)


def _events_about(job: Job) -> list[Event]:
    """Return messages about a job: the one of its state, and one that an earlier state may have left behind."""
    told = EventType.TRAINING_FINISHED if job.state is JobState.DONE else EventType.JOB_FAILED
    now = utc_now()
    late = Event(type=told, event_id=uuid.uuid4().hex, job_id=job.job_id, occurred_at=now)
    return [*announcement(job, now), job_queued(job.job_id, now), late]
