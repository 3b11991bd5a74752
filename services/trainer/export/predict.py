"""Classify pictures with the network beside this file.

    python predict.py [--unsure] IMAGE…

prints one line per picture: its path, the most probable class, and the probability of that class. Characters of a path
that would act on a terminal or are no text are written out. A picture that cannot be read is named on standard error,
the others are classified all the same, and the exit code is 1. Of a folder, every file is taken but hidden ones; what
is no picture there is passed over. Needs the packages pillow and numpy, pi-heif to read HEIC, one of onnxruntime (for
model.onnx), ai-edge-litert (for model.tflite) or keras with tensorflow (for model.keras or model.h5), and the file
labels.txt of the same delivery. The first of these networks that is there and can be run is used. With --unsure, the
answer is "unsure" where the class is less probable than model.json advises, and the class follows behind it. Where
strangers.json is there too, "unlike every photograph it has seen" stands behind the answer to such a picture, and with
--unsure its answer is "unlike".
"""

import json
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.trainer.data.pictures.formats import UnreadablePicture
from services.trainer.data.pictures.picture import read_pixels
from services.trainer.data.resampling import resize
from services.trainer.strangers.likeness import Likeness, read_likeness
from shared.text.printable import printable_name

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

HERE = Path(__file__).resolve().parent
UNSURE = "--unsure"
UNLIKE = "unlike every photograph it has seen"
LAST_LAYER = "probabilities"
"""Name of it in Keras; what it reads are the features."""


class Outputs(NamedTuple):
    """What a network makes of pictures.

    Args:
        probabilities: One per class, ``(n, num_classes)``; they sum up to 1.
        features: What its last layer reads, ``(n, width)``; ``None`` where the file gives none.
    """

    probabilities: NDArray[np.float32]
    features: NDArray[np.float32] | None


Look = Callable[[NDArray[np.uint8]], Outputs]
"""From a picture of any size, ``(height_px, width_px, 3) uint8`` RGB, to what is said of this one."""


class Network(NamedTuple):
    """A network that takes squares.

    Args:
        side_px: Their side.
        look: From ``(n, side_px, side_px, 3) float32`` RGB of 0 to 255 to what it makes of them.
    """

    side_px: int
    look: Callable[[NDArray[np.float32]], Outputs]

    def of_picture(self, pixels: NDArray[np.uint8]) -> Outputs:
        """Return what it makes of one picture, ``(height_px, width_px, 3)`` of any size."""
        return self.look(resize(pixels, self.side_px)[None])


def read_onnx(path: Path, *, spins: bool = True) -> Network:
    """Open ``model.onnx`` by ONNX Runtime.

    Args:
        path: The file.
        spins: Whether threads spin while they wait for each other: quicker for one picture, dearer beside other work.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.intra_op.allow_spinning", "1" if spins else "0")
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    side_px = int(session.get_inputs()[0].shape[1])
    return Network(side_px, lambda squares: outputs_of(session.run(None, {"image": squares})))


def read_tflite(path: Path) -> Network:
    """Open ``model.tflite`` by LiteRT, which takes one square at a time."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path), num_threads=os.cpu_count())
    interpreter.allocate_tensors()
    given, answers = interpreter.get_input_details()[0], interpreter.get_output_details()

    def look_at_one(square: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        interpreter.set_tensor(given["index"], square[None])
        interpreter.invoke()
        return [np.array(interpreter.get_tensor(each["index"])[0]) for each in answers]

    def look(squares: NDArray[np.float32]) -> Outputs:
        return outputs_of([np.stack(each) for each in zip(*map(look_at_one, squares), strict=True)])

    return Network(int(given["shape"][1]), look)


def outputs_of(outputs: Sequence[Any]) -> Outputs:
    """Return what a file gives: probabilities, and behind them features, which older ones lack."""
    probabilities, *others = (np.asarray(each) for each in outputs)
    return Outputs(probabilities, others[0] if others else None)


def open_onnx(path: Path) -> Look:
    """Return what ``model.onnx`` makes of a picture."""
    return read_onnx(path).of_picture


def open_tflite(path: Path) -> Look:
    """Return what ``model.tflite`` makes of a picture."""
    return read_tflite(path).of_picture


def open_keras(path: Path) -> Look:
    """Return what ``model.keras`` or ``model.h5`` makes of a picture; these resize by themselves."""
    import keras

    model = keras.models.load_model(path, compile=False)
    whole = keras.Model(model.input, [model.output, *features_of(model)])
    return lambda pixels: outputs_of(whole(pixels[None], training=False))


def features_of(model: Any) -> list[Any]:
    """Return the tensor of what the last layer of a network of Keras reads; none where it has no such layer."""
    return [layer.input for layer in model.layers if layer.name == LAST_LAYER]


RUNTIMES: tuple[tuple[str, str, Callable[[Path], Look]], ...] = (
    ("model.onnx", "onnxruntime", open_onnx),
    ("model.tflite", "ai-edge-litert", open_tflite),
    ("model_float16.tflite", "ai-edge-litert", open_tflite),
    ("model.keras", "keras tensorflow", open_keras),
    ("model.h5", "keras tensorflow", open_keras),
)
"""File, the packages that it needs, and how it is opened; the quickest first."""


def open_network(folder: Path) -> Look:
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


def find_likeness(folder: Path, labels: Sequence[str]) -> Likeness | None:
    """Return what tells strangers; ``None`` where the delivery has nothing for it."""
    path = folder / "strangers.json"
    try:
        return read_likeness(path.read_text(encoding="utf-8"), labels)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise SystemExit(f"{path} cannot be used: {error}. Put that of the same delivery there.") from None


def answer_of(seen: Outputs, labels: Sequence[str], threshold: float | None, likeness: Likeness | None) -> str:
    """Return what is answered of one picture, in columns; always a class where there is no threshold."""
    probabilities: list[float] = seen.probabilities[0].tolist()
    if len(probabilities) != len(labels):
        raise SystemExit(
            f"The network knows {len(probabilities)} classes and labels.txt names {len(labels)}; "
            "put both from the same delivery here."
        )
    best = max(range(len(labels)), key=probabilities.__getitem__)
    told, name = f"{probabilities[best]:.4f}", labels[best]
    is_unlike = False
    if likeness is not None and seen.features is not None:
        try:
            is_unlike = likeness.distances(seen.features)[0] > likeness.limit
        except ValueError as error:
            raise SystemExit(f"{error}; put both from the same delivery here.") from None
    if threshold is not None and (is_unlike or probabilities[best] < threshold):
        return f"{'unlike' if is_unlike else 'unsure'}\t{told}\t{name}"
    return f"{name}\t{told}\t{UNLIKE}" if is_unlike else f"{name}\t{told}"


def main(arguments: list[str]) -> int:
    """Classify every picture; return the exit code."""
    paths = [each for each in arguments if each != UNSURE]
    if not paths:
        sys.stderr.write("usage: python predict.py [--unsure] IMAGE…\n")
        return 2
    threshold = read_threshold(HERE) if UNSURE in arguments else None
    labels, look = read_labels(HERE), open_network(HERE)
    likeness = find_likeness(HERE, labels)
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
        sys.stdout.write(f"{printable_name(path)}\t{answer_of(look(pixels), labels, threshold, likeness)}\n")
    return 1 if num_unreadable else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
