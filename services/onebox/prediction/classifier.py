"""Pictures in, class probabilities out, by a process of its own: TensorFlow never enters this one."""

import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from services.client.fault import UsageFault
from services.onebox.prediction.delivered import Delivered
from shared.errors import Fault, UserFault
from shared.process.child_process import ONE_THREAD, python_module
from shared.process.line_process import LineProcess, ProcessDied

_PROGRAM = "services.trainer.export.classify"
_NUM_CAREFUL = 64
"""Pictures that are read one by one after reading some of them has ended the process: as many as it reads ahead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What the network says about one picture.

    Args:
        path: The picture.
        probabilities: By class, the most probable first; empty where the picture cannot be read.
        distance: From the nearest photographs of the training, 0 to 2; ``None`` where nothing tells it.
        limit: Distance above which it is unlike all of them.
        error: Why it cannot be read.
        code: Of the error; stable, such as ``not_an_image``.
        fix: What mends it.
    """

    path: str
    probabilities: Mapping[str, float] = field(default_factory=dict)
    distance: float | None = None
    limit: float | None = None
    error: str | None = None
    code: str | None = None
    fix: str = ""

    @property
    def is_stranger(self) -> bool:
        """Whether it is unlike every photograph that the network has seen."""
        return self.distance is not None and self.limit is not None and self.distance > self.limit

    @property
    def best(self) -> str:
        """The most probable class, empty where the picture cannot be read."""
        return next(iter(self.probabilities), "")

    @property
    def probability(self) -> float:
        """Of the most probable class."""
        return self.probabilities.get(self.best, 0.0)


def classify(delivered: Delivered, images: Sequence[Path], *, program: str = _PROGRAM) -> Iterator[Prediction]:
    """Yield what the network says about every picture, in order, as it comes.

    A picture that ends the process which reads it, as one for which there is no memory may, costs no other its answer:
    it is found by reading those in question one by one.

    Args:
        delivered: The network.
        images: Files.
        program: The module that opens the network and reads them, in a process of its own.

    Raises:
        UsageFault: If the network cannot be used.
        UserFault: If the program ends before it is open.
    """
    done = 0
    careful_until = 0
    while done < len(images):
        is_careful = done < careful_until
        part = images[done:careful_until] if is_careful else images[done:]
        try:
            for prediction in _ask(program, delivered, part, is_careful=is_careful):
                yield prediction
                done += 1
        except _ReadingDied as death:
            if is_careful:
                yield _fatal(images[done], death)
                done += 1
            else:
                careful_until = min(len(images), done + _NUM_CAREFUL)


class _ReadingDied(Exception):
    """The process ended after the network had been opened."""


def _ask(program: str, delivered: Delivered, images: Sequence[Path], *, is_careful: bool) -> Iterator[Prediction]:
    """Start a process, and yield its answers.

    Raises:
        UsageFault: If the network cannot be used.
        UserFault: If the process ended before it was open.
        _ReadingDied: If the process ended early, for a picture and not for the network.
    """
    order = {
        "models": [str(path) for path in delivered.networks],
        "labels": str(delivered.labels),
        "strangers": None if delivered.strangers is None else str(delivered.strangers),
        "images": [str(path) for path in images],
        "is_careful": is_careful,
    }
    is_open = False
    with tempfile.TemporaryFile() as complaints:  # shown only where it ends early
        process = LineProcess(python_module(program), {**os.environ, **ONE_THREAD}, errors=complaints)
        try:
            process.send(json.dumps(order).encode() + b"\n")
            _read(process.await_line(), delivered.classes)
            is_open = True
            for _ in images:
                yield _read(process.await_line(), delivered.classes)
        except ProcessDied as death:
            if is_open:
                raise _ReadingDied(f"the process that read it ended with {death.return_code}") from death
            raise _broken(complaints) from death
        finally:
            process.end()


def _read(line: bytes, classes: Sequence[str]) -> Prediction:
    answer: Mapping[str, Any] = json.loads(line)
    if "fault" in answer:
        raise UsageFault.of(Fault(**answer["fault"]))  # of the network that was named, or what lies beside it
    if "network" in answer:
        return Prediction(path=answer["network"])
    if "error" in answer:
        return Prediction(path=answer["path"], error=answer["error"], code=answer["code"], fix=answer["fix"])
    ranked = sorted(zip(classes, answer["probabilities"], strict=True), key=lambda pair: -pair[1])
    return Prediction(
        path=answer["path"], probabilities=dict(ranked), distance=answer.get("distance"), limit=answer.get("limit")
    )


def _fatal(image: Path, death: _ReadingDied) -> Prediction:
    return Prediction(
        path=str(image),
        error=f"Reading it failed in a way that no other picture did: {death}.",
        code="image_corrupt",
        fix="Save it anew with an image program, smaller if it is large.",
    )


def _broken(complaints: IO[bytes]) -> UserFault:
    complaints.seek(0)
    lines = complaints.read().decode(errors="replace").strip().splitlines()
    return UserFault(
        "prediction_failed",
        f"The process that classifies ended early: {lines[-1] if lines else 'it said nothing'}",
        fix="Install everything with pip install 'convtailor[all]'; the network may need more memory than there is.",
        details={"last_lines": lines[-8:]},
    )
