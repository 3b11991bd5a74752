from collections.abc import Collection

import pytest

from shared.errors import ConvtailorError, Transient
from shared.job.events import Event, Topic, job_queued
from shared.messaging.outbox import publish_pending
from tests.bus_fixture import FailingBus, Ground
from tests.doubles.memory_job_store import MemoryJobStore
from tests.job_fixture import NOW, make_job


@pytest.fixture
def ground() -> Ground:
    return Ground()


def test_recorded_events_are_published_once(ground: Ground) -> None:
    events = [job_queued("job-1", NOW) for _ in range(250)]
    ground.store.create(make_job(), events)
    assert publish_pending(ground.store, ground.bus) == 250
    assert ground.heard(Topic.JOBS) == events
    assert publish_pending(ground.store, ground.bus) == 0
    assert ground.heard(Topic.JOBS) == []


def test_what_the_bus_refuses_stays_recorded_for_the_next_call(ground: Ground) -> None:
    events = [job_queued("job-1", NOW) for _ in range(2)]
    ground.store.create(make_job(), events)
    ground.bus.num_refusals = 1
    assert publish_pending(ground.store, ground.bus) == 0
    assert ground.heard(Topic.JOBS) == []
    assert publish_pending(ground.store, ground.bus) == 2
    assert ground.heard(Topic.JOBS) == events


def test_many_events_cost_few_waits_for_the_bus_and_the_store(ground: Ground) -> None:
    """A disk that takes 10 ms would need minutes to announce ten thousand jobs one by one."""
    settled: list[int] = []

    class Counting(MemoryJobStore):
        def settle_events(self, event_ids: Collection[str]) -> None:
            settled.append(len(event_ids))
            super().settle_events(event_ids)

    ground.store = Counting()
    ground.store.create(make_job(), [job_queued("job-1", NOW) for _ in range(250)])
    assert publish_pending(ground.store, ground.bus) == 250
    assert ground.bus.num_publications == 3
    assert settled == [100, 100, 50]


def test_what_was_published_before_a_crash_is_published_again_and_nothing_is_lost(ground: Ground) -> None:
    class Broken(MemoryJobStore):
        def settle_events(self, event_ids: Collection[str]) -> None:
            raise Transient("killed in this moment")

    events = [job_queued("job-1", NOW) for _ in range(3)]
    ground.store = Broken()
    ground.store.create(make_job(), events)
    publish_pending(ground.store, ground.bus)
    assert ground.heard(Topic.JOBS) == events
    assert ground.store.pending_events() == events


def test_an_event_that_cannot_be_read_stops_no_other(ground: Ground, caplog: pytest.LogCaptureFixture) -> None:
    events = [job_queued("job-1", NOW) for _ in range(250)]
    ground.store.create(make_job(), events)
    for damaged in events[:120]:
        ground.store.spoil_event(damaged.event_id, b'{"version": 2}')
    assert publish_pending(ground.store, ground.bus) == 130
    assert ground.heard(Topic.JOBS) == events[120:]
    assert len(ground.store.set_aside) == 120
    alarms = [record for record in caplog.records if record.levelname == "ERROR"]
    assert {record.name for record in alarms} == {"shared.job.stored"}
    assert len(alarms) == 120


def test_an_event_that_the_bus_refuses_for_good_stops_no_other(
    ground: Ground, caplog: pytest.LogCaptureFixture
) -> None:
    class Choosy(FailingBus):
        def publish(self, *events: Event) -> None:
            if refused in events:
                raise ConvtailorError("invalid argument")
            super().publish(*events)

    first, refused, last = (job_queued(f"job-{number}", NOW) for number in range(3))
    ground.bus = Choosy(clock=ground.clock)
    ground.store.create(make_job(), [first, refused, last])
    assert publish_pending(ground.store, ground.bus) == 2
    assert ground.heard(Topic.JOBS) == [first, last]
    assert publish_pending(ground.store, ground.bus) == 0
    assert refused.event_id in caplog.text
