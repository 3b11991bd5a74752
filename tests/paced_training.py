"""A training process over the real stores that learns nothing: for tests about the life of a job.

    python -m tests.paced_training

It speaks the protocol, goes through every phase, keeps its trials in the ledger, carries on from those of earlier
attempts, and delivers files of its own fence. Tests decide how long a phase lasts: with ``GATES`` in the environment,
a folder, each phase ends once the file of that name is there.
"""

import io
import os
import queue
from collections.abc import Collection
from pathlib import Path

from services.trainer.export.delivery import deliver_result
from services.trainer.protocol import STOP, Message, MessageKind, Order, StopReason, decode_line, encode_line
from services.trainer.run.context import LedgerEntry
from services.trainer.run.ledger import ObjectLedger
from services.trainer.run.progress import PHASES
from services.trainer.settings import TrainerSettings
from shared.backends import open_backends
from shared.job.job import Artefacts, Trial, TrialState
from shared.job.progress import Progress
from shared.layout import FILE_NAMES, Artefact, artefact_key
from shared.ports.object_store import ObjectStore
from shared.process.starter import Starter
from shared.settings import load
from tests.result_fixture import make_result
from tests.waiting import until

GATES = "TESTS_GATES"
"""Variable of the environment that names the folder of gates; without it no phase waits."""
TRIALS = {"screen": "screen/tiny", "tune": "tune/0"}
"""What is finished in a phase."""
_CLASSES = ("circle", "cross", "square")
_DELIVERED = (Artefact.MODEL_H5, Artefact.MODEL_KERAS, Artefact.LABELS, Artefact.PREDICT)
_PATIENCE_S = 600.0


class Gates:
    """The test's end of the gates of all phases, open at first.

    Args:
        folder: Where they are kept; made if need be.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True)
        self.close(set())

    @property
    def environ(self) -> dict[str, str]:
        """What a training process finds them by."""
        return {GATES: str(self._folder)}

    def close(self, phases: Collection[str]) -> None:
        """Keep these phases from ending, and no others."""
        for phase in PHASES:
            if phase in phases:
                (self._folder / phase).unlink(missing_ok=True)
            else:
                self.open(phase)

    def open(self, phase: str) -> None:
        """Let a phase end."""
        (self._folder / phase).touch()


class Training:
    """One job.

    Args:
        order: What is asked for.
        objects: Where trials and files go.
        starter: The worker.
        stops: Words of the worker that the job is to stop.
    """

    def __init__(
        self, order: Order, objects: ObjectStore, starter: Starter, stops: "queue.SimpleQueue[StopReason]"
    ) -> None:
        self._order, self._objects, self._starter, self._stops = order, objects, starter, stops
        self._ledger = ObjectLedger(
            objects=objects,
            job_id=order.job_id,
            fence=order.fence,
            tell=lambda trial: self._say(Message(kind=MessageKind.TRIAL, trial=trial)),
        )

    def run(self) -> None:
        """Go through every phase and deliver."""
        self._objects.read(self._order.archive_key)  # no archive, no network
        self._say(Message(kind=MessageKind.DEVICE, device="CPU (2 cores)"))
        for phase in PHASES:
            self._say(Message(kind=MessageKind.PROGRESS, progress=Progress(phase=phase)))
            if phase in TRIALS and self._ledger.find(TRIALS[phase]) is None:
                trial = Trial(name=TRIALS[phase], state=TrialState.DONE, val_accuracy=0.75)
                self._ledger.record(LedgerEntry(trial=trial))
            self._pass_gate(phase)
        reason = self._stops.get() if not self._stops.empty() else None
        self._say(Message(kind=MessageKind.FINISHED, artefacts=self._deliver(), reason=reason))

    def _pass_gate(self, phase: str) -> None:
        if folder := os.environ.get(GATES):
            until(lambda: (Path(folder) / phase).exists() or not self._stops.empty(), within_s=_PATIENCE_S)

    def _deliver(self) -> Artefacts:
        """Store files that tell whose they are, the result last."""
        job_id, fence = self._order.job_id, self._order.fence
        keys = {each: artefact_key(job_id, fence, each) for each in _DELIVERED}
        result = make_result(_CLASSES, num_candidates=1, num_epochs=2, job_id=job_id)
        for each in _DELIVERED:
            content = io.BytesIO(f"{FILE_NAMES[each]} of attempt {fence}".encode())
            self._objects.put(keys[each], content, content_type="application/octet-stream")
        keys[Artefact.RESULT] = deliver_result(self._objects, result, fence=fence)
        return Artefacts(**{each.value: key for each, key in keys.items()})

    def _say(self, message: Message) -> None:
        self._starter.say(encode_line(message))


def main() -> None:
    """Wait for the order and carry it out."""
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    stops: queue.SimpleQueue[StopReason] = queue.SimpleQueue()

    def take(line: bytes) -> None:
        if line.startswith(STOP.encode()):
            stops.put(StopReason(line.decode().split()[1]))
        else:
            lines.put(line)

    starter = Starter(take)
    order = decode_line(Order, lines.get())
    settings = load(TrainerSettings, os.environ)
    Training(order, open_backends(settings).object_store, starter, stops).run()
    os._exit(0)


if __name__ == "__main__":
    main()
