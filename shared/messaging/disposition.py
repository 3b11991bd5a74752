"""What becomes of a message: one table for subscribers that pull and for those that are pushed to.

========================  ===============  =================================================================
nothing raised            ``ACK``
``NotFound``              ``ACK``          with a log line: what it speaks of is gone
``MalformedEvent``        ``DEAD_LETTER``  no retry makes it readable
``UserFault``             ``DEAD_LETTER``  a handler has to store a person's fault with the job, so it is a bug
``Claimed``               ``HOLD``         comes again when the claim ends that is in its way
``Conflict, Transient``   ``NACK``         comes again later
anything else             ``SURPRISE``     with its traceback; comes again until it has had its attempts
========================  ===============  =================================================================
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from shared.errors import Conflict, MalformedEvent, NotFound, Transient, UserFault
from shared.job.claim import Claimed
from shared.job.events import Event
from shared.logs import bound

Handler = Callable[[Event], None]
_log = logging.getLogger(__name__)


class Disposition(StrEnum):
    """What the subscriber tells the bus."""

    ACK = "ack"
    DEAD_LETTER = "dead_letter"
    HOLD = "hold"
    NACK = "nack"
    SURPRISE = "surprise"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """How the handling of one message ended.

    Args:
        disposition: What becomes of it.
        event: What was read; ``None`` where nothing could be, or the message is none of ours.
        reason: Why it is a dead letter; empty otherwise.
        held_for: After how long a held one comes again; zero otherwise.
    """

    disposition: Disposition
    event: Event | None = None
    reason: str = ""
    held_for: timedelta = timedelta(0)


def judge(read: Callable[[], Event | None], handler: Handler) -> Settlement:
    """Read a message and handle its event; whatever is raised becomes its disposition and a log line.

    Args:
        read: Makes the event; ``None`` for a message that tells nothing to this service.
        handler: Called with the event; has to be idempotent.
    """
    try:
        event = read()
    except Exception as error:  # noqa: BLE001 - the outermost loop: a subscriber must outlive a surprise
        return _settlement(error, None)
    if event is None:
        return Settlement(disposition=Disposition.ACK)
    with bound(job_id=event.job_id, event_id=event.event_id):
        try:
            handler(event)
        except Exception as error:  # noqa: BLE001 - likewise
            return _settlement(error, event)
    return Settlement(disposition=Disposition.ACK, event=event)


def _settlement(error: Exception, event: Event | None) -> Settlement:
    """Look an error up in the table of the module and log it."""
    what = event.type.value if event is not None else "a message that cannot be read"
    match error:
        case NotFound():
            _log.warning("dropped %s: %s", what, error)
            return Settlement(disposition=Disposition.ACK, event=event)
        case MalformedEvent() | UserFault():
            _log.error("dead letter: %s: %s", what, error, exc_info=error if event is not None else None)
            reason = str(error) if event is None else f"{type(error).__name__}: {error}"
            return Settlement(disposition=Disposition.DEAD_LETTER, event=event, reason=reason)
        case Claimed(left=left):
            _log.info("%s comes again when a claim ends: %s", what, error)
            return Settlement(disposition=Disposition.HOLD, event=event, held_for=left)
        case Conflict() | Transient():
            _log.info("%s comes again: %s", what, error)
            return Settlement(disposition=Disposition.NACK, event=event)
    _log.error("%s comes again after a surprise", what, exc_info=error)
    return Settlement(disposition=Disposition.SURPRISE, event=event)
