from datetime import UTC, datetime

import pytest

from shared.adapters.gcp.storage.notification import event_of_notification
from shared.errors import MalformedEvent
from shared.job.events import EventType, Topic, decode, encode

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TOLD = {
    "notificationConfig": "projects/_/buckets/data/notificationConfigs/1",
    "eventType": "OBJECT_FINALIZE",
    "payloadFormat": "JSON_API_V1",
    "bucketId": "data",
    "objectId": "uploads/7f3a/archive.zip",
    "objectGeneration": "1772366400000000",
    "eventTime": "2026-03-01T11:59:58.123456Z",
}


def event_of(**changes: str):
    return event_of_notification({**TOLD, **changes}, bucket="data", now=NOW)


def test_a_finished_archive_is_told_as_our_event():
    event = event_of()
    assert event.type is EventType.ARCHIVE_UPLOADED
    assert event.topic is Topic.UPLOADS
    assert event.job_id == "7f3a"
    assert (event.object_key, event.generation) == ("uploads/7f3a/archive.zip", "1772366400000000")
    assert event.occurred_at == datetime(2026, 3, 1, 11, 59, 58, 123456, tzinfo=UTC)
    assert decode(encode(event)) == event


def test_one_object_told_twice_is_one_event_and_another_generation_is_another():
    assert event_of() == event_of(notificationConfig="another", payloadFormat="NONE")
    another = event_of(objectId="uploads/8/archive.zip")
    ids = {event_of().event_id, event_of(objectGeneration="2").event_id, another.event_id}
    assert len(ids) == 3


@pytest.mark.parametrize(
    "changes",
    [
        {"eventType": "OBJECT_DELETE"},
        {"eventType": "OBJECT_METADATA_UPDATE"},
        {"eventType": ""},
        {"bucketId": "somebody-elses"},
        {"objectId": "jobs/7f3a/1/model.h5"},
        {"objectId": "uploads/7f3a"},
        {"objectId": "uploads/7f3a/handover.json"},
        {"objectId": "uploads//archive.zip"},
        {"objectId": "uploads/7f3a/deeper/archive.zip"},
    ],
    ids=str,
)
def test_what_tells_of_something_else_is_no_event(changes):
    assert event_of(**changes) is None


@pytest.mark.parametrize("name", ["objectId", "objectGeneration"])
def test_a_notification_without_its_object_is_malformed(name):
    with pytest.raises(MalformedEvent, match=name):
        event_of(**{name: ""})


@pytest.mark.parametrize("told", ["", "yesterday", "2026-03-01T11:59:58"])
def test_without_a_readable_time_it_happened_now(told):
    assert event_of(eventTime=told).occurred_at == NOW
