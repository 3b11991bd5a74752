"""Lines of the log: what operators and their programs read, whatever a line is told of."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from shared.logs import _JsonLines, bound, start_logging


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
