"""What happens when an archive comes: one that nobody waits for is refused, another queues its job or rejects it."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from services.intake.events.archive_index import read_plan
from shared.archive.safety import ArchiveLimits
from shared.clock import Clock
from shared.errors import NotFound, UserFault
from shared.job.events import Event, announcement, archive_uploaded
from shared.job.job import Archive, Job, JobState, advance
from shared.job.retention import Retention
from shared.layout import job_of_archive
from shared.messaging.outbox import publish_pending
from shared.ports.event_bus import EventBus
from shared.ports.job_store import JobStore
from shared.ports.object_store import ObjectStore, StoredObject

_log = logging.getLogger(__name__)
Charge = Callable[[Job, int, datetime], None]
_NEVER_TRAINED = frozenset({JobState.CANCELLED, JobState.EXPIRED, JobState.REJECTED})


_AT_ONCE = Retention()


def _nothing(job: Job, size_bytes: int, now: datetime) -> None:
    """Count no bytes."""
    del job, size_bytes, now


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveTerms:
    """What decides about an archive, beside the archive itself.

    Args:
        charge: Counts its bytes, and raises :class:`shared.errors.UserFault` where they are too many.
        retention: Whether one that is rejected is kept.
    """

    charge: Charge = _nothing
    retention: Retention = _AT_ONCE


def check_awaited(key: str, *, store: JobStore) -> None:
    """Refuse an archive that nobody will read, before a byte of it is taken.

    Args:
        key: Where it would lie.
        store: Has its job.

    Raises:
        UserFault: ``job_already_ended``.
        Transient: If the store does not answer.
    """
    try:
        is_ended = store.get(job_of_archive(key) or "").job.is_ended
    except NotFound:
        is_ended = True
    if is_ended:
        raise UserFault(
            "job_already_ended",
            "The job has ended, and takes no photographs any more.",
            fix="Look at its status, which says why; submit the archive again where it is still wanted.",
        )


def announce_archive(stored: StoredObject, *, bus: EventBus, clock: Clock) -> None:
    """Tell that an archive lies in the store.

    Raises:
        Transient: If the bus does not answer; the sweeper then finds the archive.
    """
    job_id = stored.key.split("/")[1]
    bus.publish(archive_uploaded(job_id, clock(), object_key=stored.key, generation=stored.generation))


def handle_archive(
    event: Event,
    *,
    store: JobStore,
    objects: ObjectStore,
    bus: EventBus,
    clock: Clock,
    terms: ArchiveTerms | None = None,
) -> None:
    """Queue the job of an uploaded archive, or reject it with what is wrong, and delete it then.

    A job that has moved on is left alone, so an event told twice and a second upload change nothing. One whose person
    has still to confirm the address is too: the click has it looked at.

    Raises:
        Conflict: If the job changed meanwhile; the event is to come again.
        NotFound: If there is no such job.
        Transient: If a back-end does not answer.
    """
    terms = terms or ArchiveTerms()
    stored = store.get(event.job_id)
    key = stored.job.upload.object_key
    if stored.job.state is not JobState.AWAITING_UPLOAD:
        _forget_unused(stored.job, objects)
        return
    if stored.job.awaits_confirmation:
        return
    try:
        uploaded = objects.stat(key)
        judged = _judge(stored.job, uploaded, objects, clock=clock, charge=terms.charge)
    except NotFound:
        _log.warning("there is no archive of the generation that the event tells of; it is left to the sweeper")
        return
    store.replace(stored, judged, announcement(judged, clock()))
    publish_pending(store, bus)
    until = terms.retention.archive_until(judged)
    if judged.state is JobState.REJECTED and until is not None and until <= clock():
        objects.delete(key)


def _judge(job: Job, uploaded: StoredObject, objects: ObjectStore, *, clock: Clock, charge: Charge) -> Job:
    """Return the job queued with its archive or rejected with the fault."""
    limits = ArchiveLimits(max_archive_bytes=job.upload.max_bytes)
    try:
        charge(job, uploaded.size_bytes, clock())
        plan = read_plan(
            objects,
            uploaded.key,
            generation=uploaded.generation,
            limits=limits,
            is_mixed=job.options.is_mixed,
        )
    except UserFault as error:
        _log.info("archive rejected: %s", error.fault.code)
        return advance(job, JobState.REJECTED, clock(), fault=error.fault)
    archive = Archive(
        object_key=uploaded.key,
        generation=uploaded.generation,
        size_bytes=uploaded.size_bytes,
        num_images=plan.num_images,
        num_classes=plan.num_classes,
    )
    return advance(job, JobState.QUEUED, clock(), archive=archive)


def _forget_unused(job: Job, objects: ObjectStore) -> None:
    """Delete photographs that arrived after the job was given up or done with: nobody will ever read them.

    Once an archive is deleted, its signed URL takes another one for as long as it is valid.
    """
    if job.archive is None:
        is_unused = job.state in _NEVER_TRAINED
    else:
        is_unused = job.is_ended and _generation(job.upload.object_key, objects) != job.archive.generation
    if is_unused:
        objects.delete(job.upload.object_key)


def _generation(key: str, objects: ObjectStore) -> str | None:
    try:
        return objects.stat(key).generation
    except NotFound:
        return None
