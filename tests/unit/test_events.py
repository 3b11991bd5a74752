"""The golden files are what other programs may rely on: change one only together with the version."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from shared.errors import MalformedEvent
from shared.job.events import (
    TOPIC_OF,
    Event,
    EventType,
    Topic,
    announcement,
    archive_uploaded,
    confirmation_awaited,
    decode,
    encode,
    job_queued,
)
from shared.job.job import JobState
from tests.job_fixture import NOW, archive_of, make_job

GOLDEN = Path(__file__).parent / "golden" / "events"


def example(kind: EventType) -> Event:
    uploaded = kind is EventType.ARCHIVE_UPLOADED
    return Event(
        type=kind,
        event_id="5f0c6b1e",
        job_id="job-ä",
        occurred_at=NOW,
        object_key="uploads/job-ä/archive.zip" if uploaded else None,
        generation="g1" if uploaded else None,
    )


@pytest.mark.parametrize("kind", EventType)
def test_every_event_reads_and_writes_its_golden_document(kind: EventType) -> None:
    golden = (GOLDEN / f"{kind}.json").read_bytes()
    assert encode(example(kind)) == golden.rstrip()
    assert decode(golden) == example(kind)


def test_there_is_one_golden_document_per_type() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(EventType)


def test_every_type_has_its_topic() -> None:
    topics = {kind: example(kind).topic for kind in EventType}
    assert topics == TOPIC_OF
    assert topics.pop(EventType.ARCHIVE_UPLOADED) is Topic.UPLOADS
    assert topics.pop(EventType.JOB_QUEUED) is Topic.JOBS
    assert set(topics.values()) == {Topic.RESULTS}


def document(**changes: object) -> bytes:
    return json.dumps({**json.loads(encode(example(EventType.JOB_QUEUED))), **changes}).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b"not json",
        b"[]",
        b"null",
        b"{}",
        b"[" * 100_000,
        document(version=2),
        document(type="job_eaten"),
        document(job_id=None),
        document(occurred_at="yesterday"),
        document(occurred_at="2026-03-01T12:00:00"),
    ],
    ids=range(12),
)
def test_what_is_no_event_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedEvent, match="received"):
        decode(data)


def test_a_field_that_a_newer_sender_adds_is_passed_over() -> None:
    assert decode(document(colour="red")) == example(EventType.JOB_QUEUED)


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        (JobState.QUEUED, EventType.JOB_QUEUED),
        (JobState.REPORTING, EventType.TRAINING_FINISHED),
        (JobState.REJECTED, EventType.JOB_REJECTED),
        (JobState.FAILED, EventType.JOB_FAILED),
        (JobState.CANCELLED, EventType.JOB_CANCELLED),
    ],
)
def test_a_state_that_somebody_waits_for_is_announced(state: JobState, kind: EventType) -> None:
    (event,) = announcement(make_job(state=state, archive=archive_of()), NOW)
    assert (event.type, event.job_id, event.occurred_at) == (kind, "job-1", NOW)


@pytest.mark.parametrize(
    "job",
    [
        make_job(state=JobState.AWAITING_UPLOAD),
        make_job(state=JobState.TRAINING),
        make_job(state=JobState.DONE),
        make_job(state=JobState.EXPIRED),
        make_job(state=JobState.CANCELLED),
        make_job(state=JobState.REJECTED, mailed_at=NOW),
    ],
    ids=lambda job: job.state,
)
def test_nothing_is_announced_where_nobody_waits(job: object) -> None:
    assert announcement(job, NOW) == ()


def test_facts_told_twice_carry_two_ids() -> None:
    later = NOW + timedelta(seconds=1)
    assert job_queued("job-1", NOW).event_id != job_queued("job-1", NOW).event_id
    event = archive_uploaded("job-1", later, object_key="k", generation="g")
    assert (event.type, event.object_key, event.generation) == (EventType.ARCHIVE_UPLOADED, "k", "g")


def test_who_has_to_confirm_an_address_is_asked_about_the_right_job() -> None:
    first, again = (confirmation_awaited("job-1", NOW) for _ in range(2))
    assert (first.type, first.job_id, first.occurred_at) == (EventType.CONFIRMATION_AWAITED, "job-1", NOW)
    assert first.event_id != again.event_id
