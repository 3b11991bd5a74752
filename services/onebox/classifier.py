"""Pictures in, class probabilities out, by a process of its own: TensorFlow never enters this one."""

import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.client.fault import UsageFault
from shared.errors import Fault, UserFault
from shared.layout import FILE_NAMES, Artefact
from shared.process.child_process import python_module
from shared.process.line_process import LineProcess, ProcessDied


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What the network says about one picture.

    Args:
        path: The picture.
        probabilities: By class, the most probable first; empty where the picture cannot be read.
        error: Why it cannot be read.
        code: Of the error; stable, such as ``not_an_image``.
        fix: What mends it.
    """

    path: str
    probabilities: Mapping[str, float] = field(default_factory=dict)
    error: str | None = None
    code: str | None = None
    fix: str = ""

    @property
    def best(self) -> str:
        """The most probable class, empty where the picture cannot be read."""
        return next(iter(self.probabilities), "")


def labels_beside(model: Path) -> Path:
    """Return the ``labels.txt`` of a delivered network.

    Raises:
        UsageFault: If either is missing.
    """
    if not model.is_file():
        fix = "Name the model.h5 or model.keras that `convtailor run` or `fetch` left."
        raise UsageFault("model_not_found", f"There is no file {model}.", fix=fix, details={"path": str(model)})
    labels = model.with_name(FILE_NAMES[Artefact.LABELS])
    if not labels.is_file():
        raise UsageFault(
            "labels_not_found",
            f"There is no labels.txt beside {model}.",
            fix="Put the labels.txt of the same delivery beside it: one class a line, in the order of the outputs.",
            details={"path": str(labels)},
        )
    return labels


def classify(model: Path, images: Sequence[Path]) -> Iterator[Prediction]:
    """Yield what the network says about every picture, in order, as it comes.

    Raises:
        UsageFault: If model or labels are missing.
        UserFault: If the model cannot be used.
    """
    labels = labels_beside(model)
    classes = labels.read_text(encoding="utf-8").splitlines()
    order = {"model": str(model), "labels": str(labels), "images": [str(path) for path in images]}
    with tempfile.TemporaryFile() as complaints:  # shown only where it ends early
        process = LineProcess(python_module("services.trainer.export.classify"), os.environ, errors=complaints)
        try:
            process.send(json.dumps(order).encode() + b"\n")
            for _ in images:
                yield _read(process.await_line(), classes)
        except ProcessDied as death:
            complaints.seek(0)
            raise _broken(complaints.read().decode(errors="replace")) from death
        finally:
            process.end()


def _read(line: bytes, classes: Sequence[str]) -> Prediction:
    answer: Mapping[str, Any] = json.loads(line)
    if "fault" in answer:
        raise UserFault.of(Fault(**answer["fault"]))
    if "error" in answer:
        return Prediction(path=answer["path"], error=answer["error"], code=answer["code"], fix=answer["fix"])
    ranked = sorted(zip(classes, answer["probabilities"], strict=True), key=lambda pair: -pair[1])
    return Prediction(path=answer["path"], probabilities=dict(ranked))


def _broken(output: str) -> UserFault:
    lines = output.strip().splitlines()
    return UserFault(
        "prediction_failed",
        f"The process that classifies ended early: {lines[-1] if lines else 'it said nothing'}",
        fix="Install everything with pip install 'convtailor[all]'; with many large pictures, name fewer at a time.",
        details={"last_lines": lines[-8:]},
    )
