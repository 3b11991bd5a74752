"""``python -m services.trainer.export.classify``: classify pictures with a delivered network, for another program.

It is told one line of JSON, ``{"models": [path, …], "labels": path, "strangers": path or null, "images": [path, …],
"is_careful": false}``, and takes the first of the models whose packages are installed. It answers ``{"network": path}``
once that is open, then one line per image, in order: ``{"path", "probabilities": [one a label], "distance", "limit"}``,
the latter two being ``null`` where nothing tells strangers, or ``{"path", "error": reason, "code", "fix"}``. What
cannot be used is one line ``{"fault": {code, message, fix, details}}``. Where it is careful, it reads one picture at a
time and answers before it reads the next: should reading end this process, it is known which one did.
"""

import json
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.trainer.data.pictures.budget import MemoryBudget
from services.trainer.data.pictures.formats import UnreadablePicture
from services.trainer.data.pictures.memory import MAX_DECODING_BYTES
from services.trainer.data.pictures.picture import decode, file_bytes, open_picture, upright
from services.trainer.data.resampling import resize
from services.trainer.export.runtimes import Network, outputs_of, read_coreml, read_onnx, read_tflite, runs_here
from services.trainer.strangers.likeness import Likeness, read_likeness
from shared.errors import UserFault
from shared.layout import FILE_NAMES, Artefact
from shared.process.lean_import import without_packages
from shared.process.memory_limit import spare_the_machine
from shared.process.starter import Starter

_BATCH = 16
_BUDGET = MemoryBudget(MAX_DECODING_BYTES)
"""What all threads together spend on decoding."""
Read = NDArray[np.float32] | UnreadablePicture


