"""A training process in memory that always has something to tell; time passes only where the worker listens."""

import itertools
from collections.abc import Callable, Iterator

from services.trainer.protocol import Message, MessageKind, StopReason
from shared.job.job import Trial, TrialState
from shared.job.progress import Best, Progress
from tests.doubles.scripted_process import ScriptedProcess
from tests.scripted_training import ARTEFACTS

TALK_EVERY_S = 0.1


class TalkativeProcess(ScriptedProcess):
    """Points, new bests, new phases and finished trials, ten times a second; it finishes when it is told to stop.

    Args:
        wait: What a worker that listens does; moves the test's clock.
    """

    def __init__(self, wait: Callable[[float], object]) -> None:
        super().__init__("finish_when_told", wait)
        self._talk = _talk()
        self._reason: StopReason | None = None

    def stop(self, reason: StopReason) -> None:
        self._reason = reason

    def next_message(self, timeout_s: float) -> Message | None:
        del timeout_s
        if self._reason is not None:
            return Message(kind=MessageKind.FINISHED, artefacts=ARTEFACTS, reason=self._reason)
        self._wait(TALK_EVERY_S)
        return next(self._talk)


def _talk() -> Iterator[Message]:
    yield Message(kind=MessageKind.DEVICE, device="CPU (2 cores)")
    for number in itertools.count():
        best = Best(candidate="tiny", val_accuracy=number / 1e6)
        phase = "screen" if number % 20 < 10 else "tune"
        yield Message(kind=MessageKind.PROGRESS, progress=Progress(phase=phase, done=number, best=best))
        if number % 30 == 0:
            trial = Trial(name=f"tune/{number // 30}", state=TrialState.DONE)
            yield Message(kind=MessageKind.TRIAL, trial=trial)
