"""Facts that the services tell each other: small, versioned, past tense, with ids and keys and never a payload."""

import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pydantic import AwareDatetime, ValidationError

from shared.errors import MalformedEvent
from shared.job.job import Job, JobState
from shared.json_codec import from_json, to_json

VERSION = 1


class Topic(StrEnum):
    """The three topics; each has one subscriber."""

    UPLOADS = "uploads"
    JOBS = "jobs"
    RESULTS = "results"


class EventType(StrEnum):
    """What has happened."""

    ARCHIVE_UPLOADED = "archive_uploaded"
    JOB_QUEUED = "job_queued"
    TRAINING_FINISHED = "training_finished"
    JOB_REJECTED = "job_rejected"
    JOB_FAILED = "job_failed"
    JOB_CANCELLED = "job_cancelled"
    CONFIRMATION_AWAITED = "confirmation_awaited"


TOPIC_OF: dict[EventType, Topic] = {
    EventType.ARCHIVE_UPLOADED: Topic.UPLOADS,
    EventType.JOB_QUEUED: Topic.JOBS,
    EventType.TRAINING_FINISHED: Topic.RESULTS,
    EventType.JOB_REJECTED: Topic.RESULTS,
    EventType.JOB_FAILED: Topic.RESULTS,
    EventType.JOB_CANCELLED: Topic.RESULTS,
    EventType.CONFIRMATION_AWAITED: Topic.RESULTS,
}
_ANNOUNCED_BY: dict[JobState, EventType] = {
    JobState.QUEUED: EventType.JOB_QUEUED,
    JobState.REPORTING: EventType.TRAINING_FINISHED,
    JobState.REJECTED: EventType.JOB_REJECTED,
    JobState.FAILED: EventType.JOB_FAILED,
    JobState.CANCELLED: EventType.JOB_CANCELLED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One fact.

    Args:
        type: What happened.
        event_id: Unique; the same fact told twice may carry two ids, so handlers look at the job, not at the id.
        job_id: To whom.
        occurred_at: When.
        object_key: The object it is about, if any.
        generation: The version of that object.
        version: Version of this document's shape.
    """

    type: EventType
    event_id: str
    job_id: str
    occurred_at: AwareDatetime
    object_key: str | None = None
    generation: str | None = None
    version: int = VERSION

    @property
    def topic(self) -> Topic:
        """The topic that carries this type."""
        return TOPIC_OF[self.type]


def archive_uploaded(job_id: str, now: datetime, *, object_key: str, generation: str) -> Event:
    """Tell that the archive of a job lies in the object store."""
    return Event(
        type=EventType.ARCHIVE_UPLOADED,
        event_id=uuid.uuid4().hex,
        job_id=job_id,
        occurred_at=now,
        object_key=object_key,
        generation=generation,
    )


def job_queued(job_id: str, now: datetime) -> Event:
    """Tell that a job waits for a trainer."""
    return Event(type=EventType.JOB_QUEUED, event_id=uuid.uuid4().hex, job_id=job_id, occurred_at=now)


def confirmation_awaited(job_id: str, now: datetime) -> Event:
    """Tell that the person of a job has to be asked whether the address is theirs."""
    return Event(type=EventType.CONFIRMATION_AWAITED, event_id=uuid.uuid4().hex, job_id=job_id, occurred_at=now)


def announcement(job: Job, now: datetime) -> tuple[Event, ...]:
    """Return the event that tells of the job's present state, or nothing where nobody waits for it."""
    if job.state not in _ANNOUNCED_BY or (job.is_ended and not job.owes_mail):
        return ()
    return (Event(type=_ANNOUNCED_BY[job.state], event_id=uuid.uuid4().hex, job_id=job.job_id, occurred_at=now),)


def encode(event: Event) -> bytes:
    """Return the event as canonical JSON: sorted keys, no spaces, UTF-8."""
    return json.dumps(to_json(event), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def decode(data: bytes) -> Event:
    """Read an event.

    Raises:
        MalformedEvent: If the bytes are no JSON, no event, or of a version that this code does not know.
    """
    try:
        event = from_json(Event, json.loads(data))
    except (ValueError, TypeError, RecursionError, ValidationError) as error:
        raise MalformedEvent(f"received {data[:200]!r}, expected an event of version {VERSION}: {error}") from error
    if event.version != VERSION:
        raise MalformedEvent(f"received an event of version {event.version}, expected {VERSION}; upgrade this service")
    return event
