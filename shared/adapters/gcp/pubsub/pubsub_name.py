"""What topics and subscriptions are called in Pub/Sub."""

from dataclasses import dataclass

from shared.job.events import Topic


@dataclass(frozen=True, slots=True, kw_only=True)
class PubsubName:
    """The full names of one project; a subscription is called like its topic.

    Args:
        project: Google Cloud project.
        prefix: What every name begins with, so that a project can hold several services.
    """

    project: str
    prefix: str = "convtailor-"

    def topic(self, topic: Topic) -> str:
        """Return the topic of an event."""
        return f"projects/{self.project}/topics/{self.prefix}{topic}"

    def subscription(self, topic: Topic) -> str:
        """Return the one subscription of a topic."""
        return f"projects/{self.project}/subscriptions/{self.prefix}{topic}"

    def dead_topic(self, topic: Topic) -> str:
        """Return where messages go that are not delivered any more."""
        return f"{self.topic(topic)}-dead"

    def dead_subscription(self, topic: Topic) -> str:
        """Return the subscription that keeps them; without one they would be lost."""
        return f"{self.subscription(topic)}-dead"
