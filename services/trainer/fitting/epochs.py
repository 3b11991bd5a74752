"""A head that learns by epochs, as the founding paper's does: one small layer, seconds for thousands of images."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.trainer.data.dataset import Indices
from services.trainer.fitting.dense_layer import DenseLayer
from services.trainer.fitting.standard import chunks_of, class_weights, log_softmax, standard_of, unstandardised
from services.trainer.zoo.head import Floats, Head
from shared.job.findings.training import History

_BATCH_SIZE = 32
_MAX_STEPS_PER_EPOCH = 400


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
    mean, spread = standard_of(data.features, data.train)
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
        head = unstandardised(layer.head, mean, spread)
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


def score(head: Head, data: HeadData, rows: Indices) -> tuple[float, float]:
    """Return accuracy and mean cross-entropy of a head on some rows."""
    right, loss = 0, 0.0
    for part in chunks_of(rows):
        logarithms = log_softmax(head.logits(np.asarray(data.features[part])))
        labels = data.labels[part]
        right += int((logarithms.argmax(axis=1) == labels).sum())
        loss -= float(logarithms[np.arange(len(part)), labels].sum(dtype=np.float64))
    count = max(len(rows), 1)
    return right / count, loss / count
