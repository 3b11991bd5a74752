"""``python -m services.trainer.export.formats.score``: tries one file as its owner will, without TensorFlow.

It is told one line, a :class:`Scoring`, answers one, a :class:`Scored`, and is gone. The file is opened, and pictures
are read and resized, by the very functions of the delivered ``predict.py``.
"""

import json
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from statistics import median

import numpy as np

from services.trainer.data.pictures.formats import UnreadablePicture
from services.trainer.data.pictures.picture import read_pixels
from services.trainer.export.formats.order import Scored, Scoring
from services.trainer.export.runtimes import RUNTIMES, Look, read_onnx
from shared.json_codec import from_json, to_json
from shared.layout import FILE_NAMES, Artefact
from shared.process.memory_limit import spare_the_machine
from shared.process.starter import Starter

_MAX_CHARACTERS = 300
_BESIDE_OTHERS: Mapping[str, Callable[[Path], Look]] = {
    FILE_NAMES[Artefact.MODEL_ONNX]: lambda path: read_onnx(path, spins=False).of_picture,
}
"""Opened in another way than by its owner: threads that wait for each other leave the core to what is written next."""


def score(scoring: Scoring, monotonic: Callable[[], float] = time.monotonic) -> Scored:
    """Open a file, score squares as far as there is time, and pictures.

    Args:
        scoring: See there.
        monotonic: Seconds on a clock that nobody sets.
    """
    until = monotonic() + scoring.seconds
    (package, opened), *_ = [each[1:] for each in RUNTIMES if each[0] == scoring.model.name]
    try:
        network = _BESIDE_OTHERS.get(scoring.model.name, opened)(scoring.model)
        pictures = tuple(tuple(network(read_pixels(path)).probabilities[0].tolist()) for path in scoring.pictures)
        squares = np.load(scoring.squares, mmap_mode="r")
        found, spent = [], []
        for position, row in enumerate(scoring.rows):
            started = monotonic()
            if started >= until and position >= scoring.num_needed:
                break
            found.append(network(np.asarray(squares[row])).probabilities[0])
            spent.append(monotonic() - started)
        np.save(scoring.answers, np.array(found, np.float64))
    except UnreadablePicture as error:
        return Scored(error=f"a picture cannot be read: {error}")
    except Exception as error:  # noqa: BLE001 - every runtime has exceptions of its own; each speaks against the file
        return Scored(error=f"{type(error).__name__}: {error}"[:_MAX_CHARACTERS])
    return Scored(runtime=f"{package} {version(package)}", pictures=pictures, image_s=median(spent))


def main() -> None:
    """Answer the one request."""
    spare_the_machine()
    starter = Starter()
    scored = score(from_json(Scoring, json.loads(starter.hear())))
    starter.say(json.dumps(to_json(scored)).encode() + b"\n")


if __name__ == "__main__":
    main()
