"""The table of what becomes of a message, and what the operator reads about it."""

import logging
from datetime import timedelta

import pytest

from shared.errors import Conflict, MalformedEvent, NotFound, Transient, UserFault
from shared.job.claim import Claimed, take
from shared.job.events import Event, job_queued
from shared.messaging.disposition import Disposition, Settlement, judge
from tests.job_fixture import NOW

EVENT = job_queued("job-1", NOW)
AGAIN = "comes again"


def raised(error: Exception) -> Event:
    raise error


@pytest.mark.parametrize(
    ("error", "disposition", "level", "said", "reason"),
    [
        (NotFound("it is gone"), Disposition.ACK, logging.WARNING, "dropped {}: it is gone", ""),
        (Conflict("held"), Disposition.NACK, logging.INFO, "{} comes again: held", ""),
        (Transient("slow"), Disposition.NACK, logging.INFO, "{} comes again: slow", ""),
        (
            MalformedEvent("no id"),
            Disposition.DEAD_LETTER,
            logging.ERROR,
            "dead letter: {}: no id",
            "MalformedEvent: no id",
        ),
        (
            UserFault("invalid_email", "no address", fix="f"),
            Disposition.DEAD_LETTER,
            logging.ERROR,
            "dead letter: {}: no address",
            "UserFault: no address",
        ),
        (
            ZeroDivisionError("oops"),
            Disposition.SURPRISE,
            logging.ERROR,
            "{} comes again after a surprise",
            "",
        ),
    ],
)
def test_what_a_handler_raises_decides_and_is_told(
    error: Exception, disposition: Disposition, level: int, said: str, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        settlement = judge(lambda: EVENT, lambda _: raised(error))
    assert settlement == Settlement(disposition=disposition, event=EVENT, reason=reason)
    (record,) = caplog.records
    assert (record.levelno, record.message) == (level, said.format("job_queued"))
    is_fault_of_ours = level == logging.ERROR
    assert bool(record.exc_info) is is_fault_of_ours


def test_a_message_that_cannot_be_read_is_a_dead_letter_with_its_reason_and_without_a_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    settlement = judge(lambda: raised(MalformedEvent("no JSON")), pytest.fail)
    assert settlement == Settlement(disposition=Disposition.DEAD_LETTER, reason="no JSON")
    (record,) = caplog.records
    assert record.message == "dead letter: a message that cannot be read: no JSON"
    assert not record.exc_info


def test_what_was_handled_or_is_none_of_ours_is_done_with(caplog: pytest.LogCaptureFixture) -> None:
    handled: list[Event] = []
    assert judge(lambda: EVENT, handled.append) == Settlement(disposition=Disposition.ACK, event=EVENT)
    assert judge(lambda: None, pytest.fail) == Settlement(disposition=Disposition.ACK)
    assert handled == [EVENT]
    assert not caplog.records


def test_a_message_whose_job_is_claimed_is_held_until_the_claim_ends(caplog: pytest.LogCaptureFixture) -> None:
    claim = take(None, owner="ada", now=NOW, lease=timedelta(seconds=30))
    with caplog.at_level(logging.INFO):
        settlement = judge(lambda: EVENT, lambda _: raised(Claimed(claim, timedelta(seconds=12))))
    assert settlement == Settlement(disposition=Disposition.HOLD, event=EVENT, held_for=timedelta(seconds=12))
    assert "job_queued comes again when a claim ends: claimed by ada" in caplog.text
