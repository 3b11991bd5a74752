"""The name of a back-end → its adapters, imported only when they are asked for."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.access.signed_link import SignedLinks
from shared.clock import Clock, utc_now
from shared.errors import Transient
from shared.ports.access_store import AccessStore
from shared.ports.event_bus import EventBus
from shared.ports.heartbeat_store import HeartbeatStore
from shared.ports.job_store import JobStore
from shared.ports.object_store import ObjectStore
from shared.process.privacy import private_files
from shared.settings import InvalidSettings, Settings

if TYPE_CHECKING:
    from shared.adapters.embedded.partial_upload import PartialUploads
    from shared.adapters.embedded.signed_url import UrlSigner


@dataclass(frozen=True, slots=True, kw_only=True)
class Backends:
    """The ports, open.

    Args:
        job_store: Jobs and their outbox.
        heartbeat_store: What those who train jobs tell every few seconds.
        object_store: Archives, networks, results and reports.
        event_bus: Events.
        access_store: API keys, and what was used of limits.
        links: Makes and checks links in mails; ``None`` where no key was given, as to the trainer on Google Cloud.
        url_signer: Checks the signed URLs that intake has to serve; ``None`` where the object store's own product
            serves them.
        partial_uploads: Takes uploads in pieces there; ``None`` likewise.
    """

    job_store: JobStore
    heartbeat_store: HeartbeatStore
    object_store: ObjectStore
    event_bus: EventBus
    access_store: AccessStore
    links: SignedLinks | None = None
    url_signer: "UrlSigner | None" = None
    partial_uploads: "PartialUploads | None" = None


def open_backends(settings: Settings, *, clock: Clock = utc_now) -> Backends:
    """Open the back-ends that the settings name.

    Raises:
        InvalidSettings: If there is no such back-end, or what it needs is missing.
        Transient: If it cannot be reached now.
    """
    if settings.backend == "embedded":
        with private_files():  # services have that umask, the login shell of an operator's command has not
            return _open_embedded(settings, clock)
    if settings.backend == "gcp":
        return _open_gcp(settings, clock)
    raise InvalidSettings(f"CONVTAILOR_BACKEND is {settings.backend!r}, expected embedded or gcp")


def open_bucket(name: str, settings: Settings, *, clock: Clock = utc_now) -> ObjectStore:
    """Open a bucket of Google Cloud Storage, whichever back-end the settings name; nothing is asked of it yet.

    Raises:
        InvalidSettings: If Google's libraries are not installed.
    """
    try:
        from shared.adapters.gcp.storage.gcs_object_store import GcsObjectStore  # noqa: PLC0415
    except ImportError as error:
        raise InvalidSettings(
            f"gs://{name} needs Google's libraries ({error}); run: pip install 'convtailor[gcp]'"
        ) from error
    return GcsObjectStore(name, project=settings.gcp_project, clock=clock)


def _open_embedded(settings: Settings, clock: Clock) -> Backends:
    from shared.adapters.embedded.folder_object_store import FolderObjectStore  # noqa: PLC0415
    from shared.adapters.embedded.partial_upload import PartialUploads  # noqa: PLC0415
    from shared.adapters.embedded.private_folder import make_private  # noqa: PLC0415
    from shared.adapters.embedded.signed_url import UrlSigner, load_secret  # noqa: PLC0415
    from shared.adapters.embedded.sqlite_access_store import SqliteAccessStore  # noqa: PLC0415
    from shared.adapters.embedded.sqlite_event_bus import SqliteEventBus  # noqa: PLC0415
    from shared.adapters.embedded.sqlite_heartbeat_store import SqliteHeartbeatStore  # noqa: PLC0415
    from shared.adapters.embedded.sqlite_job_store import SqliteJobStore  # noqa: PLC0415

    folder = settings.data_dir
    try:
        make_private(folder)
    except OSError as error:
        raise InvalidSettings(f"CONVTAILOR_DATA_DIR is {folder}, which cannot be used as a folder: {error}") from error
    try:
        signer = UrlSigner(load_secret(folder / "url.secret"), public_url=settings.public_url, clock=clock)
        objects = FolderObjectStore(folder, signer=signer, clock=clock)
        return Backends(
            job_store=SqliteJobStore(folder / "jobs.sqlite3"),
            heartbeat_store=SqliteHeartbeatStore(folder / "heartbeats.sqlite3"),
            object_store=objects,
            event_bus=SqliteEventBus(folder / "events.sqlite3", clock=clock),
            access_store=SqliteAccessStore(folder / "access.sqlite3", clock=clock),
            links=_links(settings, load_secret(folder / "link.secret").decode().split()),
            url_signer=signer,
            partial_uploads=PartialUploads(folder / "sessions", objects),
        )
    except Transient as error:
        if isinstance(error.__cause__, PermissionError):
            raise InvalidSettings(f"CONVTAILOR_DATA_DIR is {folder}, where this user may not write: {error}") from error
        raise


def _open_gcp(settings: Settings, clock: Clock) -> Backends:
    """Open the adapters of Google Cloud, which connect at their first use."""
    needed = {"CONVTAILOR_GCP_PROJECT": settings.gcp_project, "CONVTAILOR_GCP_BUCKET": settings.gcp_bucket}
    if missing := [variable for variable, value in needed.items() if not value]:
        raise InvalidSettings(f"CONVTAILOR_BACKEND is gcp, which needs {' and '.join(missing)} too")
    project, bucket = str(settings.gcp_project), str(settings.gcp_bucket)
    try:
        from shared.adapters.gcp.firestore.firestore_access_store import FirestoreAccessStore  # noqa: PLC0415
        from shared.adapters.gcp.firestore.firestore_heartbeat_store import FirestoreHeartbeatStore  # noqa: PLC0415
        from shared.adapters.gcp.firestore.firestore_job_store import FirestoreJobStore  # noqa: PLC0415
        from shared.adapters.gcp.pubsub.pubsub_event_bus import PubsubEventBus  # noqa: PLC0415
        from shared.adapters.gcp.storage.gcs_object_store import GcsObjectStore  # noqa: PLC0415
    except ImportError as error:
        raise InvalidSettings(
            f"CONVTAILOR_BACKEND is gcp, which needs Google's libraries ({error}); run: pip install 'convtailor[gcp]'"
        ) from error
    return Backends(
        job_store=FirestoreJobStore(project, database=settings.gcp_database),
        heartbeat_store=FirestoreHeartbeatStore(
            project, database=settings.gcp_database, interval_s=settings.gcp_heartbeat_s
        ),
        object_store=GcsObjectStore(bucket, project=project, signer=settings.gcp_signer, clock=clock),
        event_bus=PubsubEventBus(project, prefix=settings.gcp_prefix),
        access_store=FirestoreAccessStore(project, database=settings.gcp_database),
        links=_links(settings, []),
    )


def required_links(backends: Backends) -> SignedLinks:
    """Return what makes and checks links, for a service that cannot do without.

    Raises:
        InvalidSettings: If there is no key for them.
    """
    if backends.links is None:
        raise InvalidSettings("CONVTAILOR_LINK_KEY: required with CONVTAILOR_BACKEND=gcp")
    return backends.links


def _links(settings: Settings, kept: list[str]) -> SignedLinks | None:
    """Return what makes links; the keys of the settings come before those that are kept in a file."""
    told = [key.strip() for key in (settings.link_key_before, settings.link_key) if key.strip()]
    keys = [*kept, *told]
    if not keys:
        return None
    try:
        return SignedLinks(keys, public_url=settings.public_url)
    except ValueError as error:
        raise InvalidSettings(f"CONVTAILOR_LINK_KEY: {error}") from error
