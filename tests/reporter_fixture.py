"""A reporter's tools over memory adapters, and ends of jobs to report."""

import io
import json
from dataclasses import dataclass, replace
from datetime import timedelta
from email.message import EmailMessage

from services.reporter.mailers.mailer import Mailer
from services.reporter.mailers.message import parse_sender
from services.reporter.report.figures import Figures, Picture
from services.reporter.report.plots.drawing import drawn
from services.reporter.report.plots.plan import planned_plots, thumbnails
from services.reporter.tools import Terms, Tools
from shared.access.signed_link import SignedLinks
from shared.adapters.embedded.signed_url import UrlSigner
from shared.job.events import announcement
from shared.job.job import Artefacts, Job, JobState
from shared.job.result import Result
from shared.job.retention import Retention
from shared.json_codec import to_json
from shared.messaging.outbox import publish_pending
from tests.doubles.memory_event_bus import MemoryEventBus
from tests.doubles.memory_job_store import MemoryJobStore
from tests.doubles.memory_object_store import MemoryObjectStore
from tests.job_fixture import HandClock, archive_of, make_job

JOB_ID = "3q7mB0zJvYkWc2dLr8uT1A"
PUBLIC_URL = "https://convtailor.example"
LINKS = SignedLinks(["a key of links, for tests alone: " * 2], public_url=PUBLIC_URL)
KEYS = Artefacts(
    result=f"jobs/{JOB_ID}/1/result.json",
    model_h5=f"jobs/{JOB_ID}/1/model.h5",
    model_keras=f"jobs/{JOB_ID}/1/model.keras",
    labels=f"jobs/{JOB_ID}/1/labels.txt",
    predict=f"jobs/{JOB_ID}/1/predict.py",
)


class Tray:
    """A mailer that keeps what it is given, or raises what it is told to, one error per call."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.errors: list[Exception] = []

    def send(self, message: EmailMessage) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.messages.append(message)


@dataclass(kw_only=True)
class Office:
    """Everything around one tools."""

    clock: HandClock
    store: MemoryJobStore
    objects: MemoryObjectStore
    bus: MemoryEventBus
    tray: Tray
    signer: UrlSigner
    tools: Tools

    def job(self) -> Job:
        return self.store.get(JOB_ID).job

    def add(self, job: Job, result: Result | None = None) -> Job:
        """Keep a job and its result, and announce its state."""
        if result is not None and job.artefacts.result:
            data = json.dumps(to_json(result)).encode()
            self.objects.put(job.artefacts.result, io.BytesIO(data), content_type="application/json")
        self.store.create(job, announcement(job, self.clock()))
        publish_pending(self.store, self.bus)
        return job

    def read_page(self) -> str:
        key = self.job().artefacts.report
        assert key is not None
        return self.objects.read(key).decode()

    def colleague(self, mailer: Mailer | None = None) -> Tools:
        """Return the tools of another process."""
        return replace(self.tools, terms=replace(self.tools.terms, owner="colleague"), mailer=mailer or self.tray)


def open_office() -> Office:
    clock = HandClock()
    store, bus, tray = MemoryJobStore(), MemoryEventBus(clock=clock), Tray()
    signer = UrlSigner(b"k" * 32, public_url=PUBLIC_URL, clock=clock)
    objects = MemoryObjectStore(signer=signer, clock=clock)
    terms = Terms(
        sender=parse_sender("convtailor", "hello@convtailor.example"),
        owner="me",
        lease=timedelta(seconds=60),
        link_validity=timedelta(days=7),
        patience=timedelta(hours=24),
        public_url=PUBLIC_URL,
        retention=Retention(),
    )
    tools = Tools(store=store, objects=objects, mailer=tray, links=LINKS, draw=draw_nothing, clock=clock, terms=terms)
    return Office(clock=clock, store=store, objects=objects, bus=bus, tray=tray, signer=signer, tools=tools)


def draw(result: Result) -> Figures:
    """Draw every picture in this process."""
    plots = planned_plots(result).items()
    pictures = []
    for name, alt in plots:
        light, dark = drawn(result, name)
        pictures.append(Picture(name=name, alt=alt, subtype="png", data=light, dark=dark))
    return {picture.name: picture for picture in [*pictures, *thumbnails(result)]}


def draw_nothing(result: Result) -> Figures:
    """Stand in for the plots where a test is not about them."""
    del result
    return {}


def finished_job(**changes: object) -> Job:
    fields = {"artefacts": KEYS, "archive": archive_of(JOB_ID), **changes}
    return make_job(JOB_ID, JobState.REPORTING, **fields)


__all__ = ["JOB_ID", "Office", "Tray", "draw", "draw_nothing", "finished_job", "open_office"]
