"""What Firestore would bill for a job: every read, write and delete of the real adapters, counted at Google's client.

A document that is asked for counts as a read even where it is missing, and a query that finds nothing as one.
"""

import io
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from google.cloud.firestore import Client

from services.intake.admission import Admitted
from services.intake.events.archive_event import handle_archive
from services.intake.job_request import JobRequest
from services.intake.submission import UploadTerms, look_up, submit
from services.reporter.handler import handle_end
from services.trainer.scratch.disk import DiskUsage
from services.trainer.worker.disk_room import DiskRoom
from services.trainer.worker.worker import Worker, WorkerRules
from shared.adapters.gcp.firestore.firestore_heartbeat_store import FirestoreHeartbeatStore
from shared.adapters.gcp.firestore.firestore_job_store import FirestoreJobStore
from shared.job.events import Topic, archive_uploaded, decode
from shared.job.job import Job, JobState
from shared.job.options import JobOptions
from shared.json_codec import to_json
from shared.messaging.sweeper import sweep
from shared.ports.heartbeat_store import as_told
from tests.doubles.talkative_process import TalkativeProcess
from tests.intake_fixture import small_archive
from tests.job_fixture import NOW
from tests.reporter_fixture import open_office
from tests.result_fixture import make_result
from tests.scripted_training import ARTEFACTS

LEASE = timedelta(seconds=15)
"""The one that Terraform gives the trainers."""
VISIT_AT = timedelta(minutes=3)
"""When somebody looks at the job and the sweeper comes by, longer after the start than the sweeper's patience."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """Billed operations."""

    reads: int = 0
    writes: int = 0
    deletes: int = 0

    def less(self, other: "Bill") -> "Bill":
        return Bill(
            reads=self.reads - other.reads, writes=self.writes - other.writes, deletes=self.deletes - other.deletes
        )

    def plus(self, other: "Bill") -> "Bill":
        return self.less(Bill().less(other))


class Meter:
    """Stands between Google's client and its transport; counts what passes."""

    def __init__(self, client: Client) -> None:
        self._api = client._firestore_api
        self.bill = Bill()
        client._firestore_api_internal = self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._api, name)

    def commit(self, request: dict[str, Any], **options: Any) -> Any:
        deletes = sum(bool(write.delete) for write in request["writes"])
        self.bill = self.bill.plus(Bill(writes=len(request["writes"]) - deletes, deletes=deletes))
        return self._api.commit(request=request, **options)

    def batch_get_documents(self, request: dict[str, Any], **options: Any) -> Any:
        self.bill = self.bill.plus(Bill(reads=len(request["documents"])))
        return self._api.batch_get_documents(request=request, **options)

    def run_query(self, request: dict[str, Any], **options: Any) -> Iterator[Any]:
        num_found = 0
        for answer in self._api.run_query(request=request, **options):
            num_found += bool(answer.document.name)
            yield answer
        self.bill = self.bill.plus(Bill(reads=max(1, num_found)))


