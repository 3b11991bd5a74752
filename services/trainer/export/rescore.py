"""Load an exported file with plain Keras and score pictures with it, as its owner will."""

from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from services.trainer.data.archive import open_images
from services.trainer.data.pictures.picture import read_pixels
from services.trainer.export.check import ExportCheck, Request

Probabilities = NDArray[np.float64]
CLEAR_MARGIN = 0.1
"""Where the two most probable classes lie closer than this, rounding a pixel may swap them; that is no disagreement."""


def rescore(request: Request) -> ExportCheck:
    """Score the kept pictures with an exported file and compare with what the evaluation computed."""
    expected = np.array(request.expected, np.float64)
    try:
        score = _scorer(keras.models.load_model(request.model, compile=False))
        same = score(np.load(request.squares))
        raw = np.concatenate([score(image[None]) for image in raw_images(request.archive, request.paths)])
    except (OSError, ValueError, TypeError, KeyError, tf.errors.OpError) as error:
        return ExportCheck(error=f"{type(error).__name__}: {error}"[:500])
    return ExportCheck(
        same_input_gap=float(np.abs(same - expected).max()),
        raw_gap=float(np.abs(raw - expected).max(axis=1).mean()),
        raw_agreement=_agreement(raw, expected),
    )


def raw_images(archive: Path, paths: Sequence[str]) -> Iterator[NDArray[np.uint8]]:
    """Decode pictures of an archive upright at their own sizes, ``(height_px, width_px, 3) uint8`` each.

    Raises:
        KeyError: If the archive has no such picture.
    """
    with open_images(archive) as images:
        entries = {entry.path: entry for group in images.plan.classes.values() for entry in group}
        for path in paths:
            yield read_pixels(BytesIO(images.read(entries[path])))


def _scorer(model: keras.Model) -> Callable[[NDArray[np.uint8]], Probabilities]:
    """Trace the network once for pictures of any size: per size it would cost half a second each."""
    pixels = tf.TensorSpec((None, None, None, 3), tf.uint8)
    traced: Any = tf.function(lambda images: model(images, training=False), input_signature=[pixels], autograph=False)
    return lambda images: np.asarray(traced(images), np.float64)


def _agreement(found: Probabilities, expected: Probabilities) -> float:
    second, first = np.sort(expected, axis=1)[:, -2:].T
    same_class = found.argmax(axis=1) == expected.argmax(axis=1)
    return float(np.mean(same_class | (first - second < CLEAR_MARGIN)))
