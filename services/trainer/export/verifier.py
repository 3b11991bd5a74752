"""The training's end of the verifying process."""

import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from services.trainer.export.check import ExportCheck, Request
from services.trainer.export.formats.order import Conversion, Converted
from shared.errors import ConvtailorError
from shared.json_codec import from_json, to_json
from shared.process.child_process import python_module
from shared.process.line_process import LineProcess, ProcessDied

logger = logging.getLogger(__name__)

TIMEOUT_S = 300.0
"""Seconds without an answer after which the process is taken for hung; scoring as uploaded has its own time beside."""
_MAX_LOSSES = 2


class VerifierLost(ConvtailorError):
    """The verifying process was lost and so was its successor: nothing was found out about the files.

    Args:
        return_code: What the last one ended with; negative: the number of the signal that killed it. ``None``: it did
            not answer.
    """

    def __init__(self, return_code: int | None) -> None:
        ending = "did not answer" if return_code is None else f"ended with {return_code}"
        super().__init__(f"the verifying process {ending}, {_MAX_LOSSES} times")
        self.return_code = return_code


class Verifier:
    """A verifying process, warm before it is needed; it works on one file after another while the caller does others.

    One that dies or hangs is replaced once; its successor does what is needed and scores nothing as uploaded.

    Args:
        timeout_s: See :data:`TIMEOUT_S`.
    """

    def __init__(self, timeout_s: float = TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._started: LineProcess | None = None
        self._waiting: list[Request] = []
        self._num_losses = 0

    @property
    def _process(self) -> LineProcess:
        """The process, started now where it is not."""
        if self._started is None:
            self._started = LineProcess(python_module("services.trainer.export.verify"), os.environ)
        return self._started

    def warm(self) -> None:
        """Start the process, whose imports keep one core busy for seconds: best done while another one is idle."""
        self._process  # noqa: B018 - starts it

    def begin(self, request: Request) -> None:
        """Have a file verified."""
        self._waiting.append(request)
        self._send(request)

    def check(self) -> ExportCheck:
        """Wait for the check on the file that was begun first of those whose check is due.

        Raises:
            VerifierLost: If two processes died or hung.
        """
        uploaded = self._waiting[0].uploaded
        try:
            answer = self._process.receive(self._timeout_s + (uploaded.seconds if uploaded is not None else 0.0))
        except ProcessDied as death:
            return self._after(death.return_code)
        if answer is None:
            return self._after(None)
        self._waiting.pop(0)
        return from_json(ExportCheck, json.loads(answer))

    def convert(
        self, conversion: Conversion, seconds: float, monotonic: Callable[[], float] = time.monotonic
    ) -> Iterator[Converted]:
        """Have other formats written by the process that has nothing to verify any more; yield what is done, as it is.

        A process that dies or is late is ended and not replaced: what it did not answer by then is not there.

        Args:
            conversion: What is to be written.
            seconds: How long that may take.
            monotonic: Seconds on a clock that nobody sets.
        """
        until = monotonic() + seconds
        self._process.send(_line(conversion))
        for _ in range(1 + len(conversion.targets)):
            try:
                answer = self._process.receive(max(0.0, until - monotonic()))
            except ProcessDied as death:
                logger.warning("the converting process was lost", extra={"return_code": death.return_code})
                return
            if answer is None:
                self.end()
                return
            yield from_json(Converted, json.loads(answer))

    def end(self) -> None:
        """Make sure that the process is gone."""
        if self._started is not None:
            self._started.end()

    def _after(self, return_code: int | None) -> ExportCheck:
        logger.warning("the verifying process was lost", extra={"return_code": return_code})
        self.end()
        self._num_losses += 1
        if self._num_losses == _MAX_LOSSES:
            raise VerifierLost(return_code)
        self._started = None
        self._waiting = [replace(request, uploaded=None) for request in self._waiting]
        for request in self._waiting:
            self._send(request)
        return self.check()

    def _send(self, request: Request) -> None:
        self._process.send(_line(request))


def _line(order: Request | Conversion) -> bytes:
    return json.dumps({type(order).__name__: to_json(order)}).encode() + b"\n"