class MeteredJob:
    """One job from POST to mail on Firestore, its training played on a test's clock; use it once.

    Args:
        project: An unused project of the emulator.
        minutes: Budget of the job, all of which it trains; more than :data:`VISIT_AT`.
    """

    def __init__(self, project: str, minutes: float) -> None:
        self._options = JobOptions(budget_minutes=minutes)
        self._office = open_office()
        self._jobs, self._heartbeats = FirestoreJobStore(project), FirestoreHeartbeatStore(project)
        self._meters = [Meter(store._client) for store in (self._jobs, self._heartbeats)]
        self._job_id, self._token = "", ""
        self.look = self.sweep = Bill()

    @property
    def job(self) -> Job:
        return self._jobs.get(self._job_id).job

    def run(self) -> Bill:
        """Take the job through all its states; return what that is billed with, looks and sweeps left aside."""
        self._submit()
        self._train()
        self._report()
        bill = self._spent().less(self.look).less(self.sweep)
        if self.job.state is not JobState.DONE or self.job.mailed_at is None:
            raise RuntimeError(f"the job ended otherwise than meant: {self.job}")
        return bill

    def close(self) -> None:
        self._jobs.close()
        self._heartbeats.close()

    def _spent(self) -> Bill:
        return self._meters[0].bill.plus(self._meters[1].bill)

    def _submit(self) -> None:
        office = self._office
        request = JobRequest(email="ada@example.org", options=self._options)
        terms = UploadTerms(max_bytes=1 << 20, valid_for=timedelta(hours=1))
        made = submit(request, Admitted(), store=self._jobs, objects=office.objects, clock=office.clock, terms=terms)
        self._job_id, self._token = made.job.job_id, made.token
        key = made.job.upload.object_key
        stored = office.objects.put(key, io.BytesIO(small_archive()), content_type="application/zip")
        event = archive_uploaded(self._job_id, NOW, object_key=key, generation=stored.generation)
        handle_archive(event, store=self._jobs, objects=office.objects, bus=office.bus, clock=office.clock)

    def _train(self) -> None:
        clock = self._office.clock
        worker = Worker(
            store=self._jobs,
            heartbeats=self._heartbeats,
            objects=self._office.objects,
            bus=self._office.bus,
            spawn=lambda: TalkativeProcess(self._pass),
            owner="worker",
            disk=DiskRoom(scratch=Path("nowhere"), usage=lambda _: DiskUsage(free_bytes=10**12, best_bytes=10**12)),
            rules=WorkerRules(lease=LEASE, warm_child=False),
            clock=clock,
            monotonic=self._monotonic,
        )
        worker.work_once()

    def _monotonic(self) -> float:
        return (self._office.clock() - NOW).total_seconds()

    def _pass(self, seconds: float) -> None:
        """Let time pass; halfway the person looks at the job, and the sweeper comes by."""
        self._office.clock.advance(seconds)
        if self.look == Bill() and self._office.clock() > NOW + VISIT_AT:
            before = self._spent()
            as_told(look_up(self._job_id, self._token, store=self._jobs).job, self._heartbeats)
            self.look = self._spent().less(before)
            self.sweep = self._swept()

    def _swept(self) -> Bill:
        before, office = self._spent(), self._office
        sweep(self._jobs, office.objects, office.bus, heartbeats=self._heartbeats, now=office.clock())
        return self._spent().less(before)

    def _report(self) -> None:
        office = self._office
        result = json.dumps(to_json(make_result(job_id=self._job_id))).encode()
        office.objects.put(str(ARTEFACTS.result), io.BytesIO(result), content_type="application/json")
        (delivery,) = office.bus.pull(Topic.RESULTS, lease=LEASE)
        handle_end(decode(delivery.data), replace(office.tools, store=self._jobs))


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a job costs, in billed operations.

    Args:
        once: Of every job, whatever it trains.
        minute: More for each minute that it trains, rounded up.
        look: Of a look at its status while it trains.
        sweep: Of a sweep while it trains and nothing is idle.
    """

    once: Bill
    minute: Bill
    look: Bill
    sweep: Bill


def price_of_a_job(project: str) -> Price:
    """Count two jobs, of which one trains for longer.

    Args:
        project: An unused project of the emulator.
    """
    jobs = [MeteredJob(f"{project}-{minutes}", minutes) for minutes in (5, 15)]
    short, long = (job.run() for job in jobs)
    more_min = (jobs[1].job.trained_s - jobs[0].job.trained_s) / 60
    more = long.less(short)
    minute = Bill(
        reads=math.ceil(more.reads / more_min),
        writes=math.ceil(more.writes / more_min),
        deletes=math.ceil(more.deletes / more_min),
    )
    trained_min = jobs[0].job.trained_s / 60
    once = Bill(
        reads=short.reads - round(trained_min * more.reads / more_min),
        writes=short.writes - round(trained_min * more.writes / more_min),
        deletes=short.deletes - round(trained_min * more.deletes / more_min),
    )
    for job in jobs:
        job.close()
    return Price(once=once, minute=minute, look=jobs[1].look, sweep=jobs[1].sweep)
