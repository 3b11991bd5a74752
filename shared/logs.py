"""JSON log lines with the ids of what is being worked on."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from pythonjsonlogger.json import JsonFormatter

_context: ContextVar[dict[str, object] | None] = ContextVar("log_context", default=None)


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
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        JsonFormatter(
            "%(asctime)s %(levelname)s %(name)s %(message)s",
            rename_fields={"asctime": "time", "levelname": "severity", "name": "logger"},
            static_fields={"service": service},
        )
    )
    handler.addFilter(_ContextFilter())
    logging.basicConfig(level=level, handlers=[handler], force=True)


@contextmanager
def bound(**ids: object) -> Iterator[None]:
    """Add ids, such as ``job_id``, ``event_id`` or ``attempt``, to every line logged inside the block."""
    token = _context.set({**(_context.get() or {}), **ids})
    try:
        yield
    finally:
        _context.reset(token)