def classify(order: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what is to be said; a picture that cannot be read does not stop the others.

    Raises:
        UserFault: ``model_unreadable``, ``runtime_missing`` or ``labels_mismatch``.
    """
    path, network, num_outputs = open_first([Path(model) for model in order["models"]])
    labels = Path(order["labels"]).read_text(encoding="utf-8").splitlines()
    if num_outputs != len(labels):
        raise UserFault(
            "labels_mismatch",
            f"The network has {num_outputs} outputs and {order['labels']} names {len(labels)} classes.",
            fix="Use the labels.txt that was delivered with this network.",
            details={"model": str(path), "labels": order["labels"]},
        )
    likeness = _likeness(order.get("strangers"), labels)
    yield {"network": str(path)}
    for paths, read in _batches(order["images"], network.side_px, 1 if order.get("is_careful") else _BATCH):
        yield from _answers(paths, read, network, likeness)


def _likeness(path: str | None, labels: Sequence[str]) -> Likeness | None:
    """Return what tells strangers; ``None`` where the delivery has nothing for it."""
    if path is None:
        return None
    try:
        return read_likeness(Path(path).read_text(encoding="utf-8"), labels)
    except (OSError, ValueError) as error:
        raise _strange_file(path, error) from error


def _strange_file(path: str | None, error: Exception) -> UserFault:
    return UserFault(
        "strangers_unreadable",
        f"{path} cannot be used: {error}.",
        fix="Use the strangers.json that was delivered with this network, or take it away; the network works without.",
        details={"path": path},
    )


def _batches(paths: Sequence[str], side_px: int, batch_size: int) -> Iterator[tuple[Sequence[str], Sequence[Read]]]:
    """Yield pictures in order, those that follow being read meanwhile, unless batches are of one."""
    num_ahead = 2 * batch_size if batch_size > 1 else 1
    num_threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    waiting: deque[Future[Read]] = deque()
    with ThreadPoolExecutor(num_threads, thread_name_prefix="read") as readers:
        upcoming = iter(paths)
        for start in range(0, len(paths), batch_size):
            batch = paths[start : start + batch_size]
            while len(waiting) < num_ahead and (path := next(upcoming, None)) is not None:
                waiting.append(readers.submit(_square, path, side_px))
            yield batch, [waiting.popleft().result() for _ in batch]


def _square(path: str, side_px: int) -> Read:
    try:
        opened = open_picture(file_bytes(Path(path)))
        with _BUDGET.spend(opened.cost_bytes):
            seen = decode(opened)
            return resize(np.asarray(upright(seen.image, seen.held)), side_px)
    except UnreadablePicture as error:
        return error
    except MemoryError:
        return UnreadablePicture("image_too_large", "There is not enough memory to read it.", fix="Make it smaller.")


def _answers(
    paths: Sequence[str], read: Sequence[Read], network: Network, likeness: Likeness | None
) -> Iterator[dict[str, Any]]:
    squares = [each for each in read if not isinstance(each, UnreadablePicture)]
    found = iter(_looked_at(np.stack(squares), network, likeness) if squares else ())
    for path, each in zip(paths, read, strict=True):
        if isinstance(each, UnreadablePicture):
            yield {"path": path, "error": each.reason, "code": each.code, "fix": each.fix}
        else:
            yield {"path": path, **next(found)}


def _looked_at(squares: NDArray[np.float32], network: Network, likeness: Likeness | None) -> list[dict[str, Any]]:
    seen = network.look(squares)
    distances: Sequence[float | None] = [None] * len(squares)
    limit = None
    if likeness is not None and seen.features is not None:
        try:
            distances, limit = likeness.distances(seen.features), likeness.limit
        except ValueError as error:
            raise _strange_file(FILE_NAMES[Artefact.STRANGERS], error) from error
    return [
        {"probabilities": probabilities, "distance": distance, "limit": limit}
        for probabilities, distance in zip(seen.probabilities.tolist(), distances, strict=True)
    ]


def read_keras(path: Path) -> Network:
    """Open ``model.keras`` or ``model.h5`` from behind its resize on, so that pictures of all sizes go in batches.

    Raises:
        ValueError: If it does not begin with a resize, as delivered networks do.
    """
    with without_packages("matplotlib"):
        import keras  # noqa: PLC0415 - seconds, and not needed for other files

    from services.trainer.export.formats.squares_model import from_squares  # noqa: PLC0415

    model = keras.models.load_model(path, compile=False)
    sides = [layer.height for layer in model.layers if isinstance(layer, keras.layers.Resizing)]
    if not sides:
        raise ValueError("it takes no pictures of any size, so it is of another program")
    whole = from_squares(model, sides[0]).model
    return Network(sides[0], lambda squares: outputs_of(whole(squares, training=False)))


_READERS: Mapping[str, Callable[[Path], Network]] = {
    ".onnx": partial(read_onnx, spins=False),  # threads that decode want the processor too
    ".tflite": read_tflite,
    ".zip": read_coreml,
}


def open_first(paths: Sequence[Path]) -> tuple[Path, Network, int]:
    """Open the first network whose packages are installed, and count its outputs; what is left is Keras's.

    Raises:
        UserFault: ``runtime_missing`` or ``model_unreadable``.
    """
    missing: list[str] = []
    for path in filter(lambda each: runs_here(each.name), paths):
        try:
            network = _READERS.get(path.suffix, read_keras)(path)
            black = np.zeros((1, network.side_px, network.side_px, 3), np.float32)
            return path, network, network.look(black).probabilities.shape[1]
        except ImportError as error:
            missing.append(error.name or str(error))
        except Exception as error:  # every runtime has exceptions of its own for a file that is none
            raise _unreadable(path, error) from error
    raise UserFault(
        "runtime_missing",
        f"{paths[0]} needs a package that is not installed: {' or '.join(missing)}."
        if missing
        else f"{paths[0]} runs on Macs alone.",
        fix="Install everything with pip install 'convtailor[all]', or name the model.h5 or model.keras beside it.",
        details={"model": str(paths[0])},
    )


def _unreadable(path: Path, error: Exception) -> UserFault:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return UserFault(
        "model_unreadable",
        f"{path} is no network that can be read: {lines[0]}",
        fix="Name a network of a delivery, such as model.h5 or model.onnx; fetch it again if it is damaged.",
        details={"model": str(path)},
    )


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
