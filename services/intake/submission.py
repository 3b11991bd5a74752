"""What a person can do with a job: submit it, look at it, cancel it, fetch what it left."""

import hmac
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from ssl import RAND_bytes

from services.intake.admission import Admitted
from services.intake.job_request import JobRequest
from shared.access.api_key import hash_of
from shared.access.signed_link import LinkKind, SignedLinks
from shared.clock import Clock
from shared.errors import Conflict, NotFound, Transient, UserFault
from shared.job.events import announcement, confirmation_awaited
from shared.job.job import Artefacts, Job, JobState, Upload, advance
from shared.job.retention import Retention
from shared.layout import FILE_NAMES, Artefact, archive_key
from shared.messaging.outbox import publish_pending
from shared.ports.event_bus import EventBus
from shared.ports.job_store import JobStore, StoredJob
from shared.ports.object_store import ObjectStore, SignedRequest

ARCHIVE_TYPE = "application/zip"
_CANCEL_TRIES = 5
"""A job is written when its state changes, seldom, so a lost race is won at the next try."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadTerms:
    """What may be uploaded.

    Args:
        max_bytes: Largest archive.
        valid_for: Life of the signed URL.
        is_priced: Whether it is known what an hour of training costs, so that a cap on the cost can be kept.
    """

    max_bytes: int
    valid_for: timedelta
    is_priced: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A job just made, with the two things that only its person learns.

    Args:
        job: As stored.
        token: Opens the job; only its hash is stored.
        upload: The request that sends the archive.
    """

    job: Job
    token: str
    upload: SignedRequest


def check_size(request: JobRequest, terms: UploadTerms) -> None:
    """Refuse an archive that is told to be too large, before anything is counted or made.

    Raises:
        UserFault: ``upload_too_large``.
    """
    if request.size_bytes is not None and request.size_bytes > terms.max_bytes:
        raise UserFault(
            "upload_too_large",
            f"The archive has {request.size_bytes:,} bytes, this service takes at most {terms.max_bytes:,}.",
            fix="Send fewer or smaller images.",
            details={"max_bytes": terms.max_bytes},
        )


def submit(
    request: JobRequest, admitted: Admitted, *, store: JobStore, objects: ObjectStore, clock: Clock, terms: UploadTerms
) -> Submission:
    """Make a job that waits for its archive, and for the click of its person where one is asked for.

    Raises:
        Transient: If a back-end does not answer.
    """
    job_id, token = _drawn_id_and_token()
    now = clock()
    key = archive_key(job_id)
    upload = objects.sign_upload(
        key,
        content_type=ARCHIVE_TYPE,
        max_bytes=terms.max_bytes,
        valid_for=terms.valid_for,
        size_bytes=request.size_bytes,
    )
    job = Job(
        job_id=job_id,
        email=request.email,
        token_hash=hash_of(token),
        options=request.options,
        state=JobState.AWAITING_UPLOAD,
        created_at=now,
        updated_at=now,
        upload=Upload(
            object_key=key, max_bytes=terms.max_bytes, expires_at=upload.expires_at, size_bytes=request.size_bytes
        ),
        charged_to=admitted.charged_to,
        key_id=admitted.key_id,
        confirm_by=admitted.confirm_by,
    )
    events = (confirmation_awaited(job_id, now),) if job.awaits_confirmation else ()
    return Submission(job=store.create(job, events).job, token=token, upload=upload)


def _drawn_id_and_token() -> tuple[str, str]:
    """Return 128 and 256 random bits, hexadecimal.

    Of OpenSSL's generator, made for keys, which the kernel seeds: asked itself, as :mod:`secrets` does, the kernel lets
    others have the interpreter meanwhile, and a loaded service waits to have it again.
    """
    drawn = RAND_bytes(48).hex()
    return drawn[:32], drawn[32:]


def look_up(job_id: str, token: str, *, store: JobStore) -> StoredJob:
    """Return the job that the token opens; a wrong token and an unknown job cannot be told apart.

    Raises:
        UserFault: ``job_not_found``.
    """
    try:
        stored = store.get(job_id)
    except NotFound:
        stored = None
    # Hashes of equal length are compared even where there is no job, so that the answer takes the same time.
    expected = stored.job.token_hash if stored else hash_of("")
    is_right = hmac.compare_digest(expected, hash_of(token))
    if stored is None or not is_right:
        raise UserFault(
            "job_not_found",
            "There is no job of this id that this token opens.",
            fix="Check both against the answer to POST /v1/jobs; a lost token cannot be had again, so submit anew.",
        )
    return stored


def look_up_unopened(job_id: str, *, store: JobStore) -> StoredJob:
    """Return a job to somebody who has been let in by other means than its token.

    Raises:
        UserFault: ``job_not_found``.
    """
    try:
        return store.get(job_id)
    except NotFound as error:
        message, fix = f"There is no job {job_id!r}.", "`convtailor jobs --all` lists them."
        raise UserFault("job_not_found", message, fix=fix) from error


