"""Pull, judge, settle: the loop of every subscriber that fetches its messages.

What a message's handling comes to is :mod:`shared.messaging.disposition`'s table; here the bus is told: ack, dead
letter, or nack, after which it comes again until the bus has delivered it as often as it may. What a claim is in the
way of is held until that ends: a back-off grows with every lost subscriber, and would leave the job lying for a minute.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial

from shared.errors import Transient
from shared.job.events import Topic, decode
from shared.logs import bound
from shared.messaging.disposition import Disposition, Handler, judge
from shared.ports.event_bus import LONGEST_LEASE, SHORTEST_LEASE, Delivery, EventBus

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
    """Handle one delivery and tell the bus its disposition."""
    with _kept_leased(bus, delivery, lease):
        settlement = judge(partial(decode, delivery.data), handler)
    match settlement.disposition:
        case Disposition.ACK:
            bus.ack(delivery)
        case Disposition.DEAD_LETTER:
            bus.dead_letter(delivery, settlement.reason)
        case Disposition.HOLD:
            hold(bus, delivery, settlement.held_for)
        case Disposition.NACK | Disposition.SURPRISE:
            bus.nack(delivery)


def hold(bus: EventBus, delivery: Delivery, length: timedelta) -> None:
    """Have a message come again after so long, whatever back-off it has come to.

    Pub/Sub, but not its emulator, lets its back-off begin only then, since for it a lease that ended is a failure too.
    Source: its ``RetryPolicy``. Whoever sweeps announces the job anew meanwhile.

    Args:
        bus: Where it came from.
        delivery: It.
        length: For how long nobody can handle it; a bus that cannot hold it for so long delivers it sooner.

    Raises:
        Transient: If the bus does not answer; the message then comes again when its lease ends.
    """
    bus.extend(delivery, lease=min(max(length, SHORTEST_LEASE), LONGEST_LEASE))


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
