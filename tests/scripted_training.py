"""Scripts for a stand-in of the training process, by name, and a real program that follows one over the protocol.

    python -m tests.scripted_training [PREFACE...] SCRIPT

Prefaces are what it says or does before its order comes. :mod:`tests.doubles.scripted_process` follows the same
scripts in memory.
"""

import os
import signal
import sys
from collections.abc import Callable, Generator
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from services.trainer.failure import verifier_lost
from services.trainer.protocol import (
    Message,
    MessageKind,
    Order,
    StopReason,
    candidate_trial,
    decode_line,
    encode_line,
)
from services.trainer.worker.training_process import TrainingProcess
from shared.errors import Fault
from shared.job.job import Artefacts, Trial, TrialState
from shared.job.progress import Best, Progress

ROOT = Path(__file__).resolve().parents[1]
ARTEFACTS = Artefacts(result="result", model_h5="h5", model_keras="keras", labels="labels", predict="predict")
FAULT = Fault(code="everything_wrong", message="Nothing fits.", fix="Try another.")


@dataclass(frozen=True)
class Exit:
    """The process ends with this code; negative: by this signal."""

    code: int


@dataclass(frozen=True)
class Noise:
    """Somebody prints to standard output."""

    text: str


@dataclass(frozen=True)
class Work:
    """The process is busy for so many seconds."""

    seconds: float


class Wait(Enum):
    """What a script waits for: its order, a word to stop, or nothing, without an end."""

    FOR_ORDER = auto()
    FOR_STOP = auto()
    FOR_EVER = auto()


class Look(Enum):
    """The script asks whether it was told to stop, and goes on either way."""

    FOR_STOP = auto()


Step = Message | Exit | Noise | Work | Wait | Look
Script = Generator[Step, "Order | StopReason | None", None]


def succeed(order: Order) -> Script:
    yield Message(kind=MessageKind.DEVICE, device="CPU (2 cores)")
    best = Best(candidate="tiny", val_accuracy=0.75)
    progress = Progress(phase="screen", done=1, total=2, unit="images", best=best)
    yield Message(kind=MessageKind.PROGRESS, progress=progress)
    trial = Trial(name=f"screen/halved_{order.halvings}", state=TrialState.DONE)
    yield Message(kind=MessageKind.TRIAL, trial=trial)
    yield Message(kind=MessageKind.FINISHED, artefacts=ARTEFACTS)


def reject(order: Order) -> Script:
    yield Message(kind=MessageKind.REJECTED, fault=FAULT)


def fail(order: Order) -> Script:
    yield Message(kind=MessageKind.FAILED, fault=FAULT)


def crash(order: Order) -> Script:
    yield Exit(3)


def fill_the_disk(order: Order) -> Script:
    yield Message(kind=MessageKind.NO_ROOM, reason="OSError: [Errno 28] No space left on device")


def fall_into_a_hole(order: Order) -> Script:
    """Die as a process does that writes into a mapped file where the disk has no room for it."""
    yield Exit(-signal.SIGBUS)


def need_a_gigabyte(order: Order) -> Script:
    yield Message(kind=MessageKind.NO_ROOM, reason="1,000,000,000 bytes have to be free", needed_bytes=10**9)


def run_out_of_memory(order: Order) -> Script:
    yield Exit(-signal.SIGKILL)


def run_out_of_memory_once(order: Order) -> Script:
    if not order.halvings:
        yield Exit(-signal.SIGKILL)
    yield from succeed(order)


def finish_when_told(order: Order) -> Script:
    reason = yield Wait.FOR_STOP
    yield Message(kind=MessageKind.FINISHED, artefacts=ARTEFACTS, reason=reason)


def stop_when_told(order: Order) -> Script:
    reason = yield Wait.FOR_STOP
    yield Message(kind=MessageKind.STOPPED, reason=reason)


def be_deaf(order: Order) -> Script:
    yield Wait.FOR_EVER


FINISHED_CANDIDATE = Message(kind=MessageKind.TRIAL, trial=Trial(name=candidate_trial("tiny"), state=TrialState.DONE))


def deliver_or_crash(order: Order) -> Script:
    """Finish a candidate and die of what comes after; go on from there only where nothing but delivering is asked."""
    yield FINISHED_CANDIDATE
    if not order.only_delivers:
        yield Exit(3)
    yield Message(kind=MessageKind.FINISHED, artefacts=ARTEFACTS, reason=StopReason.LOST)


def deliver_or_be_deaf(order: Order) -> Script:
    """Finish a candidate and hang; an attempt that begins with one delivers it."""
    if not order.resumes:
        yield FINISHED_CANDIDATE
        yield Wait.FOR_EVER
    reason = yield Wait.FOR_STOP
    yield Message(kind=MessageKind.FINISHED, artefacts=ARTEFACTS, reason=reason)


