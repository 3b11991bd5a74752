import pytest

from shared.errors import ConvtailorError
from shared.job.events import Event, Topic, job_queued
from shared.messaging.outbox import publish_pending
from tests.bus_fixture import FailingBus, Ground
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
        def publish(self, event: Event) -> None:
            if event == refused:
                raise ConvtailorError("invalid argument")
            super().publish(event)

    refused, other = job_queued("job-1", NOW), job_queued("job-2", NOW)
    ground.bus = Choosy(clock=ground.clock)
    ground.store.create(make_job(), [refused, other])
    assert publish_pending(ground.store, ground.bus) == 1
    assert ground.heard(Topic.JOBS) == [other]
    assert publish_pending(ground.store, ground.bus) == 0
    assert refused.event_id in caplog.text
