"""Publishes the events that were recorded with changes of jobs."""

import logging

from shared.errors import Transient
from shared.ports.event_bus import EventBus
from shared.ports.job_store import JobStore

_log = logging.getLogger(__name__)


def publish_pending(store: JobStore, bus: EventBus) -> int:
    """Publish recorded events and forget them; call it after every change that records some.

    Never fails for a reason that passes: what could not be published stays recorded, and the next call, at the latest
    the sweeper's, publishes it. An event may be published twice, never not at all.

    Returns:
        How many events were published.
    """
    num_published = 0
    try:
        while events := store.pending_events():
            for event in events:
                bus.publish(event)
                store.settle_events([event.event_id])
                num_published += 1
    except Transient:
        _log.warning("the outbox could not be emptied now; it stays recorded", exc_info=True)
    return num_published
