"""Cloud Storage's notification of a finished object → our event that an archive was uploaded.

Cloud Storage tells of one object several times under different message ids, so the event's id comes of bucket, name and
generation. A subscription's filter is no proof: type and bucket are checked again.
Source: https://cloud.google.com/storage/docs/pubsub-notifications#format
"""

import uuid
from collections.abc import Mapping
from datetime import datetime

from shared.adapters.gcp.storage.object_name import key_of
from shared.errors import MalformedEvent
from shared.job.events import Event, EventType
from shared.layout import job_of_archive

_FINISHED = "OBJECT_FINALIZE"
_NEEDED = ("objectId", "objectGeneration")


def event_of_notification(attributes: Mapping[str, str], *, bucket: str, now: datetime) -> Event | None:
    """Return the event of a notification, ``None`` for one that tells of something else than an uploaded archive.

    Args:
        attributes: Of the Pub/Sub message.
        bucket: Where archives are uploaded.
        now: When it happened, where the notification does not say so itself.

    Raises:
        MalformedEvent: If it does not name the object and its generation.
    """
    if attributes.get("eventType") != _FINISHED or attributes.get("bucketId") != bucket:
        return None
    missing = [name for name in _NEEDED if not attributes.get(name)]
    if missing:
        raise MalformedEvent(f"received a notification of {bucket} without {' and '.join(missing)}")
    name, generation = (attributes[each] for each in _NEEDED)
    key = key_of(name)
    job_id = job_of_archive(key)
    if job_id is None:
        return None
    return Event(
        type=EventType.ARCHIVE_UPLOADED,
        event_id=uuid.uuid5(uuid.NAMESPACE_URL, f"gs://{bucket}/{name}#{generation}").hex,
        job_id=job_id,
        occurred_at=_time(attributes.get("eventTime", ""), now),
        object_key=key,
        generation=generation,
    )


def _time(told: str, now: datetime) -> datetime:
    try:
        time = datetime.fromisoformat(told)
    except ValueError:
        return now
    return time if time.tzinfo else now
