"""JSON log lines with the ids of what is being worked on."""

import json
import logging
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice
from typing import TYPE_CHECKING, TextIO, cast

if TYPE_CHECKING:
    from threading import RLock

_context: ContextVar[dict[str, object] | None] = ContextVar("log_context", default=None)


_NUM_OF_EVERY_RECORD = len(vars(logging.makeLogRecord({})))
"""Attributes that every record has, before all that is bound to one."""
_OF_OTHER_FORMATTERS = frozenset({"message", "asctime", "exc_text"})
_TO_JSON = json.JSONEncoder(default=str).encode


class _JsonLines(logging.Formatter):
    """Makes a line of a record: time, severity, logger, message, what is bound to it, and a traceback.

    Args:
        service: Name of the service, part of every line.
    """

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service
        self._second = (0, "")

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; what JSON does not know is told as text."""
        line = {
            "time": self._time_of(record),
            "severity": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **{
                name: value
                for name, value in islice(vars(record).items(), _NUM_OF_EVERY_RECORD, None)
                if name not in _OF_OTHER_FORMATTERS
            },
            "service": self._service,
        }
        if record.exc_info:
            line["exc_info"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack_info"] = self.formatStack(record.stack_info)
        return _TO_JSON(line)

    def _time_of(self, record: logging.LogRecord) -> str:
        """Return the time of a record to the millisecond; most are of the same second as the last one."""
        second, text = self._second
        if second != int(record.created):
            second, text = int(record.created), time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(record.created))
            self._second = (second, text)
        return f"{text},{int(record.msecs):03d}"


class _SharedStream(logging.StreamHandler[TextIO]):
    """Writes the lines of many threads, of which none waits for another's.

    As it comes, a handler lets one thread write at a time, and each that wants to waits until it has the interpreter
    again, which threads that log every request do for much of their time (``python -m benchmarks intake``).
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._waiting: deque[str] = deque()

    def handle(self, record: logging.LogRecord) -> bool:
        """Pass a record on unless a filter drops it; two threads may be in here."""
        is_wanted = bool(self.filter(record))
        if is_wanted:
            self.emit(record)
        return is_wanted

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, or leave it to whoever is writing."""
        try:
            self._waiting.append(self.format(record) + self.terminator)
            self._write_waiting()
        except Exception:  # noqa: BLE001 - as every handler: what cannot be logged never stops who logs
            self.handleError(record)

    def _write_waiting(self) -> None:
        """Write what waits while nobody else does; who comes when that one is about to leave finds the turn free."""
        turn = cast("RLock", self.lock)  # by logging itself made anew in a process that is forked off
        while self._waiting and turn.acquire(blocking=False):
            try:
                self.stream.write("".join(self._waiting.popleft() for _ in range(len(self._waiting))))
                self.flush()
            finally:
                turn.release()


class _ContextFilter(logging.Filter):
    """Adds the ids bound with :func:`bound` to every record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Set the bound ids as attributes; never drops a record."""
        for name, value in (_context.get() or {}).items():
            setattr(record, name, value)
        return True


def start_logging(level: str, service: str) -> None:
    """Write log records of this process as JSON lines on standard error.

    Args:
        level: Least severe level written.
        service: Name of the service, part of every line.
    """
    handler = _SharedStream(sys.stderr)
    handler.setFormatter(_JsonLines(service))
    handler.addFilter(_ContextFilter())
    # What no line tells is not looked up for any. Source: the logging HOWTO of Python, "Optimization".
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # noqa: SLF001 - as told there: no line says which code wrote it
    logging.basicConfig(level=level, handlers=[handler], force=True)


@contextmanager
def bound(**ids: object) -> Iterator[None]:
    """Add ids, such as ``job_id``, ``event_id`` or ``attempt``, to every line logged inside the block."""
    token = _context.set({**(_context.get() or {}), **ids})
    try:
        yield
    finally:
        _context.reset(token)
