"""What reporting may touch, and the terms on which mail is sent."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from email.headerregistry import Address
from pathlib import Path

from services.reporter.mailers.mailer import Mailer
from services.reporter.report.figures import Figures
from shared.access.signed_link import SignedLinks
from shared.clock import Clock
from shared.job.result import Result
from shared.job.retention import Retention
from shared.ports.job_store import JobStore
from shared.ports.object_store import ObjectStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How mail is sent.

    Args:
        sender: Where it comes from.
        owner: Unique name of this process, for claims.
        lease: How long a claim holds; longer than a mail takes to send.
        link_validity: How long links in the mail work.
        patience: How long after the end of a job a mail that is not taken is tried again.
        public_url: Where people send new jobs.
        retention: How long what a job leaves is kept.
        delivery_dir: Folder on this machine to which links lead instead of signed addresses.
    """

    sender: Address
    owner: str
    lease: timedelta
    link_validity: timedelta
    patience: timedelta
    public_url: str
    retention: Retention
    delivery_dir: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """Everything that reporting may touch.

    Args:
        store: The jobs.
        objects: Results, and the pages written here.
        mailer: Carries mail.
        links: Makes the links in mails.
        draw: Draws the pictures of a result; never raises, since a picture that is missing is told of.
        clock: Tells the time.
        terms: How mail is sent.
    """

    store: JobStore
    objects: ObjectStore
    mailer: Mailer
    links: SignedLinks
    draw: Callable[[Result], Figures]
    clock: Clock
    terms: Terms
