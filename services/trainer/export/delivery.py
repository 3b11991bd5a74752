"""What the person receives, and its way into the object store; ``result.json`` goes last and makes it whole."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from shared.job.job import Artefacts
from shared.job.result import Result
from shared.json_codec import to_json
from shared.layout import Artefact, artefact_key
from shared.ports.object_store import ObjectStore

_MATRIX = "the confusion matrix"
_TYPES = {
    ".h5": "application/x-hdf5",
    ".keras": "application/zip",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
    ".py": "text/x-python; charset=utf-8",
    ".onnx": "application/octet-stream",
    ".tflite": "application/octet-stream",
    ".zip": "application/zip",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """Files on the local disk, under the names the person sees.

    Args:
        model_h5: The network for plain Keras.
        model_keras: The same in Keras's own format.
        labels: Class names, one a line, in the order of the outputs.
        predict: A small program that uses them.
    """

    model_h5: Path
    model_keras: Path
    labels: Path
    predict: Path


def deliver_package(objects: ObjectStore, package: Package, *, job_id: str, fence: int) -> Artefacts:
    """Store the network's files.

    Args:
        objects: Where to.
        package: The files.
        job_id: Whose they are.
        fence: Of the attempt that made them.

    Raises:
        Transient: If the store did not answer.
    """
    return deliver_files(
        objects,
        {
            Artefact.MODEL_H5: package.model_h5,
            Artefact.MODEL_KERAS: package.model_keras,
            Artefact.LABELS: package.labels,
            Artefact.PREDICT: package.predict,
        },
        Artefacts(),
        job_id=job_id,
        fence=fence,
    )


def deliver_files(
    objects: ObjectStore, files: Mapping[Artefact, Path], delivered: Artefacts, *, job_id: str, fence: int
) -> Artefacts:
    """Store more files.

    Args:
        objects: Where to.
        files: By what they are.
        delivered: What is stored already.
        job_id: Whose they are.
        fence: Of the attempt that made them.

    Returns:
        What is stored then.

    Raises:
        Transient: If the store did not answer.
    """
    keys = {}
    for artefact, path in files.items():
        keys[artefact.value] = artefact_key(job_id, fence, artefact)
        with path.open("rb") as file:
            objects.put(keys[artefact.value], file, content_type=_TYPES[path.suffix])
    return replace(delivered, **keys)


def deliver_result(objects: ObjectStore, result: Result, *, fence: int) -> str:
    """Store ``result.json`` of the attempt with that fencing token and return its key.

    Raises:
        Transient: If the store did not answer.
    """
    key = artefact_key(result.job_id, fence, Artefact.RESULT)
    objects.put(key, io.BytesIO(result_text(result).encode()), content_type="application/json")
    return key


def result_text(result: Result) -> str:
    """Return ``result.json``: one value a line, but a whole row of the confusion matrix, which has up to millions."""
    document = to_json(result)
    matrix = document["test"].pop("confusion_matrix")
    rows = ",\n   ".join(json.dumps(row, separators=(",", ":")) for row in matrix)
    document["test"]["confusion_matrix"] = _MATRIX
    text = json.dumps(document, indent=1, ensure_ascii=False)
    # No name, which may be anything, looks like a key and its value: quotes within a string are escaped.
    before, key, after = text.partition(f'"confusion_matrix": {json.dumps(_MATRIX)}')
    return f"{before}{key.removesuffix(json.dumps(_MATRIX))}[\n   {rows}\n  ]{after}"
