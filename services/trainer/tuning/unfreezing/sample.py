"""What fine-tuning learns from: activations of every view at the cut, and the pooled levels before it, in memory."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from services.trainer.data.dataset import Indices, LearningSet
from services.trainer.screening.features import FeatureStore, learning_rows, mirrored
from services.trainer.tuning.unfreezing.learner import Batch
from services.trainer.zoo.head import Floats, Reading
from services.trainer.zoo.network import Network

_PASS_SIZE = 32
_HALF = np.finfo(np.float16).max


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Images as they reach the part that learns.

    Args:
        rows: Positions in the data set, ascending.
        labels: Of all images of the data set.
        activations: By view: ``(num_rows, *shape) float16``.
        early: By view: ``(num_rows, width) float32``.
    """

    rows: Indices
    labels: NDArray[np.int32]
    activations: tuple[NDArray[np.float16], ...]
    early: tuple[Floats, ...]

    @property
    def views(self) -> int:
        """Of each image."""
        return len(self.activations)

    def batch(self, rows: Indices, view: int) -> Batch:
        """Return some images in one view."""
        places = np.searchsorted(self.rows, rows)
        return Batch(
            activations=self.activations[view][places], early=self.early[view][places], labels=self.labels[rows]
        )

    def shuffled(self, rows: Indices, size: int, generator: np.random.Generator) -> Iterator[Batch]:
        """Yield every image once in every view, in random order; a batch holds one view of each of its images."""
        order = [(view, part) for view in range(self.views) for part in _parts(generator.permutation(rows), size)]
        for position in generator.permutation(len(order)):
            view, part = order[position]
            yield self.batch(part, view)


def take_sample(
    dataset: LearningSet, store: FeatureStore, network: Network, reading: Reading, on_batch: Callable[[], bool]
) -> Sample | None:
    """Send the images that may be learnt from through the part that stays as it is.

    Args:
        dataset: See there.
        store: Has their pooled levels, in as many views as the head reads.
        network: Cut where learning begins.
        reading: Of the head.
        on_batch: Asked after every batch whether to go on.

    Returns:
        The sample, or ``None`` where it was to stop.
    """
    rows = learning_rows(dataset)
    images = dataset.images(network.backbone.input_px)
    forward = tf.function(lambda pixels: tf.cast(tf.clip_by_value(network.trunk(pixels), -_HALF, _HALF), tf.float16))
    activations = []
    for view in range(reading.views):
        parts = []
        for part in _parts(rows, _PASS_SIZE):
            squares = np.asarray(images[part])
            pixels = mirrored(squares) if view else squares
            parts.append(np.asarray(forward(tf.constant(pixels.astype(np.float32)))))
            if not on_batch():
                return None
        activations.append(np.concatenate(parts))
    early = _early(store, network, reading, rows)
    return Sample(rows=rows, labels=dataset.labels, activations=tuple(activations), early=early)


def _early(store: FeatureStore, network: Network, reading: Reading, rows: Indices) -> tuple[Floats, ...]:
    """Return the pooled levels up to the cut by view; what is kept of both views is their mean."""
    row = network.backbone
    num_after = min(reading.num_levels, len(row.levels) - 1 - row.level_names.index(row.cut_inputs[0]))
    width = row.width_of(reading.num_levels) - row.width_of(num_after)
    single = np.asarray(store.read_by(Reading(num_levels=reading.num_levels))[rows][:, :width])
    if reading.views == 1:
        return (single,)
    both = np.asarray(store.read_by(reading)[rows][:, :width])
    return (single, 2 * both - single)


def _parts(rows: Indices, size: int) -> list[Indices]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]
