"""``python -m services.trainer.export.classify``: classify pictures with a delivered network, for another program.

Standard input is one JSON document ``{"model": path, "labels": path, "images": [path, …]}``. Standard output is one
JSON line per image, in order: ``{"path", "probabilities": [one per label]}`` or ``{"path", "error": reason}``. A model
that cannot be used is one line ``{"fault": {code, message, fix, details}}``.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from services.trainer.export.predict import load_image
from shared.errors import UserFault
from shared.process.parent_death import take_standard_output


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
            image = load_image(path)
        except (OSError, ValueError, SyntaxError) as error:  # Pillow's own kinds derive from these
            yield {"path": path, "error": str(error)}
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
    with take_standard_output() as sink:
        try:
            for answer in classify(json.load(sys.stdin)):
                sink.write(json.dumps(answer).encode() + b"\n")
        except UserFault as error:
            sink.write(json.dumps({"fault": asdict(error.fault)}).encode() + b"\n")


if __name__ == "__main__":
    main()
