"""A worker whose job lasts longer than a lease of Pub/Sub's: the message stays its own until the end."""

import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from services.trainer.worker.worker import Worker, WorkerRules
from shared.adapters.gcp.pubsub_event_bus import PubsubEventBus
from shared.adapters.gcp.pubsub_topology import create_topology
from shared.job.events import Topic, announcement
from shared.job.job import JobState
from shared.ports.event_bus import DeliveryRules
from tests.unit.test_worker import House, scripted

LEASE = timedelta(seconds=10)
"""The shortest that the trainer takes."""
PULL_WAIT_S = 2.0


@pytest.fixture
def bus(pubsub: str, project: str) -> Iterator[PubsubEventBus]:
    create_topology(project, rules=DeliveryRules(max_attempts=5, min_backoff=timedelta(0)))
    bus = PubsubEventBus(project, pull_wait_s=PULL_WAIT_S)
    yield bus
    bus.close()


def worker_of(house: House, bus: PubsubEventBus, script: str) -> Worker:
    return Worker(
        store=house.store,
        bus=bus,
        spawn=lambda: scripted(script),
        owner="worker",
        forget=lambda _: None,
        rules=WorkerRules(lease=LEASE, warm_child=False),
    )


def test_a_job_longer_than_its_lease_is_delivered_once(bus: PubsubEventBus, project: str) -> None:
    house = House()
    for event in announcement(house.job, house.job.created_at):
        bus.publish(event)
    worker = worker_of(house, bus, "work_past_every_lease")
    began = time.monotonic()
    thread = threading.Thread(target=worker.run)
    thread.start()
    other = PubsubEventBus(project, pull_wait_s=0.5)
    try:
        while house.job.state is not JobState.TRAINING:
            time.sleep(0.05)
        while house.job.state is JobState.TRAINING:
            assert other.pull(Topic.JOBS, lease=LEASE) == []
        assert house.job.state is JobState.REPORTING
        assert time.monotonic() - began > LEASE.total_seconds()
    finally:
        worker.shutdown.set()
        thread.join(PULL_WAIT_S + 5)
    assert not thread.is_alive()
    assert other.pull(Topic.JOBS, lease=LEASE) == []
    other.close()


def test_a_worker_that_waits_for_a_message_leaves_within_one_wait(bus: PubsubEventBus) -> None:
    worker = worker_of(House(), bus, "succeed")
    thread = threading.Thread(target=worker.run)
    thread.start()
    time.sleep(0.5)
    told = time.monotonic()
    worker.shutdown.set()
    thread.join(30)
    assert not thread.is_alive()
    assert time.monotonic() - told < PULL_WAIT_S + 1
