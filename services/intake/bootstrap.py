"""Puts intake together; the only place that decides which concrete things it uses."""

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from flask import Flask

from services.intake.admission import Admission, rules_of
from services.intake.api.description.openapi import openapi_document
from services.intake.api.link_routes import LinkRoutes
from services.intake.api.routes import JobRoutes
from services.intake.app import create_app
from services.intake.events.archive_event import ArchiveTerms, announce_archive, check_awaited, handle_archive
from services.intake.events.background import Background, Task, keep_expiring, keep_sweeping
from services.intake.events.expiry import Keeper
from services.intake.events.push import PushRoutes
from services.intake.overview.capacity import Capacity
from services.intake.overview.look import QueueLook
from services.intake.pages.pages import Pages, Terms
from services.intake.pages.routes import PageRoutes
from services.intake.settings import IntakeSettings
from services.intake.submission import LinkTerms, UploadTerms
from services.intake.uploads import ObjectRoutes
from shared.backends import Backends, open_backends, required_links
from shared.clock import Clock, utc_now
from shared.job.events import Topic
from shared.job.retention import retention_of
from shared.messaging.consumer import consume
from shared.messaging.disposition import Handler
from shared.messaging.sweeper import Patience, SweepReport, sweep
from shared.push_gate import PushGate, expected_caller, open_push_gate
from shared.web.address import PublicAddress

_CLOUD_STORAGE = "https://storage.googleapis.com"
"""Where browsers send photographs and fetch networks, where intake does not serve the objects itself."""
_IDLE_WAIT_S = 0.1
"""A person waits for the check of an archive, and a look at an empty topic costs microseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """The service, not yet running.

    Args:
        app: Answers requests.
        background: What it does besides; nothing where events and the sweeper's calls are pushed.
    """

    app: Flask
    background: Background


def bootstrap(settings: IntakeSettings, *, address: PublicAddress, clock: Clock = utc_now) -> Intake:
    """Open the back-ends and put the service together.

    Args:
        settings: What the operator chose.
        address: Where people reach the service.
        clock: Tells the time.

    Raises:
        InvalidSettings: If the back-ends cannot be opened with these settings.
        Transient: If they cannot be reached now.
    """
    expected_caller(settings)
    backends = open_backends(replace(settings, public_url=address.url), clock=clock)
    gate = open_push_gate(settings, backends.event_bus)
    pushes = None if gate is None else _push_routes(gate, settings, backends, clock)
    pages = _pages(settings, backends, root=address.root)
    jobs = _job_routes(settings, backends, address, clock, pages=pages)
    guide = PageRoutes(pages=pages, describe=lambda: openapi_document(address.url), address=address)
    links = LinkRoutes(jobs=jobs, links=required_links(backends))
    app = create_app(jobs, guide, links, _object_routes(backends, clock), pushes)
    return Intake(app=app, background=Background(_tasks(settings, backends, clock) if gate is None else []))


def _pages(settings: IntakeSettings, backends: Backends, *, root: str) -> Pages:
    return Pages(
        root=root,
        terms=Terms(
            max_bytes=settings.max_upload_bytes,
            artefact_days=settings.artefact_days,
            archive_days=settings.archive_days,
            most_archive_days=min(settings.most_archive_days, settings.artefact_days),
            requires_key=settings.require_key,
            elsewhere=() if backends.url_signer is not None else (_CLOUD_STORAGE,),
        ),
    )


def _job_routes(
    settings: IntakeSettings, backends: Backends, address: PublicAddress, clock: Clock, *, pages: Pages
) -> JobRoutes:
    return JobRoutes(
        store=backends.job_store,
        heartbeats=backends.heartbeat_store,
        objects=backends.object_store,
        bus=backends.event_bus,
        clock=clock,
        terms=UploadTerms(
            max_bytes=settings.max_upload_bytes,
            valid_for=timedelta(seconds=settings.upload_valid_s),
            is_priced=settings.price_per_hour is not None,
        ),
        links=LinkTerms(
            valid_for=timedelta(seconds=settings.link_valid_s), retention=retention_of(settings), clock=clock
        ),
        address=address,
        pages=pages,
        forget=_keeper(settings, backends).forget,
        admission=_admission(settings, backends),
        capacity=Capacity(backends.job_store, settings.max_jobs, clock),
        queue=QueueLook(backends.job_store, backends.heartbeat_store, clock),
        data_dir=settings.data_dir if settings.backend == "embedded" else None,
        forwarded_hops=settings.forwarded_hops,
    )


def _admission(settings: IntakeSettings, backends: Backends) -> Admission:
    return Admission(store=backends.access_store, rules=rules_of(settings))


def _object_routes(backends: Backends, clock: Clock) -> ObjectRoutes | None:
    if backends.url_signer is None:
        return None
    return ObjectRoutes(
        signer=backends.url_signer,
        objects=backends.object_store,
        clock=clock,
        check=partial(check_awaited, store=backends.job_store),
        on_stored=partial(announce_archive, bus=backends.event_bus, clock=clock),
        partials=backends.partial_uploads,
    )


def _push_routes(gate: PushGate, settings: IntakeSettings, backends: Backends, clock: Clock) -> PushRoutes:
    keeper = _keeper(settings, backends)
    return PushRoutes(
        gate=gate,
        handle=_upload_handler(settings, backends, clock),
        sweep=partial(_swept, _patience(settings), backends=backends, clock=clock),
        expire=lambda: keeper.expire(clock()),
        clock=clock,
    )


def _tasks(settings: IntakeSettings, backends: Backends, clock: Clock) -> list[tuple[str, Task]]:
    bus, handler = backends.event_bus, _upload_handler(settings, backends, clock)
    patience = _patience(settings)

    def sweeper(usual: timedelta) -> object:
        shown = patience if usual else Patience(usual=usual, queued=usual)
        return _swept(shown, backends=backends, clock=clock)

    keeper = _keeper(settings, backends)

    def expire(is_thorough: bool) -> object:
        return keeper.expire(clock(), is_thorough=is_thorough)

    return [
        ("uploads", lambda stop: consume(bus, Topic.UPLOADS, handler, stop=stop, idle_wait_s=_IDLE_WAIT_S)),
        ("sweeper", partial(keep_sweeping, sweep=sweeper, patience=patience.usual)),
        ("expiry", partial(keep_expiring, expire=expire)),
    ]


def _swept(patience: Patience, *, backends: Backends, clock: Clock) -> SweepReport:
    """Sweep once."""
    return sweep(
        backends.job_store,
        backends.object_store,
        backends.event_bus,
        heartbeats=backends.heartbeat_store,
        now=clock(),
        patience=patience,
    )


def _keeper(settings: IntakeSettings, backends: Backends) -> Keeper:
    return Keeper(
        store=backends.job_store,
        heartbeats=backends.heartbeat_store,
        objects=backends.object_store,
        retention=retention_of(settings),
    )


def _upload_handler(settings: IntakeSettings, backends: Backends, clock: Clock) -> Handler:
    return partial(
        handle_archive,
        store=backends.job_store,
        objects=backends.object_store,
        bus=backends.event_bus,
        clock=clock,
        terms=ArchiveTerms(charge=_admission(settings, backends).charge, retention=retention_of(settings)),
    )


def _patience(settings: IntakeSettings) -> Patience:
    usual = timedelta(seconds=settings.sweep_patience_s)
    return Patience(usual=usual, queued=max(usual, timedelta(seconds=settings.queued_patience_s)))
