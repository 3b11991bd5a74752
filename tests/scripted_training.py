"""A stand-in for the training process: a real program that speaks the protocol and follows a script by name.

Names before the last one are what it says or does before its order comes.
"""

import os
import signal
import sys
import time
from collections.abc import Callable

from services.trainer.protocol import Message, MessageKind, Order, decode_line, encode_line
from shared.errors import Fault
from shared.job.job import Artefacts, Trial, TrialState
from shared.job.progress import Best, Progress

ARTEFACTS = Artefacts(result="result", model_h5="h5", model_keras="keras", labels="labels", predict="predict")
FAULT = Fault(code="everything_wrong", message="Nothing fits.", fix="Try another.")


def say(kind: MessageKind, **fields: object) -> None:
    sys.stdout.buffer.write(encode_line(Message(kind=kind, **fields)))
    sys.stdout.buffer.flush()


def next_stop() -> str:
    """Wait for a stop; at the end of the stream leave, as the real one does."""
    line = sys.stdin.buffer.readline()
    if not line:
        os._exit(0)
    return line.decode().split()[1]


def succeed(order: Order) -> None:
    say(MessageKind.DEVICE, device="CPU (2 cores)")
    best = Best(candidate="tiny", val_accuracy=0.75)
    say(MessageKind.PROGRESS, progress=Progress(phase="screen", done=1, total=2, unit="images", best=best))
    say(MessageKind.TRIAL, trial=Trial(name=f"screen/halved_{order.halvings}", state=TrialState.DONE))
    say(MessageKind.FINISHED, artefacts=ARTEFACTS)


def reject(order: Order) -> None:
    say(MessageKind.REJECTED, fault=FAULT)


def fail(order: Order) -> None:
    say(MessageKind.FAILED, fault=FAULT)


def crash(order: Order) -> None:
    sys.exit(3)


def run_out_of_memory(order: Order) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def run_out_of_memory_once(order: Order) -> None:
    if not order.halvings:
        os.kill(os.getpid(), signal.SIGKILL)
    succeed(order)


def finish_when_told(order: Order) -> None:
    say(MessageKind.FINISHED, artefacts=ARTEFACTS, reason=next_stop())


def stop_when_told(order: Order) -> None:
    say(MessageKind.STOPPED, reason=next_stop())


def be_deaf(order: Order) -> None:
    signal.pause()


def work_past_every_lease(order: Order) -> None:
    """Train for longer than the shortest lease that Pub/Sub knows."""
    time.sleep(13)
    succeed(order)


def lose_the_store(order: Order) -> None:
    say(MessageKind.UNREACHABLE, reason="the object store did not answer")


def babble(order: Order) -> None:
    print("WARNING: something printed to standard output", flush=True)  # noqa: T201
    succeed(order)


SCRIPTS: dict[str, Callable[[Order], None]] = {
    script.__name__: script
    for script in (
        succeed, reject, fail, crash, run_out_of_memory, run_out_of_memory_once, finish_when_told, stop_when_told,
        be_deaf, work_past_every_lease, lose_the_store, babble,
    )
}  # fmt: skip

PREFACES: dict[str, Callable[[], object]] = {
    "ready": lambda: say(MessageKind.READY, device="Tesla T4, mixed precision"),
    "unfit": lambda: say(MessageKind.UNFIT, reason="no GPU; start the container with --gpus all"),
    "die": lambda: os._exit(9),
}

if __name__ == "__main__":
    *prefaces, name = sys.argv[1:]
    for preface in prefaces:
        PREFACES[preface]()
    first_line = sys.stdin.buffer.readline()
    if first_line:
        SCRIPTS[name](decode_line(Order, first_line))
