"""The whole service as it runs on Google Cloud: real processes, Google's emulators, a strict bucket, a mail server.

::

    Pub/Sub emulator ──push──▶ relay (adds the token) ──▶ intake, reporter      ◀── pull ── trainers
    bucket ──finalize──▶ topic uploads        scheduler ──▶ POST /tasks/sweep
"""

import contextlib
import json
import os
import random
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

import httpx

from services.client.api.client import Client
from services.client.api.job_view import JobView, Submitted
from services.client.fault import Unreachable
from services.onebox.service_process import RestartRule, ServiceProcess
from shared.adapters.gcp.firestore.firestore_job_store import FirestoreJobStore
from shared.adapters.gcp.pubsub.pubsub_event_bus import PubsubEventBus
from shared.adapters.gcp.pubsub.pubsub_topology import create_topology
from shared.job.events import Event, Topic
from shared.job.job import Job
from shared.messaging.envelope import parse_envelope
from shared.ports.event_bus import DeliveryRules
from tests.cloud.emulator import free_port
from tests.cloud.push_relay import relayed
from tests.cloud.service_account import ServiceAccount
from tests.cloud.storage_news import to_topic
from tests.cloud.storage_server import StorageServer
from tests.http_fixture import Asked, Reply, served
from tests.oidc_fixture import ACCOUNT, AUDIENCE, Issuer, served_certificates
from tests.onebox_fixture import environment
from tests.paced_training import Gates
from tests.waiting import PATIENCE_S

BUCKET = "convtailor-data"
LEASE_S = 10
_HEARTBEAT_S = 0.2
"""Far more often than anybody would pay for, so that a test sees each phase as it begins."""
_SWEEP_EVERY_S = 2.0
_SETTLED = ("nothing to do", "job ended")
"""Last words of a trainer about a message."""
_SIGNER = "intake@demo.iam.gserviceaccount.com"
_RULES = DeliveryRules(max_attempts=50, min_backoff=timedelta(0), max_backoff=timedelta(seconds=2))
_RESTLESS = RestartRule(max_deaths=20, first_pause_s=0.1)
_NO_METADATA_SERVER = "http://127.0.0.1:9"


@dataclass
class Weather:
    """What goes wrong on the way of messages; changed while the house stands.

    ``copies`` is the most often that a push is delivered, ``loses_notifications`` whether the bucket's own messages
    are lost, ``repeats_notifications`` how often they are sent otherwise.
    """

    copies: int = 1
    repeats_notifications: int = 1
    loses_notifications: bool = False
    chance: random.Random = field(default_factory=lambda: random.Random(0))

    def draw_copies(self) -> int:
        return self.chance.randint(1, self.copies)


