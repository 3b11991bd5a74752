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

from services.trainer.data.pictures.formats import UnreadablePicture
from services.trainer.data.pictures.picture import read_pixels
from shared.errors import UserFault
from shared.process.memory_limit import spare_the_machine
from shared.process.starter import Starter


def classify(order: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what is to be said about each image; one that cannot be read does not stop the others.

    Raises:
        UserFault: ``model_unreadable`` or ``labels_mismatch``.
    """
    model = _load(order["model"])
    labels = Path(order["labels"]).read_text(encoding="utf-8").splitlines()
    num_outputs = model.output_shape[-1]
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
            probabilities = model(image[None], training=False)[0]
            yield {"path": path, "probabilities": [float(value) for value in probabilities]}


def _load(path: str) -> Any:
    import keras  # noqa: PLC0415 - seconds; a wrong order is told before

    try:
        return keras.models.load_model(path, compile=False)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UserFault(
            "model_unreadable",
            f"{path} is no network that Keras can read: {str(error).splitlines()[0]}",
            fix="Name the model.h5 or model.keras of a delivery; fetch it again if it is damaged.",
            details={"model": path},
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
