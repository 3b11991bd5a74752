import json
from dataclasses import fields, is_dataclass
from datetime import timedelta, timezone
from types import NoneType
from typing import Any, get_args, get_type_hints

import pytest
from pydantic import ValidationError

from shared.errors import Fault
from shared.job.heartbeat import Heartbeat
from shared.job.job import Job, JobState
from shared.job.result import Result
from shared.json_codec import faults_of, from_json, from_same_text, json_schema, to_json, to_stored_text
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


def test_faults_of_a_document_are_told_in_one_line_by_their_places_without_its_values() -> None:
    document = to_json(make_job()) | {"attempts": "secret"}
    document["upload"] |= {"max_bytes": "secret"}
    with pytest.raises(ValidationError) as caught:
        from_json(Job, document)
    first, second = faults_of(caught.value).split("; ")
    assert (first.partition(": ")[0], second.partition(": ")[0]) == ("upload.max_bytes", "attempts")
    assert "integer" in first
    assert "secret" not in first + second


def test_a_job_written_before_a_field_existed_is_still_read() -> None:
    document = to_json(make_job())
    for newer in ("reminded_at", "mail_fault", "trained_s"):
        del document[newer]
    assert from_json(Job, document) == make_job()


@pytest.mark.parametrize("job", [make_job(), full_job()], ids=["bare", "full"])
def test_what_is_null_is_not_kept_and_is_null_again_when_it_is_read(job: Job) -> None:
    kept = to_stored_text(job)
    assert "null" not in kept
    assert from_same_text(Job, kept) == from_json(Job, json.loads(kept)) == job


def test_what_a_dictionary_holds_is_kept_null_or_not() -> None:
    fault = Fault(code="a", message="b", fix="c", details={"most": None, "left": [None]})
    assert from_same_text(Fault, to_stored_text(fault)) == fault


@pytest.mark.parametrize("kept", [Job, Heartbeat])
def test_nothing_that_can_be_null_is_anything_else_where_it_is_missing(kept: type) -> None:
    """Else it would come back from a store as another value than was written."""
    for cls in types_within(kept):
        hints = get_type_hints(cls)
        can_be_null = [each for each in fields(cls) if NoneType in get_args(hints[each.name])]
        assert [each.name for each in can_be_null if each.default is not None] == []


def types_within(hint: Any) -> set[type]:
    """Return the dataclasses that a value of a type is made of."""
    found = {hint} if is_dataclass(hint) else set()
    inner = [*get_args(hint), *(get_type_hints(hint).values() if found else ())]
    return found.union(*(types_within(each) for each in inner))


def test_the_same_text_is_read_once_and_what_is_long_is_not_remembered() -> None:
    kept = to_stored_text(make_job())
    assert from_same_text(Job, kept) is from_same_text(Job, "".join(list(kept)))
    with pytest.raises(ValidationError):
        from_same_text(Heartbeat, kept)
    long = to_stored_text(make_job(device="x" * 10_000))
    assert from_same_text(Job, long) == from_same_text(Job, long)
    assert from_same_text(Job, long) is not from_same_text(Job, long)


def test_the_result_has_a_schema() -> None:
    schema = json_schema(Result)
    assert schema["type"] == "object"
    assert {"job_id", "winner", "test", "timings_s"} <= set(schema["required"])
