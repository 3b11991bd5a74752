"""Back-ends in memory, and ones that fail on demand, for tests of what is built on the ports."""

from dataclasses import dataclass, field
from datetime import timedelta

from shared.adapters.embedded.signed_url import UrlSigner
from shared.errors import Transient
from shared.job.events import Event, Topic, decode
from shared.ports.event_bus import DeliveryRules
from tests.doubles.memory_event_bus import MemoryEventBus
from tests.doubles.memory_heartbeat_store import MemoryHeartbeatStore
from tests.doubles.memory_job_store import MemoryJobStore
from tests.doubles.memory_object_store import MemoryObjectStore
from tests.job_fixture import HandClock

RULES = DeliveryRules(max_attempts=3, min_backoff=timedelta(seconds=10), max_backoff=timedelta(seconds=60))


class FailingBus(MemoryEventBus):
    """A bus that refuses as many publications as told, and counts them all."""

    num_refusals = 0
    num_publications = 0

    def publish(self, *events: Event) -> None:
        self.num_publications += 1
        if self.num_refusals:
            self.num_refusals -= 1
            raise Transient("the bus sleeps")
        super().publish(*events)


@dataclass
class Ground:
    """The four ports in memory, on one clock."""

    clock: HandClock = field(default_factory=HandClock)

    def __post_init__(self) -> None:
        self.signer = UrlSigner(b"secret", public_url="https://example.org", clock=self.clock)
        self.store = MemoryJobStore()
        self.heartbeats = MemoryHeartbeatStore()
        self.objects = MemoryObjectStore(signer=self.signer, clock=self.clock)
        self.bus = FailingBus(rules=RULES, clock=self.clock)

    def heard(self, topic: Topic) -> list[Event]:
        """Return what arrives on a topic now, and finish it."""
        deliveries = self.bus.pull(topic, lease=timedelta(seconds=60), max_messages=1000)
        for delivery in deliveries:
            self.bus.ack(delivery)
        return [decode(delivery.data) for delivery in deliveries]