def deliver_or_break(order: Order) -> Script:
    """Finish a candidate and meet with a fault that nobody foresaw; deliver where nothing else is asked."""
    yield FINISHED_CANDIDATE
    if not order.only_delivers:
        fault = Fault(code="internal_error", message="Nobody foresaw this.", fix="Tell somebody.")
        yield Message(kind=MessageKind.FAILED, fault=fault)
        return
    yield Message(kind=MessageKind.FINISHED, artefacts=ARTEFACTS, reason=StopReason.LOST)


def lose_the_verifier_once(order: Order) -> Script:
    """Train, and lose the process that verifies what was trained; another attempt has more luck."""
    yield FINISHED_CANDIDATE
    if not order.resumes:
        yield Message(kind=MessageKind.FAILED, fault=verifier_lost(-signal.SIGSEGV))
        return
    yield Message(kind=MessageKind.FINISHED, artefacts=ARTEFACTS)


def find_a_network_and_crash(order: Order) -> Script:
    yield FINISHED_CANDIDATE
    yield Exit(3)


def evaluate_for_ten_minutes(order: Order) -> Script:
    """Say beforehand what delivering costs, and take as long."""
    yield FINISHED_CANDIDATE
    yield Message(kind=MessageKind.PRICE, delivery_s=600.0)
    reason = yield Wait.FOR_STOP
    yield Work(600.0)
    yield Message(kind=MessageKind.FINISHED, artefacts=ARTEFACTS, reason=reason)


def find_nothing_to_deliver(order: Order) -> Script:
    yield Message(kind=MessageKind.STOPPED, reason=StopReason.LOST)


def lose_the_store(order: Order) -> Script:
    yield Message(kind=MessageKind.UNREACHABLE, reason="the object store did not answer")


def babble(order: Order) -> Script:
    yield Noise("WARNING: something printed to standard output")
    yield from succeed(order)


SCRIPTS: dict[str, Callable[[Order], Script]] = {
    script.__name__: script
    for script in (
        succeed, reject, fail, crash, run_out_of_memory, run_out_of_memory_once, finish_when_told, stop_when_told,
        be_deaf, lose_the_store, babble, fill_the_disk, need_a_gigabyte, fall_into_a_hole, deliver_or_crash,
        deliver_or_break, lose_the_verifier_once, deliver_or_be_deaf, find_a_network_and_crash,
        evaluate_for_ten_minutes,
        find_nothing_to_deliver,
    )
}  # fmt: skip

PREFACES: dict[str, Step] = {
    "ready": Message(kind=MessageKind.READY, device="Tesla T4, mixed precision"),
    "unfit": Message(kind=MessageKind.UNFIT, reason="no GPU; start the container with --gpus all"),
    "die": Exit(9),
}


def play(words: str | Callable[[Order], Script]) -> Script:
    """Follow a script from the start of the process to its end.

    Args:
        words: Names of prefaces and of a script; or a script of the caller's.
    """
    if not isinstance(words, str):
        yield from words((yield Wait.FOR_ORDER))
        return
    *prefaces, name = words.split()
    for preface in prefaces:
        yield PREFACES[preface]
    order = yield Wait.FOR_ORDER
    yield from SCRIPTS[name](order)


def start_program(words: str) -> TrainingProcess:
    """Start this module as a program that follows a script."""
    command = [sys.executable, "-m", "tests.scripted_training", *words.split()]
    return TrainingProcess(command, {**os.environ, "PYTHONPATH": str(ROOT)})


def main(words: str) -> None:
    """Follow a script as a program of its own."""
    script = play(words)
    given: Order | StopReason | None = None
    while True:
        try:
            step = script.send(given)
        except StopIteration:
            return
        given = _take(step)


def _take(step: Step) -> "Order | StopReason | None":
    """Take one step; return what came of it."""
    match step:
        case Message():
            sys.stdout.buffer.write(encode_line(step))
            sys.stdout.buffer.flush()
        case Noise():
            print(step.text, flush=True)  # noqa: T201
        case Exit(code=code) if code < 0:
            os.kill(os.getpid(), -code)
        case Exit():
            os._exit(step.code)
        case Work() | Look():
            raise NotImplementedError("scripts in which time passes are for tests.doubles.scripted_process")
        case Wait.FOR_EVER:
            signal.pause()
        case Wait.FOR_ORDER:
            return decode_line(Order, _next_line())
        case Wait.FOR_STOP:
            return StopReason(_next_line().decode().split()[1])
    return None


def _next_line() -> bytes:
    """Wait for a line; at the end of the stream leave, as the real one does."""
    line = sys.stdin.buffer.readline()
    if not line:
        os._exit(0)
    return line


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]))
