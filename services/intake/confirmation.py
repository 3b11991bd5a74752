"""The click by which a person says that they asked for a job; before it nothing is done with it, and nothing mailed."""

from dataclasses import replace

from shared.access.signed_link import LinkKind, SignedLinks
from shared.clock import Clock
from shared.errors import Conflict, NotFound, UserFault
from shared.job.events import archive_uploaded
from shared.job.job import Job
from shared.ports.event_bus import EventBus
from shared.ports.job_store import JobStore
from shared.ports.object_store import ObjectStore

_TRIES = 5


def job_of_link(token: str, *, links: SignedLinks, store: JobStore, clock: Clock) -> Job:
    """Return the job that a link in a mail asks to confirm; nothing is changed.

    Raises:
        UserFault: ``url_invalid``, ``url_expired``, ``job_not_found`` or ``job_already_ended``.
    """
    grant = links.verify(token, LinkKind.CONFIRM, clock())
    try:
        job = store.get(grant.job_id).job
    except NotFound as error:
        raise UserFault("job_not_found", "There is no such job any more.", fix="Submit the archive again.") from error
    if job.is_ended and job.confirmed_at is None:
        raise UserFault(
            "job_already_ended",
            f"The job is {job.state}; there is nothing left to confirm.",
            fix="Submit the archive again.",
            details={"state": job.state},
        )
    return job


def confirm(
    token: str, *, links: SignedLinks, store: JobStore, objects: ObjectStore, bus: EventBus, clock: Clock
) -> Job:
    """Take the click; doing so again changes nothing.

    Raises:
        UserFault: As :func:`job_of_link`.
        Conflict: If the job changed again and again meanwhile.
        Transient: If a back-end does not answer; an archive that lies there is then found by the sweeper.
    """
    job_id = job_of_link(token, links=links, store=store, clock=clock).job_id
    for _ in range(_TRIES):
        stored = store.get(job_id)
        job = stored.job
        if job.confirmed_at is None:
            try:
                job = store.replace(stored, replace(job, confirmed_at=clock())).job
            except Conflict:
                continue
        _announce(job, objects, bus, clock)
        return job
    raise Conflict(f"job {job_id} changed {_TRIES} times while it was being confirmed")


def _announce(job: Job, objects: ObjectStore, bus: EventBus, clock: Clock) -> None:
    """Have an archive looked at that came before the click."""
    if job.archive is not None or job.is_ended:
        return
    try:
        archive = objects.stat(job.upload.object_key)
    except NotFound:
        return
    bus.publish(archive_uploaded(job.job_id, clock(), object_key=archive.key, generation=archive.generation))
