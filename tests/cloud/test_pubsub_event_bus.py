import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import pytest

from shared.adapters.gcp.pubsub.pubsub_event_bus import PubsubEventBus
from shared.adapters.gcp.pubsub.pubsub_topology import create_topology
from shared.adapters.gcp.vendor_error import CallLimit
from shared.errors import Transient
from shared.job.events import Topic, decode, job_queued
from shared.ports.event_bus import DeadLetter, Delivery, DeliveryRules, EventBus
from tests.cloud import emulator
from tests.contract.event_bus_contract import EventBusContract
from tests.job_fixture import NOW
from tests.waiting import PATIENCE_S, faults_of, until

LEASE = timedelta(seconds=10)


class TestPubsubEventBus(EventBusContract):
    # The emulator gives a message back at once after its first failure, and only roughly when it says so later.
    # All is long enough that a busy machine, which may stand still for a few seconds, lets no lease end unseen.
    rules: ClassVar[DeliveryRules] = DeliveryRules(
        max_attempts=5, min_backoff=timedelta(seconds=3), max_backoff=timedelta(seconds=6)
    )
    lease: ClassVar[timedelta] = timedelta(seconds=6)
    hold: ClassVar[timedelta] = timedelta(seconds=6)
    moment: ClassVar[float] = 0.2
    margin: ClassVar[float] = 4.5
    num_prompt_retries: ClassVar[int] = 1

    @pytest.fixture
    def bus(self, pubsub: str, project: str) -> Iterator[PubsubEventBus]:
        create_topology(project, rules=self.rules)
        bus = PubsubEventBus(project, pull_wait_s=0.3)
        yield bus
        bus.close()

    def advance(self, seconds: float) -> None:
        time.sleep(seconds)

    def pull_soon(self, bus: EventBus, topic: Topic = Topic.JOBS, max_messages: int = 1) -> list[Delivery]:
        return until(lambda: bus.pull(topic, lease=self.lease, max_messages=max_messages))

    def letters_soon(self, bus: EventBus, topic: Topic = Topic.JOBS) -> list[DeadLetter]:
        # The emulator notices at a pull that a message is out of attempts.
        return until(lambda: bus.dead_letters(topic) if self.is_idle(bus, topic) else [])

    def test_a_receipt_means_nothing_to_another_process(self, bus: PubsubEventBus, project: str) -> None:
        self.published(bus)
        delivery = self.delivered(bus)
        other = PubsubEventBus(project)
        other.ack(delivery)
        other.nack(delivery)
        other.dead_letter(delivery, "not mine")
        other.close()
        assert self.is_idle(bus)
        self.outlive_lease()
        assert self.delivered(bus).attempt == 2
        assert bus.dead_letters(Topic.JOBS) == []

    @pytest.mark.parametrize("seconds", [0, 601])
    def test_a_lease_that_pubsub_cannot_give_is_refused(self, bus: PubsubEventBus, seconds: int) -> None:
        with pytest.raises(ValueError, match=f"{seconds}.* s, expected 1 to 600"):
            bus.pull(Topic.JOBS, lease=timedelta(seconds=seconds))

    def test_a_pushed_message_can_be_recorded_as_dead(self, bus: PubsubEventBus) -> None:
        bus.record_dead(Topic.UPLOADS, b"", "é" * 1000)
        bus.record_dead(Topic.UPLOADS, b"no JSON", "unreadable")
        empty, unreadable = bus.dead_letters(Topic.UPLOADS)
        assert (empty.data, empty.reason) == (b"", "é" * 512), "Pub/Sub keeps 1024 bytes of a reason"
        assert unreadable == DeadLetter(data=b"no JSON", reason="unreadable")
        assert bus.dead_letters(Topic.UPLOADS) == [empty, unreadable], "looking takes nothing away"


