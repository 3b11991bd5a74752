"""Lines of the log: what operators and their programs read, whatever a line is told of."""

import io
import json
import logging
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TextIO

import pytest

from shared.errors import Conflict
from shared.job.events import Event, job_queued
from shared.logs import _JsonLines, _SharedStream, bound, start_logging
from shared.messaging.disposition import judge
from tests.job_fixture import NOW


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Return what is written to standard error once logging has started; puts the logging of the tests back."""
    root, written = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers[:], root.level
    for name in ("logThreads", "logProcesses", "logMultiprocessing", "_srcfile"):
        monkeypatch.setattr(logging, name, getattr(logging, name))
    monkeypatch.setattr(sys, "stderr", written)
    root.handlers = []
    start_logging("INFO", "intake")
    yield written
    root.handlers, root.level = handlers, level


def lines(log: io.StringIO) -> list[dict]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_a_line_tells_when_how_grave_who_and_what_it_is_about(log: io.StringIO) -> None:
    with bound(job_id="7", attempt=2):
        logging.getLogger("shared.web.access").info("%s %d", "GET", 200, extra={"route": "/v1/jobs/<job_id>"})
    (line,) = lines(log)
    told_at = datetime.strptime(line.pop("time"), "%Y-%m-%d %H:%M:%S,%f").astimezone(UTC)
    assert abs((datetime.now(UTC) - told_at).total_seconds()) < 3600
    assert line == {
        "severity": "INFO",
        "logger": "shared.web.access",
        "message": "GET 200",
        "route": "/v1/jobs/<job_id>",
        "job_id": "7",
        "attempt": 2,
        "service": "intake",
    }


def test_every_line_of_a_message_names_its_job_and_its_event(log: io.StringIO) -> None:
    event = job_queued("7", NOW)

    def handler(_event: Event) -> None:
        logging.getLogger("x").info("at it")
        raise Conflict("held")

    judge(lambda: event, handler)
    assert [(line["job_id"], line["event_id"]) for line in lines(log)] == 2 * [("7", event.event_id)]


def test_a_surprise_keeps_its_traceback_on_one_line(log: io.StringIO) -> None:
    try:
        int("of\ntwo lines")
    except ValueError:
        logging.getLogger("x").exception("incident %s", "4f")
    (line,) = lines(log)
    assert (line["severity"], line["message"]) == ("ERROR", "incident 4f")
    assert "Traceback" in line["exc_info"]
    assert line["exc_info"].endswith("'of\\ntwo lines'")


def test_what_json_does_not_know_is_told_as_text(log: io.StringIO) -> None:
    logging.getLogger("x").warning("m", extra={"when": datetime(2026, 1, 2, tzinfo=UTC)})
    (line,) = lines(log)
    assert line["when"] == "2026-01-02 00:00:00+00:00"


def test_half_a_character_is_told_in_characters_that_can_be_written() -> None:
    line = _JsonLines("intake").format(logging.makeLogRecord({"msg": "name \udcff"}))
    assert line.isascii()
    assert json.loads(line)["message"] == "name \udcff"


def test_lines_of_the_same_and_of_another_second_tell_their_own_time(log: io.StringIO) -> None:
    logger = logging.getLogger("x")
    for created in (1_700_000_000.001, 1_700_000_000.999, 1_700_000_001.5, 1_700_000_000.25):
        logger.handle(
            logging.makeLogRecord({"msg": "m", "levelno": 20, "created": created, "msecs": created % 1 * 1000})
        )
    times = [datetime.strptime(line["time"], "%Y-%m-%d %H:%M:%S,%f") for line in lines(log)]
    assert [round((each - times[0]).total_seconds(), 3) for each in times] == pytest.approx(
        [0, 0.998, 1.499, 0.249], abs=0.002
    )


def logger_to(stream: TextIO) -> logging.Logger:
    logger = logging.getLogger(f"tests.{id(stream)}")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(_SharedStream(stream))
    return logger


class _Slow(io.StringIO):
    """Lets nobody go on who writes, until told to."""

    def __init__(self) -> None:
        super().__init__()
        self.is_written_to, self.may_go_on = threading.Event(), threading.Event()

    def write(self, text: str) -> int:
        self.is_written_to.set()
        assert self.may_go_on.wait(30)
        return super().write(text)


def test_no_thread_waits_for_the_line_of_another_and_every_line_is_written_once_and_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow = _Slow()
    monkeypatch.setattr(logging, "raiseExceptions", False)
    logger = logger_to(slow)
    first = threading.Thread(target=logger.info, args=("line of the first",))
    first.start()
    assert slow.is_written_to.wait(30)
    others = [threading.Thread(target=logger.info, args=("line %d", number)) for number in range(20)]
    for each in others:
        each.start()
    for each in others:
        each.join(30)
        assert not each.is_alive(), "a thread waits for the line of another"
    assert slow.getvalue() == ""
    slow.may_go_on.set()
    first.join(30)
    written = slow.getvalue().splitlines()
    assert written[0] == "line of the first"
    assert sorted(written[1:]) == sorted(f"line {number}" for number in range(20))


def test_a_stream_that_fails_stops_nobody_and_later_lines_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(io.StringIO):
        is_broken = True

        def write(self, text: str) -> int:
            if self.is_broken:
                raise OSError("gone")
            return super().write(text)

    stream = Failing()
    monkeypatch.setattr(logging, "raiseExceptions", False)
    logger = logger_to(stream)
    logger.info("lost")
    stream.is_broken = False
    logger.info("kept")
    assert stream.getvalue() == "kept\n"
