"""A second job from the archive of a first: what it is handed, and how it comes to wait for a trainer."""

import io
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import IO, cast

from pydantic import ValidationError

from services.intake.admission import Admitted
from services.intake.remote_file import RemoteFile
from services.intake.retraining.wish import Wish
from services.intake.submission import LinkTerms, UploadTerms, look_up
from shared.access.api_key import hash_of
from shared.clock import Clock
from shared.errors import Conflict, NotFound, UserFault
from shared.job.events import announcement
from shared.job.job import Archive, Job, JobState, Retraining, Upload, advance
from shared.job.result import Result
from shared.job.retention import Retention
from shared.job.retraining.correction import digest_of
from shared.job.retraining.handover import UNREADABLE, Handover, hand_over, read_tables
from shared.json_codec import from_json_text, to_json_text
from shared.layout import archive_key, handover_key
from shared.messaging.outbox import publish_pending
from shared.ports.event_bus import EventBus
from shared.ports.job_store import JobStore, StoredJob
from shared.ports.object_store import ObjectStore, StoredObject

_log = logging.getLogger(__name__)
_JSON = "application/json"
_MAX_TABLE_BYTES = 512 << 20
"""Most bytes read of ``model.zip``: its tables, which have a row for each photograph."""
Admit = Callable[[Job], Admitted]
"""Counts one more job of whoever submitted the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrained:
    """The second job, with what only its person learns.

    Args:
        job: As stored.
        token: Opens it.
        is_new: Whether it was made just now.
    """

    job: Job
    token: str
    is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrainer:
    """Makes second jobs.

    Args:
        store: Jobs.
        objects: Archives and what was left.
        bus: Takes the news.
        clock: Tells the time.
        upload: What may be uploaded.
        links: How long what is kept.
    """

    store: JobStore
    objects: ObjectStore
    bus: EventBus
    clock: Clock
    upload: UploadTerms
    links: LinkTerms

    def retrain(self, wish: Wish, admit: Admit) -> Retrained:
        """Make a job that trains from the archive of another with corrections, or return the one that was made.

        Args:
            wish: See there.
            admit: Asked once it is known that there will be a new job.

        Raises:
            UserFault: ``job_not_found``, ``artefact_not_ready``, ``artefact_absent``, ``archive_expired``,
                ``key_reused``, what :func:`shared.job.retraining.handover.hand_over` raises, or what ``admit`` does.
            Transient: If a back-end does not answer; asking again carries on.
        """
        first = look_up(wish.job_id, wish.token, store=self.store).job
        job_id, token = wish.id_and_token
        stored = self._known(job_id, wish)
        is_new, handover = stored is None, None
        if stored is None:
            archive, handover = self._kept_archive(first), self._handover(first, wish)
            stored = self._create(first, wish, admit(first), archive)
        job = stored.job
        if job.state is JobState.AWAITING_UPLOAD:
            job = self._queue(stored, first, wish, handover)
        return Retrained(job=job, token=token, is_new=is_new)

    def _known(self, job_id: str, wish: Wish) -> StoredJob | None:
        """Return the job that this key has made, if it has made one."""
        try:
            stored = self.store.get(job_id)
        except NotFound:
            return None
        known = stored.job.retraining
        if known is None or known.corrections_sha256 != digest_of(wish.corrections):
            raise UserFault(
                "key_reused",
                "This Idempotency-Key was sent before, with other corrections.",
                fix="Send another key with every other list of corrections.",
            )
        return stored

    def _kept_archive(self, first: Job) -> Archive:
        """Return the archive of the first job as it is kept.

        Raises:
            UserFault: ``artefact_not_ready``, ``artefact_absent`` or ``archive_expired``.
        """
        if first.forgotten_at is None and not has_network(first):
            is_over = first.is_ended
            raise UserFault(
                "artefact_absent" if is_over else "artefact_not_ready",
                f"The job is {first.state} and {'left no network' if is_over else 'has left no network yet'}.",
                fix="Only what was trained and tested can be trained again: submit the archive anew.",
                details={"state": first.state},
            )
        if first.archive is None or not is_archive_kept(first, self.links.retention, self.clock()):
            raise _archive_expired()
        return first.archive

    def _handover(self, first: Job, wish: Wish) -> Handover:
        """Read what the first job left about its photographs, and lay the corrections on it."""
        artefacts = first.artefacts
        try:
            result = from_json_text(Result, self.objects.read(artefacts.result or ""))
            stored = self.objects.stat(artefacts.model_zip or "")
            remote = RemoteFile(
                self.objects,
                stored.key,
                generation=stored.generation,
                size_bytes=stored.size_bytes,
                most_bytes=_MAX_TABLE_BYTES,
            )
            tables = read_tables(cast("IO[bytes]", remote))
            before = self._before(first)
        except (NotFound, ValidationError, *UNREADABLE) as error:
            _log.warning("a job cannot be trained again", exc_info=True)
            raise UserFault(
                "artefact_absent",
                f"What the job left about its photographs cannot be read ({type(error).__name__}).",
                fix="Submit the archive anew, with the photographs in the right folders.",
                details={"state": first.state},
            ) from error
        return hand_over(tables, wish.corrections, job_id=first.job_id, winner=result.winner, before=before)

    def _before(self, first: Job) -> Handover | None:
        if first.retraining is None:
            return None
        return from_json_text(Handover, self.objects.read(handover_key(first.job_id)))

    def _create(self, first: Job, wish: Wish, admitted: Admitted, archive: Archive) -> StoredJob:
        """Make the second job, which holds what is copied for it from its first moment on.

        Raises:
            UserFault: ``key_reused``, where other corrections came with its key in the same moment.
        """
        job_id, token = wish.id_and_token
        now, key = self.clock(), archive_key(job_id)
        job = Job(
            job_id=job_id,
            email=first.email,
            token_hash=hash_of(token),
            options=first.options,
            state=JobState.AWAITING_UPLOAD,
            created_at=now,
            updated_at=now,
            upload=Upload(
                object_key=key,
                max_bytes=max(self.upload.max_bytes, archive.size_bytes),
                expires_at=now + self.upload.valid_for,
                size_bytes=archive.size_bytes,
            ),
            key_id=admitted.key_id,
            retraining=Retraining(
                job_id=first.job_id,
                num_corrections=len(wish.corrections),
                corrections_sha256=digest_of(wish.corrections),
            ),
        )
        try:
            return self.store.create(job)
        except Conflict:  # the same key came twice at once
            return self._known(job_id, wish) or self.store.get(job_id)

    def _queue(self, stored: StoredJob, first: Job, wish: Wish, handover: Handover | None) -> Job:
        """Hand over, copy the archive, and let the job wait for a trainer; who finds it half made carries on.

        Where this process dies in between, the sweeper finds the archive as it finds any that nobody told of.
        """
        job, archive = stored.job, first.archive
        if archive is None:
            raise _archive_expired()
        # Only whose wish the job was made of hands over, and before there is an archive that could be trained on.
        handover = handover or self._handover(first, wish)
        self.objects.put(handover_key(job.job_id), io.BytesIO(to_json_text(handover)), content_type=_JSON)
        try:
            copied = self._copied(archive, job.upload.object_key)
        except NotFound as error:
            self.objects.delete(handover_key(job.job_id))
            self.store.delete(job.job_id)
            raise _archive_expired() from error
        now = self.clock()
        own = replace(archive, object_key=copied.key, generation=copied.generation)
        queued = advance(job, JobState.QUEUED, now, archive=own)
        try:
            written = self.store.replace(stored, queued, announcement(queued, now)).job
        except Conflict:  # told of by the store meanwhile, or cancelled
            written = self.store.get(job.job_id).job
        publish_pending(self.store, self.bus)
        return written

    def _copied(self, archive: Archive, key: str) -> StoredObject:
        """Copy an archive, or find the copy that the same request made when it came before."""
        try:
            return self.objects.copy(archive.object_key, key, generation=archive.generation)
        except Conflict:
            return self.objects.stat(key)


def has_network(job: Job) -> bool:
    """Tell whether a job left what a second one is handed."""
    return job.state in (JobState.DONE, JobState.CANCELLED, JobState.REPORTING) and bool(
        job.artefacts.result and job.artefacts.model_zip
    )


def is_archive_kept(job: Job, retention: Retention, now: datetime) -> bool:
    """Tell whether the archive of a job may still be trained on."""
    until = retention.archive_until(job)
    return job.archive is not None and job.forgotten_at is None and until is not None and now < until


def _archive_expired() -> UserFault:
    return UserFault(
        "archive_expired",
        "The photographs of this job are deleted, so it cannot be trained again from here.",
        fix="Choose the photographs again on the first page, which applies the corrections made there to them.",
    )
