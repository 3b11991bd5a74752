"""A training process in memory that follows a script; time passes only where the worker waits for it."""

from collections.abc import Callable

from services.trainer.protocol import Message, Order, StopReason, decode_line, encode_line
from shared.process.line_process import ProcessDied
from tests.scripted_training import Exit, Look, Noise, Script, Step, Wait, Work, play


class ScriptedProcess:
    """See :class:`services.trainer.worker.training_process.TrainingProcess`; both keep the same contract.

    Args:
        words: The script and what comes before it, see :mod:`tests.scripted_training`; or the script itself.
        wait: What a worker that waits does; moves the test's clock.
    """

    def __init__(self, words: str | Callable[[Order], Script], wait: Callable[[float], object]) -> None:
        self._script: Script = play(words)
        self._wait = wait
        self._order: Order | None = None
        self._stops: list[StopReason] = []
        self._step: Step = next(self._script)
        self._has_ended = False

    @property
    def is_alive(self) -> bool:
        self._go_on()
        return not isinstance(self._step, Exit)

    def order(self, order: Order) -> None:
        self._order = decode_line(Order, encode_line(order))

    def stop(self, reason: StopReason) -> None:
        self._stops.append(reason)

    def next_message(self, timeout_s: float) -> Message | None:
        self._go_on()
        match self._step:
            case Exit(code=code):
                raise ProcessDied(code)
            case Message() as message:
                self._advance(None)
                return decode_line(Message, encode_line(message))
            case Noise():
                self._advance(None)
            case Work(seconds=seconds):
                part_s = min(timeout_s, seconds)
                self._wait(part_s)
                self._step = Work(seconds - part_s)
                if seconds <= timeout_s:
                    self._advance(None)
            case _:
                self._wait(timeout_s)
        return None

    def end(self, patience_s: float = 0.0) -> None:
        """Close its input: it leaves at once, or is killed."""
        if not isinstance(self._step, Exit):
            self._step = Exit(0 if self._step in (Wait.FOR_ORDER, Wait.FOR_STOP) else -9)

    def _go_on(self) -> None:
        """Give the script what it waits for, once that is there."""
        if self._step is Wait.FOR_ORDER and self._order is not None:
            self._advance(self._order)
        elif self._step is Wait.FOR_STOP and self._stops:
            self._advance(self._stops.pop(0))
        while self._step is Look.FOR_STOP:
            self._advance(self._stops.pop(0) if self._stops else None)

    def _advance(self, given: Order | StopReason | None) -> None:
        try:
            self._step = self._script.send(given)
        except StopIteration:
            self._step = Exit(0)
