"""Classify pictures with the network beside this file.

    python predict.py IMAGE…

prints one line per picture: its path, the most probable class, and the probability of that class. Needs the packages
keras, tensorflow and pillow, and the files model.keras (or model.h5) and labels.txt of the same delivery.
"""

import os
import sys
from pathlib import Path
from typing import Any

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


def load_image(path: str) -> Any:
    """Return a picture as it is meant to be seen, ``(height, width, 3) uint8``: upright, transparency over white."""
    import numpy as np
    from PIL import Image, ImageOps

    with Image.open(path) as file:
        image = ImageOps.exif_transpose(file)
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):  # more than 8 bits of grey
        deep = np.asarray(image, "float32")
        white = 1 if image.mode == "F" and deep.max() <= 1 else 255 if image.mode == "F" else 65535
        image = Image.fromarray(np.rint(deep * (255 / max(white, deep.max()))).clip(0, 255).astype("uint8"))
    if image.has_transparency_data:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    return np.asarray(image.convert("RGB"))


def main(paths: list[str]) -> int:
    """Classify every picture; return the exit code."""
    if not paths:
        sys.stderr.write("usage: python predict.py IMAGE…\n")
        return 2
    labels = (HERE / "labels.txt").read_text(encoding="utf-8").splitlines()
    model = load_model()
    for path in paths:
        probabilities = [float(value) for value in model(load_image(path)[None], training=False)[0]]
        best = max(range(len(labels)), key=probabilities.__getitem__)
        sys.stdout.write(f"{path}\t{labels[best]}\t{probabilities[best]:.4f}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
