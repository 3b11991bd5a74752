"""Events in a list, with the promises of the port but durability."""

import threading
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.clock import Clock, utc_now
from shared.job.events import Event, Topic, encode
from shared.ports.event_bus import OUT_OF_ATTEMPTS, DeadLetter, Delivery, DeliveryRules


@dataclass(slots=True, kw_only=True)
class _Message:
    """One message; the bus alone changes it, under its lock."""

    topic: Topic
    data: bytes
    due_at: datetime
    attempt: int = 0
    receipt: str | None = None
    dead_because: str | None = None


class MemoryEventBus:
    """The :class:`shared.ports.event_bus.EventBus` of one process.

    Args:
        rules: How often and how soon a message comes again.
        clock: The present moment.
    """

    def __init__(self, *, rules: DeliveryRules | None = None, clock: Clock = utc_now) -> None:
        self._lock = threading.Lock()
        self._messages: list[_Message] = []
        self._rules = rules or DeliveryRules()
        self._clock = clock

    def publish(self, *events: Event) -> None:
        """See the port."""
        with self._lock:
            for event in events:
                self._messages.append(_Message(topic=event.topic, data=encode(event), due_at=self._clock()))

    def pull(self, topic: Topic, *, lease: timedelta, max_messages: int = 1) -> list[Delivery]:
        """See the port."""
        now = self._clock()
        with self._lock:
            self._dead_letter_exhausted(topic, now)
            taken = sorted(self._due(topic, now), key=lambda message: message.due_at)[:max_messages]
            for message in taken:
                message.receipt = uuid.uuid4().hex
                message.attempt += 1
                message.due_at = now + lease
            return [
                Delivery(topic=topic, data=message.data, receipt=message.receipt or "", attempt=message.attempt)
                for message in taken
            ]

    def extend(self, delivery: Delivery, *, lease: timedelta) -> None:
        """See the port."""
        now = self._clock()
        with self._lock:
            for message in self._held(delivery, now):
                message.due_at = now + lease

    def ack(self, delivery: Delivery) -> None:
        """See the port."""
        with self._lock:
            for message in self._held(delivery, self._clock()):
                self._messages.remove(message)

    def nack(self, delivery: Delivery) -> None:
        """See the port."""
        if delivery.attempt >= self._rules.max_attempts:
            self.dead_letter(delivery, OUT_OF_ATTEMPTS)
            return
        now = self._clock()
        with self._lock:
            for message in self._held(delivery, now):
                message.receipt = None
                message.due_at = now + self._rules.backoff(delivery.attempt)

    def dead_letter(self, delivery: Delivery, reason: str) -> None:
        """See the port."""
        with self._lock:
            for message in self._held(delivery, self._clock()):
                message.receipt = None
                message.dead_because = reason

    def dead_letters(self, topic: Topic) -> list[DeadLetter]:
        """See the port."""
        with self._lock:
            self._dead_letter_exhausted(topic, self._clock())
            return [
                DeadLetter(data=message.data, reason=message.dead_because)
                for message in self._messages
                if message.topic is topic and message.dead_because is not None
            ]

    def _due(self, topic: Topic, now: datetime) -> list[_Message]:
        return [
            message
            for message in self._messages
            if message.topic is topic and message.dead_because is None and message.due_at <= now
        ]

    def _held(self, delivery: Delivery, now: datetime) -> list[_Message]:
        """Return the message of a delivery whose lease still holds, or nothing."""
        return [message for message in self._messages if message.receipt == delivery.receipt and message.due_at > now]

    def _dead_letter_exhausted(self, topic: Topic, now: datetime) -> None:
        for message in self._due(topic, now):
            if message.attempt >= self._rules.max_attempts:
                message.receipt = None
                message.dead_because = OUT_OF_ATTEMPTS
