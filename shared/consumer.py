"""Pull, decode, handle, settle: the loop of every subscriber, with the one table from error to fate of the message.

========================  ==================================================================================
nothing raised            acknowledge
``MalformedEvent``        bury: no retry makes it readable
``NotFound``              acknowledge with a log line: what it speaks of is gone
``UserFault``             bury: a handler has to store a person's fault with the job, so this one is a bug
``Conflict, Transient``   retry later
anything else             log the traceback, retry later; the bus buries it when it has had its attempts
========================  ==================================================================================
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from shared.errors import Conflict, MalformedEvent, NotFound, Transient, UserFault
from shared.events import Event, Topic, decode
from shared.logs import bound
from shared.ports.event_bus import Delivery, EventBus

Handler = Callable[[Event], None]
DEFAULT_LEASE = timedelta(seconds=60)
IDLE_WAIT_S = 0.2
_log = logging.getLogger(__name__)


def consume(
    bus: EventBus,
    topic: Topic,
    handler: Handler,
    *,
    stop: threading.Event,
    lease: timedelta = DEFAULT_LEASE,
    idle_wait_s: float = IDLE_WAIT_S,
) -> None:
    """Handle the events of a topic until told to stop; an event at hand is finished first.

    Args:
        bus: Where they come from.
        topic: Which ones.
        handler: Called with each; has to be idempotent, since an event may come twice and in any order.
        stop: Set by another thread or a signal handler.
        lease: How long the bus waits for a word of a subscriber that died; kept up while the handler runs.
        idle_wait_s: Seconds between looks at an empty topic.
    """
    while not stop.is_set():
        try:
            idle = not consume_once(bus, topic, handler, lease=lease)
        except Transient:
            _log.warning("the bus does not answer; trying again", extra={"topic": topic}, exc_info=True)
            idle = True
        except Exception:  # noqa: BLE001 - the outermost loop: a subscriber must outlive a surprise
            _log.exception("surprise in the subscriber; going on", extra={"topic": topic})
            idle = True
        if idle:
            stop.wait(idle_wait_s)


def consume_once(bus: EventBus, topic: Topic, handler: Handler, *, lease: timedelta = DEFAULT_LEASE) -> bool:
    """Handle one event, if one is due, and tell whether there was one.

    Raises:
        Transient: If the bus does not answer; the message then comes again.
    """
    deliveries = bus.pull(topic, lease=lease)
    for delivery in deliveries:
        with bound(topic=topic, attempt=delivery.attempt):
            _settle(bus, delivery, handler, lease)
    return bool(deliveries)


def _settle(bus: EventBus, delivery: Delivery, handler: Handler, lease: timedelta) -> None:
    """Handle one delivery and tell the bus its fate."""
    try:
        event = decode(delivery.data)
    except MalformedEvent as error:
        _log.error("buried a message that cannot be read: %s", error)
        bus.bury(delivery, str(error))
        return
    with bound(job_id=event.job_id, event_id=event.event_id):
        try:
            with _kept_leased(bus, delivery, lease):
                handler(event)
        except NotFound as error:
            _log.warning("dropped %s: %s", event.type, error)
            bus.acknowledge(delivery)
        except (UserFault, MalformedEvent) as error:
            _log.exception("buried %s", event.type)
            bus.bury(delivery, f"{type(error).__name__}: {error}")
        except (Conflict, Transient) as error:
            _log.info("%s comes again: %s", event.type, error)
            bus.retry_later(delivery)
        except Exception:  # noqa: BLE001 - the outermost loop, see the module
            _log.exception("%s comes again after a surprise", event.type)
            bus.retry_later(delivery)
        else:
            bus.acknowledge(delivery)


@contextmanager
def _kept_leased(bus: EventBus, delivery: Delivery, lease: timedelta) -> Iterator[None]:
    """Extend the lease from a thread of its own for as long as the block runs."""
    done = threading.Event()
    keeper = threading.Thread(target=_keep_leased, args=(bus, delivery, lease, done), name="lease-keeper", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        done.set()
        keeper.join()


def _keep_leased(bus: EventBus, delivery: Delivery, lease: timedelta, done: threading.Event) -> None:
    # A third of the lease leaves time for a second try when one extension fails.
    while not done.wait(lease.total_seconds() / 3):
        try:
            bus.extend(delivery, lease=lease)
        except Transient:
            _log.warning("a lease could not be extended; trying again", exc_info=True)
