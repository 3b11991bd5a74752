"""What every fit of a head shares: standardised inputs, weights of classes, logarithms of probabilities. Pure."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from services.trainer.data.dataset import Indices
from services.trainer.zoo.head import Floats, Head

T = TypeVar("T", np.float32, np.float64)
_CHUNK_ROWS = 4096
_IMBALANCE = 3.0
_SPREAD_FLOOR = 1e-3


def chunks_of(rows: Indices) -> Iterator[Indices]:
    """Yield rows in parts that need little memory."""
    for start in range(0, len(rows), _CHUNK_ROWS):
        yield rows[start : start + _CHUNK_ROWS]


def standard_of(features: Floats, rows: Indices) -> tuple[Floats, Floats]:
    """Return mean and deviation of every feature over some rows, in one pass of flat memory.

    Args:
        features: ``(num_images, width) float32``, possibly memory-mapped.
        rows: Which images count.
    """
    total = np.zeros(features.shape[1])
    squares = np.zeros_like(total)
    for part in chunks_of(rows):
        values = np.asarray(features[part], np.float64)
        total += values.sum(axis=0)
        squares += np.square(values).sum(axis=0)
    mean = total / len(rows)
    deviation = np.sqrt(np.maximum(squares / len(rows) - np.square(mean), 0))
    # A feature that hardly ever fires must not be blown up by its tiny deviation.
    floor = max(float(_SPREAD_FLOOR * deviation.max()), float(np.finfo(np.float32).tiny))
    return mean.astype(np.float32), np.maximum(deviation, floor).astype(np.float32)


def unstandardised(head: Head, mean: Floats, spread: Floats) -> Head:
    """Return the head for inputs as they are that does what a head does for standardised ones."""
    kernel = head.kernel / spread[:, None]
    return replace(head, kernel=kernel, bias=head.bias - mean @ kernel)


def class_weights(labels: NDArray[np.int32], num_classes: int) -> Floats:
    """Return the weight of each class's images in the loss: 1, or the inverse of its share above an imbalance of 3:1.

    Returns:
        ``(num_classes,) float32`` whose mean over the images is 1.
    """
    counts = np.maximum(np.bincount(labels, minlength=num_classes), 1)
    if counts.max() <= _IMBALANCE * counts.min():
        return np.ones(num_classes, np.float32)
    weights: Floats = (counts.sum() / (num_classes * counts)).astype(np.float32)
    return weights


def log_softmax(logits: NDArray[T]) -> NDArray[T]:
    """Return logarithms of the probabilities, ``(num_images, num_classes)``."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    logarithms: NDArray[T] = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return logarithms
