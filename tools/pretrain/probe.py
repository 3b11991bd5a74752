"""Judge a network by what is wanted of it: how well a linear classifier does on its frozen features."""

import zipfile
from io import BytesIO
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

Features = NDArray[np.float32]

INVERSE_REGULARISATION = 0.01
TEST_FRAC = 0.3


def read_photographs(archive: Path, size_px: int) -> tuple[NDArray[np.uint8], NDArray[np.str_]]:
    """Decode a zip of class folders to `(num_images, size_px, size_px, 3) uint8` and the folders' names."""
    pixels, names = [], []
    with zipfile.ZipFile(archive) as opened:
        for member in sorted(opened.namelist()):
            if member.endswith("/"):
                continue
            with Image.open(BytesIO(opened.read(member))) as image:
                # A palette's transparent colour is lost unless it becomes an alpha channel first.
                upright = image.convert("RGBA") if image.mode in {"P", "LA"} else image
                small = upright.convert("RGB").resize((size_px, size_px), Image.Resampling.BILINEAR)
            pixels.append(np.asarray(small))
            names.append(member.split("/")[-2])
    return np.stack(pixels), np.array(names)


def pooled_features(student: keras.Model, photographs: NDArray[np.uint8]) -> Features:
    """Last map averaged over places, `(num_images, num_channels) float32`."""
    pixels = photographs.astype(np.float32) / 127.5 - 1.0
    features: Features = student.predict(pixels, batch_size=50, verbose=0).mean(axis=(1, 2))
    return features


def cross_validated_accuracy(features: Features, names: NDArray[np.str_], *, seed: int = 0) -> float:
    """Mean accuracy over five folds of the 70 % that the benchmark trains on with `seed`.

    The benchmark's test parts stay unseen, so that choices made by this number do not flatter the benchmark.
    """
    training, _ = train_test_split(np.arange(len(names)), test_size=TEST_FRAC, stratify=names, random_state=seed)
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    # Matrices this small are solved twenty times faster by one thread than by several waiting for one another.
    with threadpool_limits(limits=1):
        return float(cross_val_score(linear_probe(), features[training], names[training], cv=folds).mean())


def linear_probe() -> object:
    """Logistic regression on standardised features, the same for every network."""
    return make_pipeline(StandardScaler(), LogisticRegression(C=INVERSE_REGULARISATION, max_iter=1000))
