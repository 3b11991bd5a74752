"""One thing in a store that cannot be read is told of and set aside; the others are read."""

import json
import logging
from dataclasses import replace

import pytest

from shared.errors import Unreadable
from shared.job.events import encode, job_queued
from shared.job.job import Job
from shared.job.stored import read_events, read_job
from shared.json_codec import from_json, to_json, to_json_text, to_stored_text
from tests.job_fixture import NOW, full_job, make_job


def test_a_job_comes_back_as_it_was_written() -> None:
    assert read_job(json.dumps(to_json(full_job())), job_id="job-1") == full_job()


def test_what_an_earlier_version_wrote_beside_is_no_reason_to_lose_a_job() -> None:
    stored = to_json(full_job()) | {"retried_at_fence": 4}
    assert read_job(json.dumps(stored), job_id="job-1") == full_job()


def test_a_job_with_half_a_character_is_still_read_and_told() -> None:
    """As an older version may have stored it, escaped; UTF-8 knows no such thing."""
    odd = replace(full_job(), fault=None, token_hash="\udcff")
    assert read_job(json.dumps(to_json(odd)), job_id="job-1") == odd
    assert from_json(Job, json.loads(to_json_text(odd))) == odd
    assert read_job(to_stored_text(odd), job_id="job-1") == odd
    plain = to_json_text(make_job(token_hash="HALF"))
    assert to_json_text(make_job(token_hash="\udcff")) == plain.replace(b"HALF", b"\\udcff"), "as short as any"


def test_a_job_that_is_asked_for_again_and_again_is_read_once() -> None:
    text = to_stored_text(full_job())
    assert read_job(text, job_id="job-1") is read_job(text, job_id="job-1")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "Expecting property name"),
        ("[]", "should be a dictionary"),
        ('{"job_id": "job-1", "email": "ada@example.org"}', "token_hash"),
        ("[" * 100_000, "recursion"),
    ],
)
def test_a_job_that_cannot_be_read_is_named_in_the_alarm_without_what_is_in_it(
    text: str, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(Unreadable, match=f"job-1 cannot be read by this version.*{said}"):
        read_job(text, job_id="job-1")
    (record,) = caplog.records
    assert (record.levelno, record.job_id) == (logging.ERROR, "job-1")
    assert "job-1" in record.message
    assert said in record.message
    assert "ada@example.org" not in record.message


def test_events_that_cannot_be_read_are_set_aside_by_their_ids(caplog: pytest.LogCaptureFixture) -> None:
    event = job_queued("job-1", NOW)
    events, unreadable = read_events([("bad", b"{"), (event.event_id, encode(event)), ("worse", b'{"type": "rumour"}')])
    assert events == [event]
    assert unreadable == ["bad", "worse"]
    assert [(record.levelno, record.event_id) for record in caplog.records] == [
        (logging.ERROR, "bad"),
        (logging.ERROR, "worse"),
    ]
    assert "event bad cannot be read" in caplog.text
