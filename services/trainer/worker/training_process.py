"""The worker's end of a training process: order, stop, listen, end."""

import logging
from collections.abc import Mapping, Sequence

from services.trainer.protocol import STOP, Message, Order, StopReason, decode_line, encode_line
from shared.process.line_process import LineProcess

logger = logging.getLogger(__name__)


class TrainingProcess:
    """A training process, started at once and idle until it is given its order."""

    def __init__(self, command: Sequence[str], environ: Mapping[str, str]) -> None:
        """Start the command with this environment.

        Raises:
            OSError: If it cannot be started.
        """
        self._process = LineProcess(command, environ)

    @property
    def is_alive(self) -> bool:
        """Tell whether it still runs."""
        return self._process.is_alive

    def order(self, order: Order) -> None:
        """Give it its one job; a dead process shows at the next :meth:`next_message`."""
        self._process.send(encode_line(order))

    def stop(self, reason: StopReason) -> None:
        """Ask it to come to an end with the best so far."""
        self._process.send(f"{STOP} {reason}\n".encode())

    def next_message(self, timeout_s: float) -> Message | None:
        """Return the next message, or ``None`` where none came in time.

        Raises:
            ProcessDied: If it has ended and everything it said was read.
        """
        line = self._process.receive(timeout_s)
        if line is None:
            return None
        try:
            return decode_line(Message, line)
        except ValueError:
            logger.warning("unreadable line from the training process", extra={"line": repr(line[:200])})
            return None

    def end(self, patience_s: float = 0.0) -> None:
        """Make sure that it is gone: close its input, which it takes for the worker's death, wait, then kill."""
        self._process.end(patience_s)
