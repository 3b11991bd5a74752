"""``python -m services.trainer.export.classify``: classify pictures with a delivered network, for another program.

It is told one line of JSON, ``{"model": path, "labels": path, "images": [path, …]}``, and answers with one per image,
in order: ``{"path", "probabilities": [one per label]}`` or ``{"path", "error": reason, "code", "fix"}``. A model that
cannot be used is one line ``{"fault": {code, message, fix, details}}``.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from services.trainer.data.pictures.formats import UnreadablePicture
from services.trainer.data.pictures.picture import read_pixels
from services.trainer.export.predict import Score, open_keras, open_onnx, open_tflite
from shared.errors import UserFault
from shared.process.memory_limit import spare_the_machine
from shared.process.starter import Starter


def classify(order: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what is to be said about each image; one that cannot be read does not stop the others.

    Raises:
        UserFault: ``model_unreadable``, ``runtime_missing`` or ``labels_mismatch``.
    """
    score, num_outputs = _open(Path(order["model"]))
    labels = Path(order["labels"]).read_text(encoding="utf-8").splitlines()
    if num_outputs != len(labels):
        raise UserFault(
            "labels_mismatch",
            f"The network has {num_outputs} outputs and {order['labels']} names {len(labels)} classes.",
            fix="Use the labels.txt that was delivered with this network.",
            details={"model": order["model"], "labels": order["labels"]},
        )
    for path in order["images"]:
        try:
            image = read_pixels(path)
        except UnreadablePicture as error:
            yield {"path": path, "error": error.reason, "code": error.code, "fix": error.fix}
        else:
            yield {"path": path, "probabilities": score(image)}


_OPENERS = {".onnx": open_onnx, ".tflite": open_tflite}


def _open(path: Path) -> tuple[Score, int]:
    """Open a network as the delivered program does, and count its outputs; what no other runtime reads is Keras's."""
    try:
        score = _OPENERS.get(path.suffix, open_keras)(path)
        return score, len(score(np.zeros((8, 8, 3), np.uint8)))
    except ImportError as error:
        raise UserFault(
            "runtime_missing",
            f"{path} needs a package that is not installed: {error.name}.",
            fix="Install everything with pip install 'convtailor[all]', or name the model.h5 or model.keras beside it.",
            details={"model": str(path)},
        ) from error
    except Exception as error:  # every runtime has exceptions of its own for a file that is none
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise UserFault(
            "model_unreadable",
            f"{path} is no network that can be read: {lines[0]}",
            fix="Name a network of a delivery, such as model.h5 or model.onnx; fetch it again if it is damaged.",
            details={"model": str(path)},
        ) from error


def main() -> None:
    """Read the order, say what each image shows."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    spare_the_machine()
    starter = Starter()

    def say(answer: Mapping[str, Any]) -> None:
        starter.say(json.dumps(answer).encode() + b"\n")

    try:
        for answer in classify(json.loads(starter.hear())):
            say(answer)
    except UserFault as error:
        say({"fault": asdict(error.fault)})


if __name__ == "__main__":
    main()
