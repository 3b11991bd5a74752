"""The processes that try formats: one for each file, started while something else is waited for."""

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from services.trainer.export.formats.order import Scored, Scoring
from shared.json_codec import from_json, to_json
from shared.process.child_process import python_module
from shared.process.line_process import LineProcess, ProcessDied

logger = logging.getLogger(__name__)


def start_trial() -> LineProcess:
    """Start a process that waits for a file to try."""
    return LineProcess(python_module("services.trainer.export.formats.score"), os.environ)


class FormatTrials:
    """Has one file tried after the other, each by a process that does no other; all are gone at the end.

    Args:
        start: Starts such a process; raises ``OSError`` if it cannot.
    """

    def __init__(self, start: Callable[[], LineProcess] = start_trial) -> None:
        self._start = start
        self._waiting: list[LineProcess] = []
        self._running: tuple[Path, LineProcess] | None = None

    def __enter__(self) -> Self:
        """Start nothing yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Make sure that nothing runs any more."""
        running = [] if self._running is None else [self._running[1]]
        for process in (*self._waiting, *running):
            process.end()

    def warm(self, num: int) -> None:
        """Have so many processes wait for a file; one that cannot be started now is when there is a file to try."""
        try:
            while len(self._waiting) < num:
                self._waiting.append(self._start())
        except OSError as error:
            logger.warning("a trial could not be started yet", extra={"reason": str(error)})

    def begin(self, scoring: Scoring) -> None:
        """Have a file tried; the one before was collected.

        Raises:
            OSError: If no process can be started.
        """
        process = self._ready()
        self._running = (scoring.model, process)
        process.send(json.dumps(to_json(scoring)).encode() + b"\n")

    def _ready(self) -> LineProcess:
        """Return the process that waits longest; where those that waited have died, a new one."""
        while self._waiting:
            process = self._waiting.pop(0)
            if process.is_alive:
                return process
            process.end()
        return self._start()

    def collect(self, within_s: float, late: str) -> tuple[Path, Scored] | None:
        """Wait for the trial that runs, if one does; return which file was tried, and how it did.

        Args:
            within_s: Longest to wait.
            late: What to say of a file whose trial takes longer.
        """
        if self._running is None:
            return None
        (model, process), self._running = self._running, None
        try:
            answer = process.receive(within_s)
            return model, Scored(error=late) if answer is None else from_json(Scored, json.loads(answer))
        except ProcessDied as death:
            return model, Scored(error=f"the process that tried it ended with {death.return_code}")
        finally:
            process.end()