class CloudHouse:
    """The services and all that they need; use :meth:`open`.

    Args:
        folder: Logs and what the services keep on the disk.
        project: An unused project of the emulators.
        weather: See there.
    """

    def __init__(self, folder: Path, project: str, weather: Weather) -> None:
        self.folder, self.project, self.weather = folder, project, weather
        self.issuer = Issuer()
        self.ports = {"intake": free_port(), "reporter": free_port()}
        self.services: dict[str, ServiceProcess] = {}
        self.environ: dict[str, str] = {}
        self.taken_mails: list[bytes] = []
        self.settled_pushes: list[bytes] = []
        self.closing = threading.Event()

    @classmethod
    @contextlib.contextmanager
    def open(cls, folder: Path, project: str, *, weather: Weather | None = None) -> Iterator[Self]:
        """Start everything but the trainers and wait until intake and reporter serve."""
        house = cls(folder, project, weather or Weather())
        with contextlib.ExitStack() as stack:
            house.environ = stack.enter_context(house._surroundings())
            stack.callback(house._stop_services)
            for name in ("intake", "reporter"):
                house.start(name, name)
            house._await_readiness()
            scheduler = threading.Thread(target=house._keep_sweeping, daemon=True)
            scheduler.start()
            stack.callback(scheduler.join, 30)
            stack.callback(house.closing.set)
            yield house

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports['intake']}"

    def start(self, package: str, name: str, *, module: str | None = None) -> None:
        """Start a service under a name of its own; it is started again whenever it dies.

        Args:
            package: Which, below ``services``.
            name: Its name here.
            module: What runs in its place.
        """
        own = {"CONVTAILOR_DATA_DIR": str(self.folder / name), "CONVTAILOR_PORT": str(self.ports.get(name, 1))}
        log = self.folder / f"{name}.log"
        service = ServiceProcess(package, environ={**self.environ, **own}, log=log, rule=_RESTLESS, module=module)
        self.services[name] = service
        service.start()

    def start_paced_trainer(self, name: str, gates: Gates | None = None) -> None:
        """Start a trainer that learns nothing, at the pace of gates."""
        self.environ.update(gates.environ if gates is not None else {})
        self.start("trainer", name, module="tests.paced_trainer")

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a service and all that it started; without effect while it is being started again."""
        pid = self.services[name].pid
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, number)

    def submit(self, client: Client, options: dict[str, Any], archive: Path) -> Submitted:
        """Ask for a job and send its archive."""
        created = client.submit("ada@example.org", options)
        client.upload(created.upload, archive)
        return created

    def status(self, client: Client, created: Submitted) -> JobView | None:
        """Return how a job fares; ``None`` while intake does not answer."""
        try:
            return client.status(created.job_id, created.token)
        except Unreachable:
            return None

    def job(self, job_id: str) -> Job:
        """Return a job as Firestore has it."""
        return FirestoreJobStore(self.project).get(job_id).job

    def publish(self, *events: Event) -> None:
        """Publish events, in this order."""
        bus = PubsubEventBus(self.project)
        for event in events:
            bus.publish(event)
        bus.close()

    def settled_events(self) -> set[str]:
        """Return the ids of the events that a service or a trainer has had its way with."""
        pushed = [parse_envelope(body).message.data for body in self.settled_pushes]
        ours = [json.loads(data) for data in pushed if b'"event_id"' in data]
        pulled = [line["event_id"] for line in self.lines("trainer") if line["message"] in _SETTLED]
        return {event["event_id"] for event in ours} | set(pulled)

    def dead_letters(self) -> list[bytes]:
        """Return what was given up on any topic."""
        bus = PubsubEventBus(self.project)
        letters = [letter.data for topic in Topic for letter in bus.dead_letters(topic)]
        bus.close()
        return letters

    def mails(self, job_id: str) -> list[dict[str, Any]]:
        """Return the mails about a job that the carrier took."""
        documents = [json.loads(body) for body in self.taken_mails]
        return [mail for mail in documents if mail["headers"]["X-Job-Id"] == job_id]

    def lines(self, name: str) -> list[dict[str, Any]]:
        """Return the log lines of a service."""
        text = (self.folder / f"{name}.log").read_text(errors="replace")
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    @contextlib.contextmanager
    def _surroundings(self) -> Iterator[dict[str, str]]:
        """Build up what stands around the services; yield the environment that leads them there."""
        account = ServiceAccount.make(_SIGNER)
        key_file = account.write(self.folder / "key.json")
        with contextlib.ExitStack() as stack:
            certificates = stack.enter_context(served_certificates(self.issuer))
            relays = {
                name: stack.enter_context(
                    relayed(
                        f"http://127.0.0.1:{port}",
                        self.issuer,
                        copies=self.weather.draw_copies,
                        settled=self.settled_pushes.append,
                    )
                )
                for name, port in self.ports.items()
            }
            endpoints = {
                Topic.UPLOADS: f"{relays['intake'].url}/push/uploads",
                Topic.RESULTS: f"{relays['reporter'].url}/push/results",
            }
            create_topology(self.project, rules=_RULES, push_endpoints=endpoints, lease_s=LEASE_S * 3)
            notify = to_topic(f"projects/{self.project}/topics/convtailor-{Topic.UPLOADS}")

            def tell(attributes: dict[str, str], data: bytes) -> None:
                if attributes["objectId"].startswith("uploads/") and not self.weather.loses_notifications:
                    for _ in range(self.weather.repeats_notifications):
                        notify(attributes, data)

            bucket = stack.enter_context(
                StorageServer(BUCKET, keys={account.email: account.key.public_key()}, notify=tell)
            )
            carrier = stack.enter_context(served(self._take_mail))
            yield {
                **environment(self.folder),
                "STORAGE_EMULATOR_HOST": bucket.url,
                "GOOGLE_APPLICATION_CREDENTIALS": str(key_file),
                "CONVTAILOR_BACKEND": "gcp",
                "CONVTAILOR_GCP_PROJECT": self.project,
                "CONVTAILOR_GCP_BUCKET": BUCKET,
                "CONVTAILOR_LINK_KEY": "a key of links, for tests alone: " * 2,
                "CONVTAILOR_GCP_HEARTBEAT_S": str(_HEARTBEAT_S),
                "CONVTAILOR_PUBLIC_URL": self.url,
                "CONVTAILOR_PUSH_AUDIENCE": AUDIENCE,
                "CONVTAILOR_PUSH_ACCOUNT": ACCOUNT,
                "CONVTAILOR_PUSH_CERTS_URL": certificates.url,
                "CONVTAILOR_SWEEP_PATIENCE_S": "4",
                "CONVTAILOR_TRAINER_LEASE_S": str(LEASE_S),
                "CONVTAILOR_REPORTER_LEASE_S": str(LEASE_S),
                "CONVTAILOR_MAX_ATTEMPTS": "20",
                "CONVTAILOR_METADATA_URL": _NO_METADATA_SERVER,
                "CONVTAILOR_MAILER": "sendgrid",
                "CONVTAILOR_SENDGRID_KEY": "SG.secret",
                "CONVTAILOR_SENDGRID_HOST": carrier.url,
                "CONVTAILOR_MAIL_FROM": "convtailor@example.org",
            }

    def _take_mail(self, asked: Asked) -> Reply:
        self.taken_mails.append(asked.body)
        return Reply(status=202)

    def _await_readiness(self) -> None:
        for port in self.ports.values():
            for _ in range(300):
                with contextlib.suppress(httpx.TransportError):
                    if httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=PATIENCE_S).status_code == httpx.codes.OK:
                        break
                for service in self.services.values():
                    service.check()
                self.closing.wait(0.1)
            else:
                raise AssertionError(f"nobody serves at port {port}; see the logs in {self.folder}")

    def _keep_sweeping(self) -> None:
        """Call the sweeper as Cloud Scheduler does."""
        while not self.closing.wait(_SWEEP_EVERY_S):
            headers = {"Authorization": f"Bearer {self.issuer.token()}"}
            with contextlib.suppress(httpx.TransportError):
                httpx.post(f"{self.url}/tasks/sweep", headers=headers, timeout=PATIENCE_S)

    def _stop_services(self) -> None:
        for name, service in self.services.items():
            self.signal(name, signal.SIGCONT)
            service.ask_to_stop()
        for service in self.services.values():
            service.await_end(0.0)
