"""Classify pictures with the network beside this file.

    python predict.py [--unsure] IMAGE…

prints one line per picture: its path, the most probable class, and the probability of that class. Characters of a path
that would act on a terminal or are no text are written out. A picture that cannot be read is named on standard error,
the others are classified all the same, and the exit code is 1. Of a folder, every file is taken but hidden ones; what
is no picture there is passed over. Needs the packages pillow and numpy, pi-heif to read HEIC, one of onnxruntime (for
model.onnx), ai-edge-litert (for model.tflite) or keras with tensorflow (for model.keras or model.h5), and the file
labels.txt of the same delivery. The first of these networks that is there and can be run is used. With --unsure, the
answer is "unsure" where the class is less probable than model.json advises, and the class follows behind it.
"""

import json
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.trainer.data.pictures.formats import UnreadablePicture
from services.trainer.data.pictures.picture import read_pixels
from services.trainer.data.resampling import resize
from shared.text.printable import printable_name

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

HERE = Path(__file__).resolve().parent
UNSURE = "--unsure"
Score = Callable[[NDArray[np.uint8]], list[float]]
"""From a picture of any size, ``(height_px, width_px, 3) uint8`` RGB, to one probability per class."""


class Network(NamedTuple):
    """A network that takes squares.

    Args:
        side_px: Their side.
        score: From ``(n, side_px, side_px, 3) float32`` RGB of 0 to 255 to ``(n, num_classes)`` probabilities.
    """

    side_px: int
    score: Callable[[NDArray[np.float32]], NDArray[np.float32]]

    def of_picture(self, pixels: NDArray[np.uint8]) -> list[float]:
        """Return what it says of one picture, ``(height_px, width_px, 3)`` of any size."""
        found: list[float] = self.score(resize(pixels, self.side_px)[None])[0].tolist()
        return found


def read_onnx(path: Path) -> Network:
    """Open ``model.onnx`` by ONNX Runtime."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    side_px = int(session.get_inputs()[0].shape[1])
    return Network(side_px, lambda squares: np.asarray(session.run(None, {"image": squares})[0]))


def read_tflite(path: Path) -> Network:
    """Open ``model.tflite`` by LiteRT, which takes one square at a time."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path), num_threads=os.cpu_count())
    interpreter.allocate_tensors()
    given, answer = interpreter.get_input_details()[0], interpreter.get_output_details()[0]

    def score_one(square: NDArray[np.float32]) -> NDArray[np.float32]:
        interpreter.set_tensor(given["index"], square[None])
        interpreter.invoke()
        return np.array(interpreter.get_tensor(answer["index"])[0])

    return Network(int(given["shape"][1]), lambda squares: np.stack([score_one(square) for square in squares]))


def open_onnx(path: Path) -> Score:
    """Return what ``model.onnx`` says of a picture."""
    return read_onnx(path).of_picture


def open_tflite(path: Path) -> Score:
    """Return what ``model.tflite`` says of a picture."""
    return read_tflite(path).of_picture


def open_keras(path: Path) -> Score:
    """Return what ``model.keras`` or ``model.h5`` says of a picture; these resize by themselves."""
    import keras

    model = keras.models.load_model(path, compile=False)
    return lambda pixels: [float(value) for value in model(pixels[None], training=False)[0]]


RUNTIMES: tuple[tuple[str, str, Callable[[Path], Score]], ...] = (
    ("model.onnx", "onnxruntime", open_onnx),
    ("model.tflite", "ai-edge-litert", open_tflite),
    ("model_float16.tflite", "ai-edge-litert", open_tflite),
    ("model.keras", "keras tensorflow", open_keras),
    ("model.h5", "keras tensorflow", open_keras),
)
"""File, the packages that it needs, and how it is opened; the quickest first."""


def open_network(folder: Path) -> Score:
    """Open the first of the delivered networks whose packages are installed."""
    missing = []
    for name, packages, opened in RUNTIMES:
        path = folder / name
        if not path.exists():
            continue
        try:
            return opened(path)
        except ImportError:
            missing.append(f"pip install {packages}  (for {name})")
        except Exception as error:  # noqa: BLE001 - every runtime has exceptions of its own
            reason = f"{error}".strip() or type(error).__name__
            raise SystemExit(
                f"{path} cannot be used: {reason.splitlines()[0]}\nFetch it again if it is damaged."
            ) from None
    if missing:
        raise SystemExit("Nothing is installed that runs the network. One of these will do:\n  " + "\n  ".join(missing))
    raise SystemExit(f"There is no network in {folder}: one of {', '.join(name for name, _, _ in RUNTIMES)} is needed.")


def read_labels(folder: Path) -> list[str]:
    """Return the names of the classes in the order of the network's answers."""
    path = folder / "labels.txt"
    if not path.exists():
        raise SystemExit(f"There is no labels.txt in {folder}; put that of the same delivery there.")
    return path.read_text(encoding="utf-8").splitlines()


def find_files(paths: list[str]) -> list[str]:
    """Return what to classify: folders are replaced by the files in them."""
    found: list[str] = []
    for path in map(Path, paths):
        if path.is_dir():
            found += [str(each) for each in sorted(path.rglob("*")) if each.is_file() and each.name[0] != "."]
        else:
            found.append(str(path))
    return found


def read_threshold(folder: Path) -> float:
    """Return the probability below which ``model.json`` advises to answer nothing; 0: every answer may be taken."""
    try:
        advised = json.loads((folder / "model.json").read_text(encoding="utf-8"))["unsure_below"]
    except (OSError, ValueError, LookupError):
        raise SystemExit(f"There is no model.json in {folder} that says what is unsure.") from None
    if advised is None:
        raise SystemExit("model.json advises no threshold: none makes the answers reliable. Check every answer.")
    return float(advised)


def main(arguments: list[str]) -> int:
    """Classify every picture; return the exit code."""
    paths = [each for each in arguments if each != UNSURE]
    if not paths:
        sys.stderr.write("usage: python predict.py [--unsure] IMAGE…\n")
        return 2
    threshold = read_threshold(HERE) if UNSURE in arguments else 0.0
    labels, score = read_labels(HERE), open_network(HERE)
    warnings.simplefilter("ignore")  # Pillow tells of odd metadata
    num_unreadable = 0
    for path in find_files(paths):
        try:
            pixels = read_pixels(path)
        except UnreadablePicture as reason:
            is_passed_over = reason.code == "not_an_image" and path not in paths
            what = "passed over" if is_passed_over else "cannot be read"
            sys.stderr.write(f"{printable_name(path)}\t{what}: {reason.reason} {reason.fix}\n")
            num_unreadable += not is_passed_over
            continue
        probabilities = score(pixels)
        if len(probabilities) != len(labels):
            raise SystemExit(
                f"The network knows {len(probabilities)} classes and labels.txt names {len(labels)}; "
                "put both from the same delivery here."
            )
        best = max(range(len(labels)), key=probabilities.__getitem__)
        answer = f"{labels[best]}\t{probabilities[best]:.4f}"
        if probabilities[best] < threshold:
            answer = f"unsure\t{probabilities[best]:.4f}\t{labels[best]}"
        sys.stdout.write(f"{printable_name(path)}\t{answer}\n")
    return 1 if num_unreadable else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
