"""Training a softmax head on kept features: one small layer, seconds for thousands of images."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.trainer.data.dataset import Indices
from services.trainer.screening.dense_layer import DenseLayer
from services.trainer.zoo.head import Floats, Head
from shared.job.result import History

_BATCH_SIZE = 32
_MAX_STEPS_PER_EPOCH = 400
_CHUNK_ROWS = 4096
_IMBALANCE = 3.0
_SPREAD_FLOOR = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadData:
    """What a head is trained on.

    Args:
        features: ``(num_images, feature_width) float32``, possibly memory-mapped; only rows named below are read.
        labels: ``(num_images,)``, positions of the classes.
        train: Rows that are learnt from.
        validation: Rows that judge.
        num_classes: Outputs of the head.
    """

    features: Floats
    labels: NDArray[np.int32]
    train: Indices
    validation: Indices
    num_classes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedHead:
    """A head at its best epoch.

    Args:
        head: For features as they are; standardisation is folded in.
        history: Curves over all epochs trained.
        best_epoch: Counted from 1.
    """

    head: Head
    history: History
    best_epoch: int

    @property
    def val_accuracy(self) -> float:
        """At the best epoch."""
        return self.history.val_accuracy[self.best_epoch - 1]


def train_head(
    data: HeadData, *, epochs: int, seed: int, on_epoch: Callable[[int, float], bool] = lambda *_: True
) -> TrainedHead:
    """Train a softmax head with AdamW on standardised features; keep the best settled epoch.

    Settled are the epochs of the second half, in which the rate is below half its peak. The one of the highest
    validation accuracy is kept, and of equals the later.

    Args:
        data: Features, labels and which rows serve for what.
        epochs: At least 1.
        seed: Of the shuffling; the head starts from zeros.
        on_epoch: Told the epoch and its validation accuracy; answers whether to go on.
    """
    mean, spread = _standard(data)
    weights = class_weights(data.labels[data.train], data.num_classes)
    batch_size = max(_BATCH_SIZE, -(-len(data.train) // _MAX_STEPS_PER_EPOCH))
    steps_per_epoch = -(-len(data.train) // batch_size)
    layer = DenseLayer(data.features.shape[1], data.num_classes, total_steps=epochs * steps_per_epoch)
    generator = np.random.default_rng(seed)
    curves: list[tuple[float, float, float, float]] = []
    best: tuple[tuple[bool, float, int], int, Head] | None = None
    for epoch in range(1, epochs + 1):
        for rows in np.array_split(generator.permutation(data.train), steps_per_epoch):
            inputs = (np.asarray(data.features[rows]) - mean) / spread
            layer.learn(inputs, data.labels[rows], weights[data.labels[rows]])
        head = _unstandardised(layer.head, mean, spread)
        curves.append((*score(head, data, data.train), *score(head, data, data.validation)))
        # While the rate is high a head swings, and an epoch that stands out on a small validation split is mostly luck.
        rank = (2 * epoch > epochs, curves[-1][2], epoch)
        if best is None or rank > best[0]:
            best = (rank, epoch, head)
        if not on_epoch(epoch, best[0][0]):
            break
    if best is None:
        raise ValueError(f"received {epochs} epochs, expected at least 1")
    accuracy, loss, val_accuracy, val_loss = zip(*curves, strict=True)
    history = History(accuracy=accuracy, loss=loss, val_accuracy=val_accuracy, val_loss=val_loss)
    return TrainedHead(head=best[2], history=history, best_epoch=best[1])


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


def score(head: Head, data: HeadData, rows: Indices) -> tuple[float, float]:
    """Return accuracy and mean cross-entropy of a head on some rows."""
    right, loss = 0, 0.0
    for start in range(0, len(rows), _CHUNK_ROWS):
        part = rows[start : start + _CHUNK_ROWS]
        logarithms = log_softmax(head.logits(np.asarray(data.features[part])))
        labels = data.labels[part]
        right += int((logarithms.argmax(axis=1) == labels).sum())
        loss -= float(logarithms[np.arange(len(part)), labels].sum(dtype=np.float64))
    count = max(len(rows), 1)
    return right / count, loss / count


def log_softmax(logits: Floats) -> Floats:
    """Return logarithms of the probabilities, ``(num_images, num_classes)``."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    logarithms: Floats = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return logarithms


def _standard(data: HeadData) -> tuple[Floats, Floats]:
    """Return mean and deviation of every feature over the training rows, in one pass of flat memory."""
    total = np.zeros(data.features.shape[1])
    squares = np.zeros_like(total)
    for start in range(0, len(data.train), _CHUNK_ROWS):
        part = np.asarray(data.features[data.train[start : start + _CHUNK_ROWS]], np.float64)
        total += part.sum(axis=0)
        squares += np.square(part).sum(axis=0)
    mean = total / len(data.train)
    deviation = np.sqrt(np.maximum(squares / len(data.train) - np.square(mean), 0))
    # A feature that hardly ever fires must not be blown up by its tiny deviation.
    floor = max(float(_SPREAD_FLOOR * deviation.max()), float(np.finfo(np.float32).tiny))
    return mean.astype(np.float32), np.maximum(deviation, floor).astype(np.float32)


def _unstandardised(head: Head, mean: Floats, spread: Floats) -> Head:
    kernel = head.kernel / spread[:, None]
    return Head(kernel=kernel, bias=head.bias - mean @ kernel)
