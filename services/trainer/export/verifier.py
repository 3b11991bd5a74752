"""The training's end of the verifying process, and what it takes for an export to be announced."""

import json
import logging
import os

from services.trainer.export.check import ExportCheck, Request
from shared.errors import Fault
from shared.json_codec import from_json, to_json
from shared.process.child_process import python_module
from shared.process.line_process import LineProcess, ProcessDied

logger = logging.getLogger(__name__)

MAX_SAME_INPUT_GAP = 0.01
"""Largest difference of a probability on equal pixels: float32 summed in another order gives 1e-5, TF32 on GPU 1e-3."""
MAX_RAW_GAP = 0.05
"""Largest mean difference of a probability on pictures as uploaded, which Keras resizes and not Pillow."""
MIN_RAW_AGREEMENT = 0.9
"""Least share of pictures as uploaded for which the same class comes out."""
TIMEOUT_S = 300.0


class Verifier:
    """A verifying process, warm from the start; it works on one file after another while the caller does other things.

    A process that dies is replaced once.
    """

    def __init__(self) -> None:
        """Start the process."""
        self._process = self._start()
        self._waiting: list[Request] = []
        self._num_deaths = 0

    def begin(self, request: Request) -> None:
        """Have a file verified."""
        self._waiting.append(request)
        self._send(request)

    def check(self) -> ExportCheck:
        """Wait for the check on the file that was begun first of those whose check is due."""
        try:
            answer = self._process.receive(TIMEOUT_S)
        except ProcessDied as death:
            return self._after(death)
        self._waiting.pop(0)
        if answer is None:
            return ExportCheck(error=f"no answer within {TIMEOUT_S:g} s")
        return from_json(ExportCheck, json.loads(answer))

    def end(self) -> None:
        """Make sure that the process is gone."""
        self._process.end()

    def _after(self, death: ProcessDied) -> ExportCheck:
        logger.warning("the verifying process died", extra={"return_code": death.return_code})
        self._num_deaths += 1
        if self._num_deaths > 1:
            return ExportCheck(error=f"the verifying process died with {death.return_code}")
        self.end()
        self._process = self._start()
        for request in self._waiting:
            self._send(request)
        return self.check()

    def _send(self, request: Request) -> None:
        self._process.send(json.dumps(to_json(request)).encode() + b"\n")

    @staticmethod
    def _start() -> LineProcess:
        return LineProcess(python_module("services.trainer.export.verify"), os.environ)


def objection(name: str, check: ExportCheck) -> Fault | None:
    """Return what speaks against announcing a file, or ``None``.

    Args:
        name: The file's name.
        check: How it did.
    """
    if check.error is not None:
        reason = f"could not be loaded and run by plain Keras: {check.error}"
    elif check.same_input_gap > MAX_SAME_INPUT_GAP:
        reason = f"gives probabilities that differ by up to {check.same_input_gap:.4f} on the same pixels"
    elif check.raw_gap > MAX_RAW_GAP or check.raw_agreement < MIN_RAW_AGREEMENT:
        reason = (
            f"reads the uploaded pictures differently: probabilities differ by {check.raw_gap:.4f} on average, "
            f"{check.raw_agreement:.0%} of the classes agree"
        )
    else:
        return None
    return Fault(
        code="export_not_faithful",
        message=f"The exported {name} {reason}.",
        fix="Submit the archive again; if it fails again, send this message to whoever runs this service.",
        details={"file": name, **to_json(check)},
    )