class TestTopology:
    def test_making_it_again_changes_nothing_that_waits(self, pubsub: str, project: str) -> None:
        create_topology(project)
        bus = PubsubEventBus(project, pull_wait_s=0.3)
        event = job_queued("job-1", NOW)
        bus.publish(event)
        create_topology(project)
        (delivery,) = until(lambda: bus.pull(Topic.JOBS, lease=LEASE))
        assert decode(delivery.data) == event
        bus.close()

    def test_two_services_share_a_project(self, pubsub: str, project: str) -> None:
        buses = [PubsubEventBus(project, prefix=prefix, pull_wait_s=0.3) for prefix in ("one-", "two-")]
        for prefix in ("one-", "two-"):
            create_topology(project, prefix=prefix)
        buses[0].publish(job_queued("job-1", NOW))
        assert buses[1].pull(Topic.JOBS, lease=LEASE) == []
        assert len(until(lambda: buses[0].pull(Topic.JOBS, lease=LEASE))) == 1
        for bus in buses:
            bus.close()

    @pytest.mark.parametrize(
        "rules",
        [
            DeliveryRules(max_attempts=4),
            DeliveryRules(max_attempts=101),
            DeliveryRules(max_backoff=timedelta(minutes=11)),
            DeliveryRules(min_backoff=timedelta(seconds=2), max_backoff=timedelta(seconds=1)),
        ],
    )
    def test_rules_that_pubsub_cannot_keep_are_refused(self, rules: DeliveryRules) -> None:
        with pytest.raises(ValueError, match="Pub/Sub"):
            create_topology("demo", rules=rules)

    def test_what_nobody_made_is_transient_and_named(self, pubsub: str, project: str) -> None:
        bus = PubsubEventBus(project)
        with pytest.raises(Transient, match=f"{project}/topics/convtailor-jobs"):
            bus.publish(job_queued("job-1", NOW))
        with pytest.raises(Transient, match=f"{project}/subscriptions/convtailor-jobs"):
            bus.pull(Topic.JOBS, lease=LEASE)
        bus.close()


def pulled_if_in_time(bus: PubsubEventBus) -> list[Delivery]:
    """Pull by a bus that has less patience than an emulator on a busy machine, which has just started, may need."""
    with suppress(Transient):
        return bus.pull(Topic.JOBS, lease=LEASE)
    return []


class TestOutage:
    @pytest.mark.parametrize("stalls", [False, True], ids=["refused", "silent"])
    def test_a_bus_that_does_not_answer_is_transient_in_time(
        self, stalls: bool, project: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with emulator.dead_end(stalls=stalls) as address:
            monkeypatch.setenv("PUBSUB_EMULATOR_HOST", address)
            bus = PubsubEventBus(project, limit=CallLimit(seconds=1.5), pull_wait_s=0.5)
            faults = faults_of(
                lambda: bus.publish(job_queued("job-1", NOW)),
                lambda: bus.record_dead(Topic.JOBS, b"x", "y"),
            )
            assert set(faults) == {Transient}
            bus.close()

    def test_a_bus_that_goes_down_and_comes_back_carries_on(
        self, tmp_path: Path, project: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = emulator.start(emulator.PUBSUB, tmp_path / "first")
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", first.address)
        create_topology(project)
        bus = PubsubEventBus(project, limit=CallLimit(seconds=2), pull_wait_s=1)
        patient = PubsubEventBus(project, limit=CallLimit(seconds=PATIENCE_S))
        patient.publish(job_queued("job-1", NOW))
        (delivery,) = until(lambda: pulled_if_in_time(bus))
        first.stop()
        faults = faults_of(
            lambda: bus.publish(job_queued("job-2", NOW)),
            lambda: bus.pull(Topic.JOBS, lease=LEASE),
            lambda: bus.extend(delivery, lease=LEASE),
            lambda: bus.ack(delivery),
            lambda: bus.nack(delivery),
            lambda: bus.dead_letter(delivery, "why"),
            lambda: bus.dead_letters(Topic.JOBS),
        )
        assert set(faults) == {Transient}
        second = emulator.start(emulator.PUBSUB, tmp_path / "second", port=first.port)
        create_topology(project)  # the emulator forgets everything
        event = job_queued("job-3", NOW)
        patient.publish(event)
        (again,) = until(lambda: pulled_if_in_time(bus))
        assert decode(again.data) == event
        second.stop()
        for each in (bus, patient):
            each.close()
