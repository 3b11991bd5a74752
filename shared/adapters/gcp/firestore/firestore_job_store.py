"""Jobs as Firestore documents, with compare-and-set by update time and the outbox in the same batch.

Never a transaction: under contention most of them fail, and a process killed inside one blocks all others for a
minute. :mod:`shared.adapters.gcp.firestore.job_document` tells the shape and the indexes.
"""

import contextlib
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from google.api_core import exceptions
from google.api_core.datetime_helpers import DatetimeWithNanoseconds
from google.cloud import firestore
from google.cloud.firestore import FieldFilter
from tenacity import retry, retry_if_exception_type, stop_after_attempt

from shared.adapters.gcp.firestore.job_document import (
    JOBS,
    OUTBOX,
    OUTBOX_UNREADABLE,
    PIECES,
    JobDocument,
    is_document_id,
    job_document,
    job_of,
    outbox_fields,
    piece_name,
)
from shared.adapters.gcp.vendor_error import CallLimit, translated
from shared.errors import Conflict, NotFound, Transient, Unreadable
from shared.job.events import Event
from shared.job.job import Job, JobState
from shared.job.stored import read_events, unreadable_job
from shared.ports.job_store import JobPage, Position, StoredJob

_REFUSALS = (exceptions.AlreadyExists, exceptions.FailedPrecondition, exceptions.NotFound, exceptions.Aborted)
_MOST_IN_A_BATCH = 400


class _HalfWritten(Transient):
    """A job and its pieces were read on either side of a write."""


# Firestore reads at one moment of all documents, its emulator only nearly so.
_reading_again = retry(retry=retry_if_exception_type(_HalfWritten), stop=stop_after_attempt(10), reraise=True)


