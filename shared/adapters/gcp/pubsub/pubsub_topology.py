"""Makes the topics and subscriptions of the bus, for emulators; in production Terraform makes the same.

PUBSUB_EMULATOR_HOST=127.0.0.1:8085 CONVTAILOR_GCP_PROJECT=demo python -m shared.adapters.gcp.pubsub.pubsub_topology
"""

import contextlib
import os
from collections.abc import Mapping
from datetime import timedelta

from google.api_core.exceptions import AlreadyExists
from google.pubsub_v1 import PublisherClient, SubscriberClient
from google.pubsub_v1.types import DeadLetterPolicy, ExpirationPolicy, PushConfig, RetryPolicy, Subscription

from shared.adapters.gcp.pubsub.pubsub_name import PubsubName
from shared.adapters.gcp.vendor_error import CallLimit, translated
from shared.job.events import Topic
from shared.ports.event_bus import DeliveryRules
from shared.settings import InvalidSettings, Settings, load

FEWEST_ATTEMPTS = 5
MOST_ATTEMPTS = 100
_LONGEST_BACKOFF = timedelta(seconds=600)
_CALL = CallLimit()


def create_topology(
    project: str,
    *,
    prefix: str = "convtailor-",
    rules: DeliveryRules | None = None,
    push_endpoints: Mapping[Topic, str] | None = None,
    lease_s: int = 10,
) -> None:
    """Make what is missing; what is there stays as it is, but for its push endpoint.

    Args:
        project: Google Cloud project, or any name on an emulator.
        prefix: What the names begin with.
        rules: How often and how soon a message comes again.
        push_endpoints: URLs of the topics that are pushed; the others are pulled.
        lease_s: Whole seconds, 10 to 600, after which a delivery comes again that nobody has said a word about; of a
            push also how long its request may take.

    Raises:
        ValueError: If Pub/Sub has no such rules.
        Transient: If Pub/Sub does not answer.
    """
    rules = rules or DeliveryRules()
    _check(rules)
    name = PubsubName(project=project, prefix=prefix)
    publisher, subscriber = PublisherClient(), SubscriberClient()
    try:
        with translated("Pub/Sub makes topics and subscriptions"):
            for topic in Topic:
                for each in (name.topic(topic), name.dead_topic(topic)):
                    with contextlib.suppress(AlreadyExists):
                        publisher.create_topic(name=each, **_CALL.options())
                endpoint = (push_endpoints or {}).get(topic, "")
                _subscribe(subscriber, _dead_subscription(name, topic))
                _subscribe(subscriber, _subscription(name, topic, rules, endpoint=endpoint, lease_s=lease_s))
    finally:
        publisher.transport.close()
        subscriber.transport.close()


def _check(rules: DeliveryRules) -> None:
    if not FEWEST_ATTEMPTS <= rules.max_attempts <= MOST_ATTEMPTS:
        raise ValueError(
            f"received {rules.max_attempts} attempts; Pub/Sub makes dead letters after {FEWEST_ATTEMPTS} to"
            f" {MOST_ATTEMPTS}"
        )
    if not timedelta() <= rules.min_backoff <= rules.max_backoff <= _LONGEST_BACKOFF:
        raise ValueError(
            f"received a back-off from {rules.min_backoff} to {rules.max_backoff}; Pub/Sub waits 0 to"
            f" {_LONGEST_BACKOFF.total_seconds():.0f} s, the shorter first"
        )


def _subscription(name: PubsubName, topic: Topic, rules: DeliveryRules, *, endpoint: str, lease_s: int) -> Subscription:
    return Subscription(
        name=name.subscription(topic),
        topic=name.topic(topic),
        ack_deadline_seconds=lease_s,
        push_config=PushConfig(push_endpoint=endpoint),
        dead_letter_policy=DeadLetterPolicy(
            dead_letter_topic=name.dead_topic(topic), max_delivery_attempts=rules.max_attempts
        ),
        retry_policy=RetryPolicy(minimum_backoff=rules.min_backoff, maximum_backoff=rules.max_backoff),
        expiration_policy=ExpirationPolicy(),  # an empty one never expires; none at all does after 31 quiet days
    )


def _dead_subscription(name: PubsubName, topic: Topic) -> Subscription:
    return Subscription(
        name=name.dead_subscription(topic),
        topic=name.dead_topic(topic),
        ack_deadline_seconds=60,
        expiration_policy=ExpirationPolicy(),
    )


def _subscribe(subscriber: SubscriberClient, wanted: Subscription) -> None:
    try:
        subscriber.create_subscription(request=wanted, **_CALL.options())
    except AlreadyExists:
        subscriber.modify_push_config(subscription=wanted.name, push_config=wanted.push_config, **_CALL.options())


def main() -> None:
    """Make the topology of the project and prefix in the environment.

    Raises:
        InvalidSettings: If no project is named.
    """
    settings = load(Settings, os.environ)
    if settings.gcp_project is None:
        raise InvalidSettings("CONVTAILOR_GCP_PROJECT is missing: the project to make topics and subscriptions in")
    create_topology(settings.gcp_project, prefix=settings.gcp_prefix)


if __name__ == "__main__":
    main()
