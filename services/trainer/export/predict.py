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
from collections.abc import Sequence
from pathlib import Path

from services.trainer.data.pictures.formats import UnreadablePicture
from services.trainer.data.pictures.picture import read_pixels
from services.trainer.export.runtimes import RUNTIMES, Look, Outputs, runs_here
from services.trainer.strangers.likeness import Likeness, read_likeness
from shared.text.printable import printable_name

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

HERE = Path(__file__).resolve().parent
UNSURE = "--unsure"
UNLIKE = "unlike every photograph it has seen"


def open_network(folder: Path) -> Look:
    """Open the first of the delivered networks whose packages are installed."""
    missing = []
    for name, packages, opened in RUNTIMES:
        path = folder / name
        if not path.exists() or not runs_here(name):
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
    names = ", ".join(name for name, _, _ in RUNTIMES if runs_here(name))
    raise SystemExit(f"There is no network in {folder}: one of {names} is needed.")


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
