"""The few calls of Pub/Sub that the bus needs, bounded in time, with Google's errors translated."""

import contextlib
from collections.abc import Iterator, Sequence
from functools import cached_property

from google.api_core.exceptions import DeadlineExceeded
from google.pubsub_v1 import PublisherClient, SubscriberClient
from google.pubsub_v1.types import PubsubMessage, ReceivedMessage

from shared.adapters.gcp.vendor_error import CallLimit, translated
from shared.errors import NotFound, Transient


@contextlib.contextmanager
def _talking(what: str) -> Iterator[None]:
    try:
        with translated(f"Pub/Sub {what}"):
            yield
    except NotFound as error:  # a topic or subscription is the operator's to make; nothing is lost until then
        raise Transient(str(error)) from error


class PubsubLink:
    """Two clients, connected at the first call; every method may raise :class:`shared.errors.Transient`.

    The plain clients, not the ones with queues and threads around them: on return a message is durable, and a lease
    is kept by whoever does the work.

    Args:
        limit: How long a call may take.
    """

    def __init__(self, limit: CallLimit) -> None:
        self._limit = limit

    def publish(self, topic: str, messages: Sequence[PubsubMessage]) -> None:
        """Send messages; on return they are durable."""
        with _talking(f"publishes to {topic}"):
            self._publisher.publish(topic=topic, messages=messages, **self._limit.options())

    def pull(self, subscription: str, *, max_messages: int, wait_s: float) -> list[ReceivedMessage]:
        """Return messages, each leased for as long as the subscription says; nothing after ``wait_s`` seconds."""
        try:
            with _talking(f"pulls from {subscription}"):
                answer = self._subscriber.pull(
                    subscription=subscription, max_messages=max_messages, retry=None, timeout=wait_s
                )
                return list(answer.received_messages)
        except Transient as error:
            if isinstance(error.__cause__, DeadlineExceeded):
                return []
            raise

    def set_lease(self, subscription: str, receipts: Sequence[str], seconds: int) -> None:
        """Lease deliveries for so many whole seconds from now; 0 gives them back."""
        if receipts:
            with _talking(f"leases from {subscription}"):
                self._subscriber.modify_ack_deadline(
                    subscription=subscription,
                    ack_ids=receipts,
                    ack_deadline_seconds=seconds,
                    **self._limit.options(),
                )

    def acknowledge(self, subscription: str, receipt: str) -> None:
        """Finish a message."""
        with _talking(f"acknowledges to {subscription}"):
            self._subscriber.acknowledge(subscription=subscription, ack_ids=[receipt], **self._limit.options())

    def close(self) -> None:
        """Let go of the connections."""
        for name in ("_publisher", "_subscriber"):
            if client := self.__dict__.pop(name, None):
                client.transport.close()

    @cached_property
    def _publisher(self) -> PublisherClient:
        return PublisherClient()

    @cached_property
    def _subscriber(self) -> SubscriberClient:
        return SubscriberClient()
