"""The bus of events: at-least-once, unordered, with leases, back-off and dead letters."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from shared.job.events import Event, Topic

SHORTEST_LEASE, LONGEST_LEASE = timedelta(seconds=1), timedelta(seconds=600)
"""For so long at least and at most every bus can hold a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One delivery of a message.

    Args:
        topic: Where it was pulled.
        data: The message as published; :func:`shared.job.events.decode` reads it.
        receipt: Opaque handle of this delivery; void once its lease has ended.
        attempt: 1 for the first delivery.
    """

    topic: Topic
    data: bytes
    receipt: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRules:
    """How often and how soon a message comes again.

    Args:
        max_attempts: Deliveries before it becomes a dead letter.
        min_backoff: Wait after the first failed delivery; doubles with each.
        max_backoff: Longest wait.
    """

    max_attempts: int = 50
    min_backoff: timedelta = timedelta(seconds=1)
    max_backoff: timedelta = timedelta(seconds=60)

    def backoff(self, attempt: int) -> timedelta:
        """Return the wait after a failed delivery, the first being attempt 1."""
        # Doublings beyond 2**32 would only overflow the timedelta; the longest wait is reached long before.
        return min(self.max_backoff, self.min_backoff * (1 << min(attempt - 1, 32)))


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A message that is not delivered any more.

    Args:
        data: The message as published.
        reason: Why nobody could handle it, or ``out of attempts``.
    """

    data: bytes
    reason: str


OUT_OF_ATTEMPTS = "out of attempts"


class EventBus(Protocol):
    """Carries messages on topics with one subscription each.

    A message is delivered at least once, in any order, until it is acknowledged or has had its attempts. Every
    method may raise :class:`shared.errors.Transient`. Safe for threads and for several processes.
    """

    def publish(self, *events: Event) -> None:
        """Send events to their topics, for about the price of one; on return all are durable.

        After an exception each of them may have been sent or not.
        """
        ...

    def pull(self, topic: Topic, *, lease: timedelta, max_messages: int = 1) -> list[Delivery]:
        """Return up to ``max_messages`` that are due, leased to the caller, soon; an empty list is normal."""
        ...

    def extend(self, delivery: Delivery, *, lease: timedelta) -> None:
        """Hold a delivery for ``lease`` from now; without effect once its lease has ended."""
        ...

    def ack(self, delivery: Delivery) -> None:
        """Finish a message; without effect once its lease has ended, since it is then due again."""
        ...

    def nack(self, delivery: Delivery) -> None:
        """Give a message back, to come again after the back-off; the last attempt makes it a dead letter.

        Without effect once the lease has ended.
        """
        ...

    def dead_letter(self, delivery: Delivery, reason: str) -> None:
        """Make a message a dead letter at once, because no retry can help; without effect once the lease has ended."""
        ...

    def dead_letters(self, topic: Topic) -> list[DeadLetter]:
        """Return the dead letters of the topic, in the order they were published."""
        ...
