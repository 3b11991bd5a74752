"""A store and a bus with one queued job, and workers on demand."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from services.trainer.protocol import Order
from services.trainer.scratch.disk import DiskUsage
from services.trainer.worker.disk_room import DiskRoom
from services.trainer.worker.training_process import TrainingProcess
from services.trainer.worker.worker import Worker, WorkerRules
from shared.adapters.embedded.signed_url import UrlSigner
from shared.clock import utc_now
from shared.job.events import EventType, Topic, announcement, decode
from shared.job.job import Archive, Job, JobState, Upload
from shared.job.options import JobOptions
from shared.ports.event_bus import DeliveryRules
from shared.ports.heartbeat_store import HeartbeatStore, as_told
from shared.ports.job_store import JobStore
from tests.doubles.memory_event_bus import MemoryEventBus
from tests.doubles.memory_heartbeat_store import MemoryHeartbeatStore
from tests.doubles.memory_job_store import MemoryJobStore
from tests.doubles.memory_object_store import MemoryObjectStore
from tests.doubles.scripted_process import ScriptedProcess
from tests.job_fixture import NOW, HandClock
from tests.scripted_training import Script, start_program

JOB_ID = "job-1"
AT_ONCE = DeliveryRules(min_backoff=timedelta(0), max_backoff=timedelta(0))


class House:
    """Where workers work; its training processes follow scripts, and time passes only where a worker waits.

    Args:
        store: Another store of jobs than one in memory.
        heartbeats: Another store of heartbeats than one in memory.
        scratch: Folder of workspaces; none is there by default.
        options: Of the job.
    """

    def __init__(
        self,
        *,
        store: JobStore | None = None,
        heartbeats: HeartbeatStore | None = None,
        scratch: Path = Path("nowhere"),
        **options: object,
    ) -> None:
        self.hands = HandClock()
        self.free_bytes, self.best_bytes = 10**12, 10**12
        self.store = store or MemoryJobStore()
        self.heartbeats = heartbeats or MemoryHeartbeatStore()
        self.scratch = scratch
        signer = UrlSigner(b"0" * 32, public_url="http://127.0.0.1", clock=self.clock)
        self.objects = MemoryObjectStore(signer=signer, clock=self.clock)
        self.bus = MemoryEventBus(rules=AT_ONCE, clock=self.clock)
        self._queue(JobOptions(**options))

    def _queue(self, options: JobOptions) -> None:
        key, now = f"uploads/{JOB_ID}/archive.zip", self.clock()
        job = Job(
            job_id=JOB_ID,
            email="you@example.org",
            token_hash="0" * 64,
            options=options,
            state=JobState.QUEUED,
            created_at=now,
            updated_at=now,
            upload=Upload(object_key=key, max_bytes=1, expires_at=now),
            archive=Archive(object_key=key, generation="g", size_bytes=1, num_images=9, num_classes=2),
        )
        self.store.create(job)
        [self.event] = announcement(job, now)
        self.bus.publish(self.event)

    def start(self, script: str | Callable[[Order], Script]) -> TrainingProcess:
        """Start a training process that follows a script of :mod:`tests.scripted_training`."""
        return ScriptedProcess(script, self.hands.advance)

    def clock(self) -> datetime:
        return self.hands()

    def monotonic(self) -> float:
        return (self.hands.now - NOW).total_seconds()

    def usage(self, folder: Path) -> DiskUsage:
        return DiskUsage(free_bytes=self.free_bytes, best_bytes=self.best_bytes)

    def worker(
        self, script: str | Callable[[Order], Script], *, meanwhile: Callable[[], object] | None = None, **rules: object
    ) -> Worker:
        """Return a worker; ``meanwhile`` happens after it has claimed the job and before training starts."""

        def spawn() -> TrainingProcess:
            process = self.start(script)
            if meanwhile is not None:
                meanwhile()
            return process

        return Worker(
            store=self.store,
            heartbeats=self.heartbeats,
            objects=self.objects,
            bus=self.bus,
            spawn=spawn,
            owner=f"worker-{script}",
            disk=DiskRoom(scratch=self.scratch, usage=self.usage, monotonic=self.monotonic),
            rules=WorkerRules(**{"warm_child": False, "poll_s": 0.001, **rules}),
            clock=self.clock,
            monotonic=self.monotonic,
        )

    @property
    def job(self) -> Job:
        """The job as its status page tells it."""
        return as_told(self.store.get(JOB_ID).job, self.heartbeats)

    def change(self, **changes: object) -> None:
        stored = self.store.get(JOB_ID)
        self.store.replace(stored, replace(stored.job, **changes))

    def cancel(self) -> None:
        self.change(cancel_requested_at=self.clock())

    def told(self) -> list[EventType]:
        """Return what the reporter hears."""
        deliveries = self.bus.pull(Topic.RESULTS, lease=timedelta(minutes=1), max_messages=100)
        return [decode(delivery.data).type for delivery in deliveries]

    def waits(self) -> bool:
        """Tell whether the job's message comes again."""
        return bool(self.bus.pull(Topic.JOBS, lease=timedelta(minutes=1)))


class RealHouse(House):
    """The same with real processes, and with real time for them."""

    def start(self, script: str) -> TrainingProcess:
        return start_program(script)

    def clock(self) -> datetime:
        return utc_now()

    def monotonic(self) -> float:
        return time.monotonic()
