"""A worker whose job lasts longer than a lease of Pub/Sub's: the message stays its own until the end."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from shared.adapters.gcp.pubsub.pubsub_event_bus import PubsubEventBus
from shared.adapters.gcp.pubsub.pubsub_topology import create_topology
from shared.job.events import Topic, announcement
from shared.job.job import JobState
from shared.ports.event_bus import Delivery, DeliveryRules
from tests.waiting import PATIENCE_S
from tests.worker_fixture import RealHouse

LEASE = timedelta(seconds=10)
"""The shortest that the trainer takes."""
LONGER_MINUTES = 13 / 60


class CountingBus(PubsubEventBus):
    """Counts what the worker asks of it."""

    num_extended = 0
    num_asked = 0

    def __init__(self, project: str) -> None:
        super().__init__(project, pull_wait_s=2.0)
        self.is_asked = threading.Event()

    def pull(self, topic: Topic, **options: Any) -> list[Delivery]:
        self.num_asked += topic is Topic.JOBS
        self.is_asked.set()
        return super().pull(topic, **options)

    def extend(self, delivery: Delivery, *, lease: timedelta) -> None:
        self.num_extended += 1
        super().extend(delivery, lease=lease)


@pytest.fixture
def bus(pubsub: str, project: str) -> Iterator[CountingBus]:
    create_topology(project, rules=DeliveryRules(max_attempts=5, min_backoff=timedelta(0)))
    bus = CountingBus(project)
    yield bus
    bus.close()


def test_a_job_longer_than_its_lease_is_delivered_once(bus: CountingBus, project: str) -> None:
    house = RealHouse(budget_minutes=LONGER_MINUTES)
    house.bus = bus
    for event in announcement(house.job, house.clock()):
        bus.publish(event)
    worker = house.worker("finish_when_told", lease=LEASE)
    thread = threading.Thread(target=worker.run)
    thread.start()
    other = PubsubEventBus(project, pull_wait_s=0.5)
    try:
        while house.job.state is JobState.QUEUED:
            worker.shutdown.wait(0.05)
        while house.job.state is JobState.TRAINING:
            assert other.pull(Topic.JOBS, lease=LEASE) == []
        assert house.job.state is JobState.REPORTING
        assert bus.num_extended > 0
    finally:
        worker.shutdown.set()
        thread.join(PATIENCE_S)
    assert not thread.is_alive()
    assert other.pull(Topic.JOBS, lease=LEASE) == []
    other.close()


def test_a_worker_that_waits_for_a_message_leaves_within_one_wait(bus: CountingBus) -> None:
    house = RealHouse()
    house.bus = bus
    worker = house.worker("succeed", lease=LEASE)
    thread = threading.Thread(target=worker.run)
    thread.start()
    assert bus.is_asked.wait(PATIENCE_S)
    worker.shutdown.set()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    assert bus.num_asked == 1
