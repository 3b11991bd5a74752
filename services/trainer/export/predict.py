"""Classify pictures with the network beside this file.

    python predict.py IMAGE…

prints one line per picture: its path, the most probable class, and the probability of that class. Characters of a path
that would act on a terminal or are no text are written out. A picture that cannot be read is named on standard error,
the others are classified all the same, and the exit code is 1. Of a folder, every file is taken but hidden ones; what
is no picture there is passed over. Needs the packages keras, tensorflow and pillow, pi-heif to read HEIC, and the files
model.keras (or model.h5) and labels.txt of the same delivery.
"""

import os
import sys
import warnings
from pathlib import Path
from typing import Any

from services.trainer.data.pictures.formats import UnreadablePicture
from services.trainer.data.pictures.picture import read_pixels
from shared.text.printable import printable_name

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

HERE = Path(__file__).resolve().parent


def load_model() -> Any:
    """Return the delivered network: raw pixels of any size in, one probability per class out."""
    import keras

    for name in ("model.keras", "model.h5"):
        if (HERE / name).exists():
            return keras.models.load_model(HERE / name, compile=False)
    raise SystemExit(f"neither model.keras nor model.h5 lies in {HERE}")


def find_files(paths: list[str]) -> list[str]:
    """Return what to classify: folders are replaced by the files in them."""
    found: list[str] = []
    for path in map(Path, paths):
        if path.is_dir():
            found += [str(each) for each in sorted(path.rglob("*")) if each.is_file() and each.name[0] != "."]
        else:
            found.append(str(path))
    return found


def main(paths: list[str]) -> int:
    """Classify every picture; return the exit code."""
    if not paths:
        sys.stderr.write("usage: python predict.py IMAGE…\n")
        return 2
    labels = (HERE / "labels.txt").read_text(encoding="utf-8").splitlines()
    model = load_model()
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
        probabilities = [float(value) for value in model(pixels[None], training=False)[0]]
        best = max(range(len(labels)), key=probabilities.__getitem__)
        sys.stdout.write(f"{printable_name(path)}\t{labels[best]}\t{probabilities[best]:.4f}\n")
    return 1 if num_unreadable else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
