"""The shape of jobs, heartbeats and recorded events in Firestore.

::

    jobs/<job_id>                     what queries need, and the job as JSON text
    jobs/<job_id>/pieces/<n>          the rest of a text that is too long for one document
    jobs/<job_id>/heartbeats/<fence>  what the worker with that claim told last, as JSON text
    outbox/<event_id>                 an event that is not published yet
    outbox_unreadable/<event_id>      one that was set aside because it cannot be read, as it was

The job is text because Firestore refuses lists in lists, and in pieces because it refuses documents over 1 MiB.
"""

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from google.cloud.firestore import SERVER_TIMESTAMP

from shared.job.events import Event, encode
from shared.job.heartbeat import Heartbeat, encode_heartbeat
from shared.job.job import Job
from shared.job.retention import KEEP_ENDED
from shared.job.stored import read_job
from shared.json_codec import to_json

JOBS = "jobs"
PIECES = "pieces"
HEARTBEATS = "heartbeats"
API_KEYS = "api_keys"
USED = "used"
OUTBOX = "outbox"
OUTBOX_UNREADABLE = "outbox_unreadable"
COMPOSITE_INDEXES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (JOBS, ("state", "updated_at")),
    (JOBS, ("is_open", "state", "updated_at")),
    (OUTBOX, ("recorded_at", "position")),
)
"""(collection, ascending fields) of every index that production has to be given; the emulator does not ask for them."""
TTL_FIELDS: tuple[tuple[str, str], ...] = (
    (JOBS, "expire_at"),
    (PIECES, "expire_at"),
    (HEARTBEATS, "expire_at"),
    (USED, "expire_at"),
)
"""(collection group, field) of every time-to-live policy."""
UNINDEXED_FIELDS: tuple[tuple[str, str], ...] = (
    (JOBS, "text"),
    (PIECES, "text"),
    (HEARTBEATS, "text"),
    (API_KEYS, "key"),
    (USED, "total"),
    (OUTBOX, "data"),
    (OUTBOX_UNREADABLE, "data"),
)
"""(collection group, field) that nobody searches; exempt them, since an index would store them twice."""
_PIECE_CHARS = 500_000
_DOCUMENT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,199}")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDocument:
    """A job as it is written.

    Args:
        write_id: Unique to this write; makes every write a change, and tells our own from another's.
        fields: The job's own document.
        pieces: The documents below it, which carry on its text.
    """

    write_id: str
    fields: dict[str, Any]
    pieces: tuple[dict[str, Any], ...]


def job_document(job: Job) -> JobDocument:
    """Return what to write for a job."""
    write_id = uuid.uuid4().hex
    # Escaped to ASCII a character is a byte, so that texts can be cut anywhere.
    text = json.dumps(to_json(job), separators=(",", ":"))
    texts = [text[start : start + _PIECE_CHARS] for start in range(0, len(text), _PIECE_CHARS)]
    common = {"write_id": write_id, "expire_at": None if job.is_open else job.updated_at + KEEP_ENDED}
    fields = common | {
        "state": str(job.state),
        "is_open": job.is_open,
        "created_at": job.created_at,
        "updated_at": job.updated_at,
        "num_pieces": len(texts) - 1,
        "text": texts[0],
    }
    return JobDocument(write_id=write_id, fields=fields, pieces=tuple(common | {"text": each} for each in texts[1:]))


def piece_name(number: int) -> str:
    """Return the id of a piece."""
    return f"{number:04}"


def job_of(job_id: str, fields: Mapping[str, Any], pieces: Sequence[Mapping[str, Any]]) -> Job:
    """Read a job from its document and the pieces of the same write.

    Raises:
        Unreadable: If it is damaged or of a newer version.
    """
    return read_job("".join(str(part.get("text", "")) for part in (fields, *pieces)), job_id=job_id)


def is_document_id(text: str) -> bool:
    """Tell whether a job may have this id; Firestore would take some other texts for a path."""
    return _DOCUMENT_ID.fullmatch(text) is not None


def heartbeat_fields(heartbeat: Heartbeat) -> dict[str, Any]:
    """Return the document of a heartbeat; it goes by itself where nobody deleted it at the end of its attempt."""
    return {"text": encode_heartbeat(heartbeat), "expire_at": heartbeat.expires_at + KEEP_ENDED}


def outbox_fields(event: Event, position: int) -> dict[str, Any]:
    """Return the document of a recorded event.

    Args:
        event: The event.
        position: Its place among those recorded by the same change, which share one server's timestamp.
    """
    return {
        "job_id": event.job_id,
        "recorded_at": SERVER_TIMESTAMP,
        "position": position,
        "data": encode(event).decode(),
    }
