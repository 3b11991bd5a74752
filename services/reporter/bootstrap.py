"""Puts the reporter together; the only place that decides which concrete things it uses."""

import os
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from services.reporter.confirmation import ask_to_confirm
from services.reporter.handler import handle_end
from services.reporter.mailers.mailer import Mailer
from services.reporter.mailers.message import parse_sender
from services.reporter.mailers.outbox_mailer import OutboxMailer
from services.reporter.mailers.smtp_mailer import SmtpMailer, SmtpServer
from services.reporter.report.plots.drawer import Drawer
from services.reporter.settings import MailCarrier, ReporterSettings
from services.reporter.tools import Terms, Tools
from shared.backends import open_backends, required_links
from shared.clock import Clock, utc_now
from shared.errors import Conflict
from shared.job.events import Event, EventType, Topic
from shared.job.retention import retention_of
from shared.messaging.consumer import consume
from shared.ports.event_bus import EventBus
from shared.push_gate import PushGate, expected_caller, open_push_gate
from shared.settings import InvalidSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporter:
    """The service, not yet running.

    Args:
        tools: What its use case works with.
        bus: Where its events come from.
        drawer: Draws.
        gate: Knows who may push them; ``None`` where they are pulled.
    """

    tools: Tools
    bus: EventBus
    drawer: Drawer
    gate: PushGate | None = None
    _jobs_at_work: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, stop: threading.Event) -> None:
        """Report ends of jobs until told to stop; a report at hand is finished first."""
        self.warm_up()
        try:
            consume(self.bus, Topic.RESULTS, self.handle, stop=stop, lease=self.tools.terms.lease)
        finally:
            self.drawer.end()

    def handle(self, event: Event) -> None:
        """Report the end of an event's job; see :func:`services.reporter.handler.handle_end`. Safe for threads."""
        with self._alone_with(event.job_id):
            handle = ask_to_confirm if event.type is EventType.CONFIRMATION_AWAITED else handle_end
            handle(event, self.tools)

    def warm_up(self) -> None:
        """Have imported what drawing needs while there is nothing to do, and return at once."""
        self.drawer.warm_up()

    @contextmanager
    def _alone_with(self, job_id: str) -> Iterator[None]:
        """Keep other threads away from a job: its claim belongs to the process, and all of them would hold it.

        Raises:
            Conflict: If one of them is at work on it.
        """
        with self._lock:
            if job_id in self._jobs_at_work:
                raise Conflict("another thread reports this job")
            self._jobs_at_work.add(job_id)
        try:
            yield
        finally:
            with self._lock:
                self._jobs_at_work.discard(job_id)


def build_reporter(settings: ReporterSettings, *, clock: Clock = utc_now) -> Reporter:
    """Open the back-ends and put the service together.

    Raises:
        InvalidSettings: If the settings do not fit together, or the back-ends cannot be opened with them.
        Transient: If they cannot be reached now.
    """
    terms = _terms(settings)
    mailer = _mailer(settings)
    expected_caller(settings)
    backends = open_backends(settings, clock=clock)
    drawer = Drawer()
    tools = Tools(
        store=backends.job_store,
        objects=backends.object_store,
        mailer=mailer,
        links=required_links(backends),
        draw=drawer.draw,
        clock=clock,
        terms=terms,
    )
    gate = open_push_gate(settings, backends.event_bus)
    return Reporter(tools=tools, bus=backends.event_bus, drawer=drawer, gate=gate)


def _terms(settings: ReporterSettings) -> Terms:
    try:
        sender = parse_sender(settings.mail_from_name, settings.mail_from)
    except ValueError as error:
        raise InvalidSettings(f"CONVTAILOR_MAIL_FROM: {error}") from error
    return Terms(
        sender=sender,
        owner=f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}",
        lease=timedelta(seconds=settings.reporter_lease_s),
        link_validity=timedelta(days=settings.mail_link_days),
        patience=timedelta(hours=settings.mail_patience_h),
        public_url=settings.public_url.rstrip("/"),
        delivery_dir=settings.delivery_dir,
        retention=retention_of(settings),
    )


def _mailer(settings: ReporterSettings) -> Mailer:
    if settings.mailer is MailCarrier.OUTBOX:
        return OutboxMailer(settings.outbox, keep=retention_of(settings).artefacts)
    if settings.mailer is MailCarrier.SENDGRID:
        return _sendgrid_mailer(settings)
    if settings.smtp_host is None:
        raise InvalidSettings("CONVTAILOR_SMTP_HOST: required with CONVTAILOR_MAILER=smtp")
    return SmtpMailer(
        SmtpServer(
            host=settings.smtp_host,
            port=settings.smtp_port,
            security=settings.smtp_security,
            user=settings.smtp_user,
            password=settings.smtp_password,
            timeout_s=settings.smtp_timeout_s,
            ca_file=None if settings.smtp_ca_file is None else str(settings.smtp_ca_file),
        )
    )


def _sendgrid_mailer(settings: ReporterSettings) -> Mailer:
    from services.reporter.mailers.sendgrid_mailer import SendGridAccount, SendGridMailer  # noqa: PLC0415 - half a second

    key = settings.sendgrid_key.strip()  # files of secrets often end with a line break
    if not key:
        raise InvalidSettings("CONVTAILOR_SENDGRID_KEY: required with CONVTAILOR_MAILER=sendgrid")
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise InvalidSettings("CONVTAILOR_SENDGRID_KEY: has characters that no key has")
    return SendGridMailer(SendGridAccount(key=key, host=settings.sendgrid_host, timeout_s=settings.sendgrid_timeout_s))
