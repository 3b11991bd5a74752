"""Publishes the events that were recorded with changes of jobs."""

import logging
from collections.abc import Sequence

from shared.errors import ConvtailorError, Transient
from shared.job.events import Event, encode
from shared.ports.event_bus import EventBus
from shared.ports.job_store import JobStore

_log = logging.getLogger(__name__)


def publish_pending(store: JobStore, bus: EventBus) -> int:
    """Publish recorded events and forget them; call it after every change that records some.

    Never fails for a reason that passes: what could not be published stays recorded, and the next call, at the latest
    the sweeper's, publishes it. Those that are read together are published together and then forgotten together, so
    that bus and store are waited for once for all of them; a crash in between publishes them twice. One that the bus
    refuses for good is written to the log and given up, so that it does not stop the others; the sweeper tells of its
    job anew.

    Returns:
        How many events were published.
    """
    num_published = 0
    try:
        while events := store.pending_events():
            num_published += _num_published(events, bus)
            store.settle_events([event.event_id for event in events])
    except Transient:
        _log.warning("the outbox could not be emptied now; it stays recorded", exc_info=True)
    return num_published


def _num_published(events: Sequence[Event], bus: EventBus) -> int:
    """Publish events, each by itself where the bus refuses one of them; returns how many it took.

    Raises:
        Transient: If it may take them later.
    """
    try:
        bus.publish(*events)
    except Transient:
        raise
    except ConvtailorError:
        if len(events) > 1:
            return sum(_num_published([event], bus) for event in events)
        (event,) = events
        _log.exception("the bus refuses an event for good: %s", encode(event).decode(), extra={"job_id": event.job_id})
        return 0
    return len(events)