def cancel(
    opened: Callable[[], StoredJob], *, store: JobStore, objects: ObjectStore, bus: EventBus, clock: Clock
) -> Job:
    """Stop a job: at once before it trains; while it trains the worker stops it and delivers the best so far.

    What was uploaded and not looked at so far is deleted; the rest is, before the mail about the end says so.

    Asking again changes nothing.

    Args:
        opened: Reads the job for whoever asks.
        store: Has it.
        objects: Has its photographs.
        bus: Takes the news.
        clock: Tells the time.

    Raises:
        UserFault: ``job_not_found``, or ``job_already_ended`` where there is nothing left to stop.
        Conflict: If the job changed again and again meanwhile.
    """
    for _ in range(_CANCEL_TRIES):
        stored = opened()
        cancelled = _cancelled(stored.job, clock)
        if cancelled is stored.job:
            return cancelled
        try:
            written = _write_cancelled(stored, cancelled, store=store, bus=bus, clock=clock)
        except Conflict:
            continue
        if written.state is JobState.CANCELLED and written.archive is None:
            with suppress(Transient):  # what is left then goes within the hour
                objects.delete(written.upload.object_key)
        return written
    raise Conflict(f"job {stored.job.job_id} changed {_CANCEL_TRIES} times while it was being cancelled")


def _write_cancelled(stored: StoredJob, cancelled: Job, *, store: JobStore, bus: EventBus, clock: Clock) -> Job:
    events = announcement(cancelled, clock()) if cancelled.state is JobState.CANCELLED else ()
    written = store.replace(stored, cancelled, events).job
    publish_pending(store, bus)
    return written


def _cancelled(job: Job, clock: Clock) -> Job:
    """Return the job as it is after the request, itself where it was asked for before."""
    if job.state is JobState.CANCELLED or (job.state is JobState.TRAINING and job.cancel_requested_at):
        return job
    if job.state in (JobState.AWAITING_UPLOAD, JobState.QUEUED):
        now = clock()
        return advance(job, JobState.CANCELLED, now, cancel_requested_at=now)
    if job.state is JobState.TRAINING:
        return replace(job, cancel_requested_at=clock())
    raise UserFault(
        "job_already_ended",
        f"The job is {job.state}; there is nothing left to cancel.",
        fix="Nothing needs to be done.",
        details={"state": job.state},
    )


def delete(
    opened: Callable[[], StoredJob], *, store: JobStore, forget: Callable[[StoredJob, datetime], bool], clock: Clock
) -> Job:
    """Delete what a job left and what it says of its person; asking again changes nothing.

    Args:
        opened: Reads the job for whoever asks.
        store: Has it.
        forget: Deletes.
        clock: Tells the time.

    Raises:
        UserFault: ``job_not_found``, or ``job_not_ended`` while there is work or a mail to come.
        Conflict: If the job changed meanwhile.
    """
    stored = opened()
    if stored.job.is_open:
        raise UserFault(
            "job_not_ended",
            f"The job is {stored.job.state}, and something is still to come of it.",
            fix="Cancel it and wait until its mail was sent, then delete it.",
            details={"state": stored.job.state},
        )
    forget(stored, clock())
    return store.get(stored.job.job_id).job


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkTerms:
    """What downloads are signed by.

    Args:
        valid_for: Life of a link, unless what it leads to goes sooner.
        retention: How long that is kept.
        clock: Tells the time.
    """

    valid_for: timedelta
    retention: Retention
    clock: Clock


def link(
    job_id: str, token: str, artefact: Artefact, *, store: JobStore, objects: ObjectStore, terms: LinkTerms
) -> SignedRequest:
    """Sign a fresh download of what a job left; it does not outlive that.

    Raises:
        UserFault: ``job_not_found``, ``artefact_not_ready``, ``artefact_absent`` or ``artefact_expired``.
    """
    return _signed(look_up(job_id, token, store=store).job, artefact, objects, terms)


def link_of_mail(
    token: str, *, links: SignedLinks, store: JobStore, objects: ObjectStore, terms: LinkTerms
) -> SignedRequest:
    """Sign a fresh download of what a link in a mail opens; the signature lasts an hour, the link its days.

    Raises:
        UserFault: ``url_invalid``, ``url_expired``, ``artefact_absent`` or ``artefact_expired``.
    """
    grant = links.verify(token, LinkKind.FETCH, terms.clock())
    if grant.artefact is None:
        raise UserFault("url_invalid", "The link opens nothing.", fix="Open it from the mail, whole.")
    try:
        job = store.get(grant.job_id).job
    except NotFound as error:
        message, fix = "What the job left is deleted, and the job itself.", "Submit the archive again."
        raise UserFault("artefact_expired", message, fix=fix) from error
    return _signed(job, grant.artefact, objects, terms)


def _signed(job: Job, artefact: Artefact, objects: ObjectStore, terms: LinkTerms) -> SignedRequest:
    now = terms.clock()
    key = _key_of(job.artefacts, artefact)
    left = terms.retention.artefacts_until(job, now) - now
    if job.forgotten_at is not None or (key is not None and left <= timedelta(0)):
        raise _expired(job, terms.retention.artefacts_until(job, now))
    if key is not None:
        return objects.sign_download(key, filename=FILE_NAMES[artefact], valid_for=min(terms.valid_for, left))
    name, details = FILE_NAMES[artefact], {"state": job.state}
    if job.is_ended:
        message, fix = f"The job is {job.state} and left no {name}.", "Its status and its mail say why."
        raise UserFault("artefact_absent", message, fix=fix, details=details)
    message, fix = f"The job is {job.state}; there is no {name} yet.", "Ask again when its status links to it."
    raise UserFault("artefact_not_ready", message, fix=fix, details=details)


def _expired(job: Job, until: datetime) -> UserFault:
    return UserFault(
        "artefact_expired",
        f"What the job left was kept until {until:%Y-%m-%d %H:%M} UTC.",
        fix="Use the copy that was downloaded before, or submit the archive again.",
        details={"state": job.state},
    )


def _key_of(artefacts: Artefacts, artefact: Artefact) -> str | None:
    key: str | None = getattr(artefacts, artefact.value)
    return key
