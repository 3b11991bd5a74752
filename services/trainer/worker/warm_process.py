"""The next training process, started before there is a job, so that nobody waits for its imports."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from services.trainer.protocol import MessageKind
from services.trainer.worker.training_process import TrainingProcess
from shared.errors import ConvtailorError
from shared.process.line_process import ProcessDied

PROOF_PATIENCE_S = 300.0
"""Longest wait for TensorFlow and the driver to say whether there is a GPU; a cold disk takes a minute."""
_TICK_S = 0.2
END_PATIENCE_S = 1.0
"""A training process that was told that its worker is gone is killed after this many seconds."""


class Unfit(ConvtailorError):
    """This machine cannot train as its operator wants it to; the message says why and what to do."""


@dataclass(slots=True, kw_only=True)
class WarmProcess:
    """See the module.

    Args:
        spawn: Starts a training process that waits for its order.
        is_proof_wanted: Whether a process has to prove that it has a GPU before it is given a job.
        is_leaving: Tells whether the worker is to shut down; nobody then waits for a proof.
        monotonic: Seconds on a clock that nobody sets.
    """

    spawn: Callable[[], TrainingProcess]
    is_proof_wanted: bool
    is_leaving: Callable[[], bool]
    monotonic: Callable[[], float] = time.monotonic
    _process: TrainingProcess | None = None
    _is_proven: bool = False

    def warm(self) -> None:
        """Start a process, unless there is one."""
        if self._process is None:
            self._process, self._is_proven = self.spawn(), False

    def prove(self) -> bool:
        """Wait until a process that may be given a job stands ready; answer whether one does.

        Without a proof wanted there is nothing to wait for. The worker's leaving ends the wait.

        Raises:
            Unfit: If the process says that it cannot train, dies, or says nothing for too long.
        """
        if not self.is_proof_wanted:
            return True
        if self._process is not None and not self._process.is_alive and self._is_proven:
            self.end()  # it was fit and died since, of whatever: the next one tells
        self.warm()
        if not self._is_proven and self._process is not None:
            self._is_proven = self._hear(self._process)
        return self._is_proven

    def take(self) -> TrainingProcess:
        """Hand over a living process, started now where there is none.

        Raises:
            Unfit: See :meth:`prove`.
        """
        if self._process is not None and not self._process.is_alive:
            self.end()
        self.prove()
        self.warm()
        process, self._process = self._process, None
        if process is None:
            raise AssertionError("unreachable: there is a process once one was warmed")
        return process

    def end(self) -> None:
        """Make sure that no process is left."""
        if self._process is not None:
            self._process.end(END_PATIENCE_S)
            self._process = None

    def _hear(self, process: TrainingProcess) -> bool:
        ends = self.monotonic() + PROOF_PATIENCE_S
        try:
            while not self.is_leaving():
                message = process.next_message(_TICK_S)
                if message is not None and message.kind is MessageKind.READY:
                    return True
                if message is not None and message.kind is MessageKind.UNFIT:
                    raise Unfit(message.reason or "the training process cannot train")
                if self.monotonic() > ends:
                    raise Unfit(f"the training process did not say within {PROOF_PATIENCE_S:g} s whether it has a GPU")
        except ProcessDied as death:
            raise Unfit(
                f"the training process ended with {death.return_code} before it could say whether it has a GPU; "
                "its last lines in the log tell more"
            ) from death
        return False
