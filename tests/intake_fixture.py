"""Intake over memory, with a clock to turn and a person's browser in front of it."""

import io
import zipfile
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial

from services.intake.admission import Admission, AdmissionRules
from services.intake.api.description.openapi import openapi_document
from services.intake.api.link_routes import LinkRoutes
from services.intake.api.routes import JobRoutes
from services.intake.app import create_app
from services.intake.events.archive_event import ArchiveTerms, announce_archive, check_awaited, handle_archive
from services.intake.events.expiry import Keeper
from services.intake.overview.capacity import Capacity
from services.intake.overview.look import QueueLook
from services.intake.pages.pages import Pages, Terms
from services.intake.pages.routes import PageRoutes
from services.intake.submission import LinkTerms, UploadTerms
from services.intake.uploads import ObjectRoutes
from shared.access.signed_link import SignedLinks
from shared.adapters.embedded.signed_url import UrlSigner
from shared.job.events import Topic, decode
from shared.job.job import Job, JobState, advance
from shared.job.retention import Retention
from shared.messaging.consumer import consume_once
from shared.web.address import PublicAddress
from tests.doubles.memory_access_store import MemoryAccessStore
from tests.doubles.memory_event_bus import MemoryEventBus
from tests.doubles.memory_heartbeat_store import MemoryHeartbeatStore
from tests.doubles.memory_job_store import MemoryJobStore
from tests.doubles.memory_object_store import MemoryObjectStore
from tests.job_fixture import HandClock

PUBLIC_URL = "http://intake.test"
MAX_BYTES = 1 << 20
LINK_KEY = "a key of links, for tests alone: " * 2
VALID_FOR = timedelta(hours=1)


@dataclass
class IntakeFixture:
    """Everything on one service; ``http`` speaks to it as a person would."""

    clock: HandClock = field(default_factory=HandClock)
    rules: AdmissionRules = field(default_factory=AdmissionRules)
    retention: Retention = field(default_factory=Retention)
    max_jobs: int = 0

    def __post_init__(self) -> None:
        signer = UrlSigner(b"a secret for tests", public_url=PUBLIC_URL, clock=self.clock)
        self.access = MemoryAccessStore()
        self.store = MemoryJobStore()
        self.heartbeats = MemoryHeartbeatStore()
        self.objects = MemoryObjectStore(signer=signer, clock=self.clock)
        self.bus = MemoryEventBus(clock=self.clock)
        pages = Pages(terms=Terms(max_bytes=MAX_BYTES, artefact_days=30, archive_days=0, most_archive_days=30))
        self.keeper = Keeper(
            store=self.store, heartbeats=self.heartbeats, objects=self.objects, retention=self.retention
        )
        self.job_routes = JobRoutes(
            store=self.store,
            heartbeats=self.heartbeats,
            objects=self.objects,
            bus=self.bus,
            clock=self.clock,
            terms=UploadTerms(max_bytes=MAX_BYTES, valid_for=VALID_FOR),
            links=LinkTerms(valid_for=VALID_FOR, retention=self.retention, clock=self.clock),
            address=PublicAddress(url=PUBLIC_URL),
            pages=pages,
            forget=self.keeper.forget,
            admission=Admission(store=self.access, rules=self.rules),
            capacity=Capacity(self.store, self.max_jobs, self.clock),
            queue=QueueLook(self.store, self.heartbeats, self.clock),
        )
        self.page_routes = PageRoutes(
            pages=pages, describe=lambda: openapi_document(PUBLIC_URL), address=PublicAddress(url=PUBLIC_URL)
        )
        self.links = SignedLinks([LINK_KEY], public_url=PUBLIC_URL)
        self.link_routes = LinkRoutes(jobs=self.job_routes, links=self.links)
        self.app = create_app(
            self.job_routes,
            self.page_routes,
            self.link_routes,
            ObjectRoutes(
                signer=signer,
                objects=self.objects,
                clock=self.clock,
                check=partial(check_awaited, store=self.store),
                on_stored=partial(announce_archive, bus=self.bus, clock=self.clock),
            ),
        )
        self.http = self.app.test_client()

    def submit(self, **fields: object) -> dict:
        answer = self.http.post("/v1/jobs", json={"email": "ada@example.org", **fields})
        assert answer.status_code == 201, answer.text
        return answer.json

    def upload(self, made: dict, body: bytes, **kwargs: object):
        upload = made["upload"]
        return self.http.open(
            upload["url"].removeprefix(PUBLIC_URL),
            method=upload["method"],
            headers=upload["headers"],
            data=body,
            **kwargs,
        )

    def status(self, made: dict) -> dict:
        answer = self.http.get(f"/v1/jobs/{made['job_id']}", headers=bearer(made))
        assert answer.status_code == 200, answer.text
        return answer.json

    def handle_uploads(self, handler=None) -> int:
        """Handle every event of an upload that is due; returns how many there were."""
        handler = handler or partial(
            handle_archive,
            store=self.store,
            objects=self.objects,
            bus=self.bus,
            clock=self.clock,
            terms=ArchiveTerms(charge=self.job_routes.admission.charge),
        )
        count = 0
        while consume_once(self.bus, Topic.UPLOADS, handler):
            count += 1
        return count

    def events(self, topic: Topic) -> list[str]:
        """Take the events of a topic; returns their types."""
        deliveries = self.bus.pull(topic, lease=timedelta(minutes=1), max_messages=100)
        for delivery in deliveries:
            self.bus.ack(delivery)
        return [decode(delivery.data).type.value for delivery in deliveries]

    def move(self, made: dict, *path: JobState, **changes: object) -> Job:
        """Let other services move a job along a path of states and write further changes."""
        stored = self.store.get(made["job_id"])
        job = stored.job
        for state in path:
            job = advance(job, state, self.clock())
        return self.store.replace(stored, replace(job, **changes)).job

    def keep(self, key: str, body: bytes, content_type: str = "application/octet-stream") -> str:
        self.objects.put(key, io.BytesIO(body), content_type=content_type)
        return key


def bearer(made: dict) -> dict[str, str]:
    return {"Authorization": f"Bearer {made['token']}"}


def small_archive(*, num_classes: int = 2, num_images: int = 5, image_bytes: int = 10) -> bytes:
    """Zip files that intake takes for images, since it reads only their names."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for label in range(num_classes):
            for number in range(num_images):
                archive.writestr(f"class{label}/{number}.png", bytes([label, number]).ljust(image_bytes))
    return buffer.getvalue()
