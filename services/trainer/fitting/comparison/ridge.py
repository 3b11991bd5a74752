"""A quick judgement of features on few images: ridge regression, each image judged by all others. Pure."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.trainer.fitting.temperature import Labels

_STRENGTHS = tuple(10.0**exponent for exponent in range(-3, 3))
"""Of the penalty, as shares of the mean squared length of an image's features."""


def read_rightly(features: NDArray[np.floating[Any]], labels: Labels, num_classes: int) -> NDArray[np.bool_]:
    """Return which images are taken for what they are by a ridge regression that has learnt from all others.

    Leaving one out needs no second fit: what is off at an image, divided by one less its own leverage, is what would
    be off without it. The strength is the one that reads most of them rightly.

    Args:
        features: ``(num_images, width)``, any scale; no image may be a copy of another.
        labels: ``(num_images,)``.
        num_classes: Columns that the classes are spread over.

    Source: Allen, "The relationship between variable selection and data augmentation and a method for prediction",
    Technometrics 16, 1974.
    """
    values = features - features.mean(axis=0)
    spread = values.std(axis=0)
    values /= np.maximum(spread, 1e-3 * max(float(spread.max()), 1e-12))
    targets = np.eye(num_classes)[labels]
    kernel = (values @ values.T).astype(np.float64)
    variances, vectors = np.linalg.eigh(kernel)
    variances = np.maximum(variances, 0.0)
    scale = max(float(np.trace(kernel)) / len(labels), 1e-12)
    turned = vectors.T @ (targets - targets.mean(axis=0))
    best = np.zeros(len(labels), bool)
    for strength in _STRENGTHS:
        shares = variances / (variances + strength * scale)
        fitted = vectors @ (shares[:, None] * turned) + targets.mean(axis=0)
        leverage = np.square(vectors) @ shares + 1 / len(labels)
        without = targets - (targets - fitted) / np.maximum(1 - leverage, 1e-9)[:, None]
        right = without.argmax(axis=1) == labels
        best = right if right.sum() > best.sum() else best
    return best