class FirestoreJobStore:
    """The :class:`shared.ports.job_store.JobStore` of Google Cloud.

    Args:
        project: Google Cloud project.
        database: Firestore database, in native mode.
        limit: How long a call may take.
    """

    def __init__(self, project: str, *, database: str = "(default)", limit: CallLimit | None = None) -> None:
        self._project = project
        self._database = database
        self._limit = limit or CallLimit()

    def create(self, job: Job, events: Sequence[Event] = ()) -> StoredJob:
        """See the port."""
        return self._write(job, events, over=None)

    @_reading_again
    def get(self, job_id: str) -> StoredJob:
        """See the port."""
        with translated(f"Firestore reads job {job_id}"):
            snapshot = self._reference(job_id).get(**self._limit.options())
            if not snapshot.exists:
                raise NotFound(f"there is no job {job_id}")
            return self._stored(snapshot)

    def replace(self, stored: StoredJob, job: Job, events: Sequence[Event] = ()) -> StoredJob:
        """See the port."""
        if job.job_id != stored.job.job_id:
            raise ValueError(f"received job {job.job_id}, expected {stored.job.job_id}: a job keeps its id")
        return self._write(job, events, over=stored)

    def find(
        self,
        states: Collection[JobState],
        *,
        updated_before: datetime,
        after: Position | None = None,
        open_only: bool = False,
        limit: int = 100,
    ) -> JobPage:
        """See the port."""
        if not states:
            return JobPage(jobs=(), end=None)
        with translated("Firestore looks for jobs"):
            query = self._client.collection(JOBS).where(filter=FieldFilter("state", "in", sorted(states)))
            if open_only:
                query = query.where(filter=FieldFilter("is_open", "==", True))
            query = query.where(filter=FieldFilter("updated_at", "<", updated_before))
            query = query.order_by("updated_at").order_by("__name__")
            if after is not None:
                query = query.start_after({"updated_at": after.updated_at, "__name__": self._reference(after.job_id)})
            snapshots = list(query.limit(limit).stream(**self._limit.options()))
            jobs, unreadable = [], []
            for snapshot in snapshots:
                try:
                    jobs.append(self._listed(snapshot))
                except NotFound:
                    continue  # deleted since
                except Unreadable:
                    unreadable.append(snapshot.id)
        end = None if len(snapshots) < limit else _position(snapshots[-1])
        return JobPage(jobs=tuple(jobs), end=end, unreadable=tuple(unreadable))

    def pending_events(self, limit: int = 100) -> list[Event]:
        """See the port."""
        with translated("Firestore reads the outbox"):
            query = self._client.collection(OUTBOX).order_by("recorded_at").order_by("position").limit(limit)
            while True:
                found = {each.id: each for each in query.stream(**self._limit.options())}
                events, unreadable = read_events((each, _outbox_data(document)) for each, document in found.items())
                if not unreadable:
                    return events
                self._set_aside([found[each] for each in unreadable])

    def settle_events(self, event_ids: Collection[str]) -> None:
        """See the port."""
        with translated("Firestore empties the outbox"):
            outbox = self._client.collection(OUTBOX)
            self._delete(outbox.document(event_id) for event_id in set(event_ids))

    def delete(self, job_id: str) -> None:
        """See the port."""
        with contextlib.suppress(NotFound), translated(f"Firestore deletes job {job_id}"):
            reference = self._reference(job_id)
            # Without its own document no write to the job succeeds any more, so nothing is added to the rest.
            self._delete([reference])
            recorded = self._client.collection(OUTBOX).where(filter=FieldFilter("job_id", "==", job_id))
            for remains in (recorded, reference.collection(PIECES)):
                found = remains.select([]).stream(**self._limit.options())
                self._delete(snapshot.reference for snapshot in found)

    def close(self) -> None:
        """Let go of the connection; the store must not be used afterwards."""
        if "_client" in self.__dict__:
            self._client.close()

    @cached_property
    def _client(self) -> firestore.Client:
        return firestore.Client(project=self._project, database=self._database)

    def _reference(self, job_id: str) -> firestore.DocumentReference:
        if not is_document_id(job_id):
            raise NotFound(f"there is no job {job_id!r}")
        return self._client.collection(JOBS).document(job_id)

    def _write(self, job: Job, events: Sequence[Event], *, over: StoredJob | None) -> StoredJob:
        """Write a job and its events in one step, as a new job or over a revision."""
        document = job_document(job)
        with translated(f"Firestore writes job {job.job_id}"):
            reference = self._reference(job.job_id)
            batch = self._client.batch()
            if over is None:
                batch.create(reference, document.fields)
            else:
                unchanged = self._client.write_option(last_update_time=_moment(over.revision))
                batch.update(reference, document.fields, option=unchanged)
            for number, piece in enumerate(document.pieces):
                batch.set(reference.collection(PIECES).document(piece_name(number)), piece)
            if over is not None and job.forgotten_at is not None:
                for number in range(len(document.pieces), len(job_document(over.job).pieces)):
                    batch.delete(reference.collection(PIECES).document(piece_name(number)))
            for position, event in enumerate(events):
                batch.set(self._client.collection(OUTBOX).document(event.event_id), outbox_fields(event, position))
            try:
                written_at = batch.commit(**self._limit.options())[0].update_time
            except _REFUSALS as refusal:
                written_at = self._own_write(reference, document, over, refusal)
        return StoredJob(job=job, revision=written_at.rfc3339())

    def _own_write(
        self,
        reference: firestore.DocumentReference,
        document: JobDocument,
        over: StoredJob | None,
        refusal: exceptions.GoogleAPICallError,
    ) -> DatetimeWithNanoseconds:
        """Return when a refused write was made after all: the answer to it was lost and it was then tried again.

        Raises:
            Conflict: If it was not made, because somebody else wrote the job.
            NotFound: If the job that should be replaced is gone.
            Transient: If it was not made and nobody else wrote either.
        """
        current = reference.get(**self._limit.options())
        if current.exists and current.get("write_id") == document.write_id:
            return current.update_time
        if over is not None and not current.exists:
            raise NotFound(f"there is no job {reference.id}") from refusal
        if over is None and current.exists:
            raise Conflict(f"there is a job {reference.id} already") from refusal
        if over is not None and current.update_time.rfc3339() != over.revision:
            raise Conflict(
                f"job {reference.id} has revision {current.update_time.rfc3339()}, expected {over.revision}:"
                " it was written since"
            ) from refusal
        raise Transient(f"Firestore did not write job {reference.id}: {refusal}") from refusal

    def _listed(self, snapshot: firestore.DocumentSnapshot) -> StoredJob:
        """Return the job of a document in a listing, read anew where it was being written.

        Raises:
            NotFound: If it was deleted since.
            Unreadable: If its pieces never fit together, or it is damaged.
        """
        try:
            return self._stored(snapshot)
        except _HalfWritten:
            with contextlib.suppress(_HalfWritten):
                return self.get(snapshot.id)
        raise unreadable_job(snapshot.id, "its pieces do not belong together")

    def _stored(self, snapshot: firestore.DocumentSnapshot) -> StoredJob:
        """Return the job of a document, with its pieces as they were at the same moment."""
        fields = snapshot.to_dict()
        pieces: list[dict[str, Any]] = []
        if num_pieces := fields.get("num_pieces", 0):
            collection = snapshot.reference.collection(PIECES)
            references = [collection.document(piece_name(number)) for number in range(num_pieces)]
            read = self._client.get_all(references, read_time=snapshot.read_time, **self._limit.options())
            by_id = {each.id: each.to_dict() or {} for each in read}
            pieces = [by_id[reference.id] for reference in references]
        if any(piece.get("write_id") != fields.get("write_id") for piece in pieces):
            raise _HalfWritten(f"job {snapshot.id} was read while it was written")
        return StoredJob(job=job_of(snapshot.id, fields, pieces), revision=snapshot.update_time.rfc3339())

    def _set_aside(self, snapshots: Sequence[firestore.DocumentSnapshot]) -> None:
        """Move documents of the outbox to where nobody looks for events, as they are."""
        for start in range(0, len(snapshots), _MOST_IN_A_BATCH // 2):
            batch = self._client.batch()
            for snapshot in snapshots[start : start + _MOST_IN_A_BATCH // 2]:
                batch.set(self._client.collection(OUTBOX_UNREADABLE).document(snapshot.id), snapshot.to_dict())
                batch.delete(snapshot.reference)
            batch.commit(**self._limit.options())

    def _delete(self, references: Iterable[firestore.DocumentReference]) -> None:
        doomed = list(references)
        for start in range(0, len(doomed), _MOST_IN_A_BATCH):
            batch = self._client.batch()
            for reference in doomed[start : start + _MOST_IN_A_BATCH]:
                batch.delete(reference)
            batch.commit(**self._limit.options())


def _position(snapshot: firestore.DocumentSnapshot) -> Position:
    return Position(updated_at=snapshot.get("updated_at"), job_id=snapshot.id)


def _outbox_data(snapshot: firestore.DocumentSnapshot) -> bytes:
    """Return the event of a document of the outbox; no bytes where it has none."""
    data = (snapshot.to_dict() or {}).get("data")
    return data.encode() if isinstance(data, str) else b""


def _moment(revision: str) -> DatetimeWithNanoseconds:
    try:
        return DatetimeWithNanoseconds.from_rfc3339(revision)
    except ValueError:
        # No job was written then, so the write is refused; of 1970 itself Firestore says that no document is there.
        return DatetimeWithNanoseconds(1971, 1, 1, tzinfo=UTC)
