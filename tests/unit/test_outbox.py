import pytest

from shared.job.events import Topic, job_queued
from shared.messaging.outbox import publish_pending
from tests.bus_fixture import Ground
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
