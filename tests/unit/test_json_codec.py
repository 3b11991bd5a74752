import json
from datetime import timedelta, timezone

import pytest
from pydantic import ValidationError

from shared.job.job import Job, JobState
from shared.job.result import Result
from shared.json_codec import from_json, json_schema, to_json
from tests.job_fixture import NOW, full_job, make_job


@pytest.mark.parametrize("job", [make_job(), full_job()], ids=["bare", "full"])
def test_a_job_survives_json_unchanged(job: Job) -> None:
    assert from_json(Job, json.loads(json.dumps(to_json(job)))) == job


def test_values_are_written_as_json_has_them() -> None:
    document = to_json(make_job(state=JobState.QUEUED))
    assert document["created_at"] == "2026-03-01T12:00:00.250000Z"
    assert document["state"] == "queued"
    assert document["trials"] == []


def test_a_time_elsewhere_is_the_same_moment() -> None:
    there = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))
    job = from_json(Job, to_json(make_job(created_at=there)))
    assert job.created_at == NOW


def test_every_fault_of_a_document_is_reported() -> None:
    document = {**to_json(make_job()), "attempts": "many", "state": "asleep"}
    del document["email"]
    with pytest.raises(ValidationError) as caught:
        from_json(Job, document)
    assert {error["loc"][0] for error in caught.value.errors()} == {"attempts", "state", "email"}


def test_a_job_written_before_a_field_existed_is_still_read() -> None:
    document = to_json(make_job())
    for newer in ("reminded_at", "mail_fault", "trained_s"):
        del document[newer]
    assert from_json(Job, document) == make_job()


def test_the_result_has_a_schema() -> None:
    schema = json_schema(Result)
    assert schema["type"] == "object"
    assert {"job_id", "winner", "test", "timings_s"} <= set(schema["required"])
