"""Events through Pub/Sub: unary pulls, leases that this process keeps count of, and dead letters with a reason.

Pub/Sub itself counts attempts, backs off and makes dead letters, as the subscription says (see ``pubsub_topology``). It
takes a late word about a delivery without complaint and may act on it, so the bus remembers until when each lease holds
and keeps late words to itself. A receipt is therefore worth something only to the process that pulled it.
"""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from google.pubsub_v1.types import PubsubMessage, ReceivedMessage

from shared.adapters.gcp.pubsub.pubsub_link import PubsubLink
from shared.adapters.gcp.pubsub.pubsub_name import PubsubName
from shared.adapters.gcp.vendor_error import CallLimit
from shared.job.events import Event, Topic, encode
from shared.ports.event_bus import LONGEST_LEASE, OUT_OF_ATTEMPTS, SHORTEST_LEASE, DeadLetter, Delivery

_REASON = "reason"
_PUBLISHED_AT = "published_at"
_PUBLISHED_AT_GOOGLE = "CloudPubSubDeadLetterSourceTopicPublishTime"
_MOST_ATTRIBUTE_BYTES = 1024
_MOST_DEAD_LETTERS = 1000
_MOST_AT_ONCE = 1000
"""Messages that one request may publish. Source: Pub/Sub, "Quotas and limits"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lease:
    """What is known of a delivery under way.

    Args:
        ends_at: On the monotonic clock, in seconds; never later than Pub/Sub thinks.
        published_at: When the message was published.
    """

    ends_at: float
    published_at: datetime


class PubsubEventBus:
    """The :class:`shared.ports.event_bus.EventBus` of Google Cloud.

    Args:
        project: Google Cloud project.
        prefix: What the names of topics and subscriptions begin with.
        pull_wait_s: Seconds for which a pull waits for a message. One that is sent in the very moment in which the
            wait ends is lost until its lease ends, so a short wait costs attempts.
        limit: How long any other call may take.
        monotonic: A clock in seconds that is never set back.
    """

    def __init__(
        self,
        project: str,
        *,
        prefix: str = "convtailor-",
        pull_wait_s: float = 5.0,
        limit: CallLimit | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = PubsubName(project=project, prefix=prefix)
        self._pull_wait_s = pull_wait_s
        self._link = PubsubLink(limit or CallLimit())
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._leases: dict[str, _Lease] = {}

    def publish(self, *events: Event) -> None:
        """See the port."""
        by_topic: dict[Topic, list[PubsubMessage]] = {}
        for event in events:
            by_topic.setdefault(event.topic, []).append(PubsubMessage(data=encode(event)))
        for topic, messages in by_topic.items():
            for first in range(0, len(messages), _MOST_AT_ONCE):
                self._link.publish(self._name.topic(topic), messages[first : first + _MOST_AT_ONCE])

    def pull(self, topic: Topic, *, lease: timedelta, max_messages: int = 1) -> list[Delivery]:
        """See the port.

        Raises:
            ValueError: If the lease is not between 1 and 600 seconds.
        """
        lease_s = _whole_seconds(lease)
        subscription = self._name.subscription(topic)
        received = self._link.pull(subscription, max_messages=max_messages, wait_s=self._pull_wait_s)
        ends_at = self._monotonic() + lease_s
        self._link.set_lease(subscription, [each.ack_id for each in received], lease_s)
        self._remember(received, ends_at)
        return [
            # Only a subscription with a dead-letter policy counts attempts.
            Delivery(topic=topic, data=each.message.data, receipt=each.ack_id, attempt=max(each.delivery_attempt, 1))
            for each in received
        ]

    def extend(self, delivery: Delivery, *, lease: timedelta) -> None:
        """See the port.

        Raises:
            ValueError: If the lease is not between 1 and 600 seconds.
        """
        if (held := self._held(delivery)) is None:
            return
        lease_s = _whole_seconds(lease)
        ends_at = self._monotonic() + lease_s
        self._link.set_lease(self._name.subscription(delivery.topic), [delivery.receipt], lease_s)
        with self._lock:
            if delivery.receipt in self._leases:  # or another thread settled it meanwhile
                self._leases[delivery.receipt] = replace(held, ends_at=ends_at)

    def ack(self, delivery: Delivery) -> None:
        """See the port."""
        if self._held(delivery) is not None:
            self._link.acknowledge(self._name.subscription(delivery.topic), delivery.receipt)
            self._forget(delivery)

    def nack(self, delivery: Delivery) -> None:
        """See the port."""
        if self._held(delivery) is not None:
            self._link.set_lease(self._name.subscription(delivery.topic), [delivery.receipt], 0)
            self._forget(delivery)

    def dead_letter(self, delivery: Delivery, reason: str) -> None:
        """See the port."""
        if (held := self._held(delivery)) is None:
            return
        # In this order a crash in between makes two dead letters of it; in the other the message would be lost.
        self._publish_dead(delivery.topic, delivery.data, reason, held.published_at)
        self._link.acknowledge(self._name.subscription(delivery.topic), delivery.receipt)
        self._forget(delivery)

    def record_dead(self, topic: Topic, data: bytes, reason: str) -> None:
        """Keep a message that was pushed and that no retry can help, so that it can be finished.

        Args:
            topic: Where it came from.
            data: The message as published.
            reason: Why no retry can help.

        Raises:
            Transient: If it could not be kept; it must then come again.
        """
        self._publish_dead(topic, data, reason, None)

    def dead_letters(self, topic: Topic) -> list[DeadLetter]:
        """See the port; the letters are only looked at, and no more than about a thousand of them."""
        subscription = self._name.dead_subscription(topic)
        seen: dict[str, ReceivedMessage] = {}
        while len(seen) < _MOST_DEAD_LETTERS:
            received = self._link.pull(subscription, max_messages=_MOST_DEAD_LETTERS, wait_s=self._pull_wait_s)
            new = {each.message.message_id: each for each in received} | seen
            if len(new) == len(seen):
                break
            seen = new
        self._link.set_lease(subscription, [each.ack_id for each in seen.values()], 0)
        messages = sorted((each.message for each in seen.values()), key=_published_at)
        return [
            DeadLetter(data=message.data, reason=message.attributes.get(_REASON, OUT_OF_ATTEMPTS))
            for message in messages
        ]

    def close(self) -> None:
        """Let go of the connections; the bus must not be used afterwards."""
        self._link.close()

    def _publish_dead(self, topic: Topic, data: bytes, reason: str, published_at: datetime | None) -> None:
        attributes = {_REASON: reason.encode()[:_MOST_ATTRIBUTE_BYTES].decode(errors="ignore")}
        if published_at is not None:
            attributes[_PUBLISHED_AT] = published_at.isoformat()
        self._link.publish(self._name.dead_topic(topic), [PubsubMessage(data=data, attributes=attributes)])

    def _remember(self, received: list[ReceivedMessage], ends_at: float) -> None:
        now = self._monotonic()
        with self._lock:
            self._leases = {receipt: held for receipt, held in self._leases.items() if held.ends_at > now}
            for each in received:
                self._leases[each.ack_id] = _Lease(ends_at=ends_at, published_at=each.message.publish_time)

    def _held(self, delivery: Delivery) -> _Lease | None:
        """Return the lease of a delivery, or nothing if it has ended or the delivery is settled."""
        with self._lock:
            held = self._leases.get(delivery.receipt)
        return held if held is not None and held.ends_at > self._monotonic() else None

    def _forget(self, delivery: Delivery) -> None:
        with self._lock:
            self._leases.pop(delivery.receipt, None)


def _whole_seconds(lease: timedelta) -> int:
    seconds = math.ceil(lease.total_seconds())
    if not SHORTEST_LEASE <= timedelta(seconds=seconds) <= LONGEST_LEASE:
        expected = f"{SHORTEST_LEASE.total_seconds():.0f} to {LONGEST_LEASE.total_seconds():.0f}"
        raise ValueError(f"received a lease of {lease.total_seconds()} s, expected {expected}: extend it")
    return seconds


def _published_at(message: PubsubMessage) -> datetime:
    """Return when the message that became a dead letter was published first."""
    told = message.attributes.get(_PUBLISHED_AT) or message.attributes.get(_PUBLISHED_AT_GOOGLE)
    moment: datetime = message.publish_time if told is None else datetime.fromisoformat(told)
    return moment
