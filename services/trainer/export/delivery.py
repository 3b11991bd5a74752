"""What the person receives, and its way into the object store; ``result.json`` goes last and makes it whole."""

import io
import json
from dataclasses import dataclass
from pathlib import Path

from shared.job.job import Artefacts
from shared.job.result import Result
from shared.json_codec import to_json
from shared.layout import Artefact, artefact_key
from shared.ports.object_store import ObjectStore

_TYPES = {
    ".h5": "application/x-hdf5",
    ".keras": "application/zip",
    ".txt": "text/plain; charset=utf-8",
    ".py": "text/x-python; charset=utf-8",
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

    def put(path: Path, artefact: Artefact) -> str:
        key = artefact_key(job_id, fence, artefact)
        with path.open("rb") as file:
            objects.put(key, file, content_type=_TYPES[path.suffix])
        return key

    return Artefacts(
        model_h5=put(package.model_h5, Artefact.MODEL_H5),
        model_keras=put(package.model_keras, Artefact.MODEL_KERAS),
        labels=put(package.labels, Artefact.LABELS),
        predict=put(package.predict, Artefact.PREDICT),
    )


def deliver_result(objects: ObjectStore, result: Result, *, fence: int) -> str:
    """Store ``result.json`` of the attempt with that fencing token and return its key.

    Raises:
        Transient: If the store did not answer.
    """
    key = artefact_key(result.job_id, fence, Artefact.RESULT)
    document = json.dumps(to_json(result), indent=1, ensure_ascii=False).encode()
    objects.put(key, io.BytesIO(document), content_type="application/json")
    return key
