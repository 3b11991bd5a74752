"""Jobs and events as they come out of a store, where one that cannot be read must not stop the others.

Damage, or a newer version of convtailor that was rolled back, leaves such things behind. Each is logged at ERROR by
this module's logger, which the operator's alarm listens to.
"""

import contextlib
import json
import logging
from collections.abc import Iterable

from pydantic import ValidationError

from shared.errors import MalformedEvent, Unreadable
from shared.job.events import Event, decode
from shared.job.job import Job
from shared.json_codec import faults_of, from_json, from_same_text

_log = logging.getLogger(__name__)
_FORMER = ("retried_at_fence",)
"""Fields of a job that earlier versions wrote and nobody needs any more."""


def read_job(text: str, *, job_id: str) -> Job:
    """Read the JSON text of a job.

    Raises:
        Unreadable: If it is none of this version; it has been logged then.
    """
    with contextlib.suppress(ValidationError):  # what is wrong is said by those who read step by step, and take more
        return from_same_text(Job, text)
    try:
        document = json.loads(text)
        if isinstance(document, dict):
            document = {name: value for name, value in document.items() if name not in _FORMER}
        return from_json(Job, document)
    except ValidationError as error:
        reason = faults_of(error)
    except (ValueError, TypeError, RecursionError) as error:
        reason = str(error)
    raise unreadable_job(job_id, reason)


def unreadable_job(job_id: str, reason: str) -> Unreadable:
    """Log that a job cannot be read, and return what to raise."""
    _log.error("job %s cannot be read: %s", job_id, reason, extra={"job_id": job_id})
    return Unreadable(f"job {job_id} cannot be read by this version of convtailor: {reason}")


def read_events(rows: Iterable[tuple[str, bytes]]) -> tuple[list[Event], list[str]]:
    """Read rows of an outbox.

    Args:
        rows: Event id and JSON of each.

    Returns:
        The events, and the ids of the rows to be set aside because they cannot be read; these have been logged.
    """
    events: list[Event] = []
    unreadable: list[str] = []
    for event_id, data in rows:
        try:
            events.append(decode(data))
        except MalformedEvent as error:
            _log.error("event %s cannot be read: %s", event_id, error, extra={"event_id": event_id})
            unreadable.append(event_id)
    return events, unreadable
