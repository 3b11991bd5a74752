"""Publishes the events that were recorded with changes of jobs."""

import logging

from shared.errors import ConvtailorError, Transient
from shared.job.events import Event, encode
from shared.ports.event_bus import EventBus
from shared.ports.job_store import JobStore

_log = logging.getLogger(__name__)


def publish_pending(store: JobStore, bus: EventBus) -> int:
    """Publish recorded events and forget them; call it after every change that records some.

    Never fails for a reason that passes: what could not be published stays recorded, and the next call, at the latest
    the sweeper's, publishes it. An event may be published twice. One that the bus refuses for good is written to the
    log and given up, so that it does not stop the others; the sweeper tells of its job anew.

    Returns:
        How many events were published.
    """
    num_published = 0
    try:
        while events := store.pending_events():
            for event in events:
                num_published += _published(event, bus)
                store.settle_events([event.event_id])
    except Transient:
        _log.warning("the outbox could not be emptied now; it stays recorded", exc_info=True)
    return num_published


def _published(event: Event, bus: EventBus) -> bool:
    """Publish an event; answer whether the bus took it.

    Raises:
        Transient: If it may take it later.
    """
    try:
        bus.publish(event)
    except Transient:
        raise
    except ConvtailorError:
        _log.exception("the bus refuses an event for good: %s", encode(event).decode(), extra={"job_id": event.job_id})
        return False
    return True
