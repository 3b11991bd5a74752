"""What fine-tuning learns from: activations of every view at the cut, and the pooled levels before it, in memory."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from services.trainer.data.dataset import Images, Indices, LearningSet
from services.trainer.run.memory import let_go
from services.trainer.screening.features import FeatureStore, learning_rows, mirrored
from services.trainer.tuning.unfreezing.depth import num_levels_after
from services.trainer.tuning.unfreezing.learner import Batch
from services.trainer.zoo.head import Floats, Reading
from services.trainer.zoo.network import Network

_PASS_SIZE = 32
_HALF = np.finfo(np.float16).max


class Sample(Protocol):
    """Images as they reach the part that learns."""

    @property
    def rows(self) -> Indices:
        """Positions in the data set, ascending."""
        ...

    @property
    def views(self) -> int:
        """Of each image."""
        ...

    def batch(self, rows: Indices, view: int) -> Batch:
        """Return some images in one view."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptSample:
    """Activations that were computed once.

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


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelSample:
    """The images themselves, read from the disk batch by batch: what all of a network learns from.

    Args:
        rows: Positions in the data set, ascending.
        labels: Of all images of the data set.
        images: Likewise, at the input size of the network.
        views: Of each image.
    """

    rows: Indices
    labels: NDArray[np.int32]
    images: Images
    views: int

    def batch(self, rows: Indices, view: int) -> Batch:
        """Return some images in one view; float16 has every level from 0 to 255."""
        squares = np.asarray(self.images[rows])
        let_go(self.images)
        pixels = (mirrored(squares) if view else squares).astype(np.float16)
        return Batch(activations=pixels, early=np.zeros((len(rows), 0), np.float32), labels=self.labels[rows])


def shuffled(sample: Sample, rows: Indices, size: int, generator: np.random.Generator) -> Iterator[Batch]:
    """Yield every image once in every view, in random order; a batch holds one view of each of its images."""
    order = [(view, part) for view in range(sample.views) for part in _parts(generator.permutation(rows), size)]
    for position in generator.permutation(len(order)):
        view, part = order[position]
        yield sample.batch(part, view)


def take_sample(
    dataset: LearningSet, store: FeatureStore, network: Network, reading: Reading, on_batch: Callable[[], bool]
) -> KeptSample | None:
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
    shape = (len(rows), *network.cut_shape)
    activations = tuple(np.empty(shape, np.float16) for _ in range(reading.views))
    for view, kept in enumerate(activations):
        for place in range(0, len(rows), _PASS_SIZE):
            squares = np.asarray(images[rows[place : place + _PASS_SIZE]])
            pixels = mirrored(squares) if view else squares
            kept[place : place + len(pixels)] = np.asarray(forward(tf.constant(pixels.astype(np.float32))))
            let_go(images)
            if not on_batch():
                return None
    early = _early(store, network, reading, rows)
    return KeptSample(rows=rows, labels=dataset.labels, activations=activations, early=early)


def _early(store: FeatureStore, network: Network, reading: Reading, rows: Indices) -> tuple[Floats, ...]:
    """Return the pooled levels up to the cut by view; what is kept of both views is their mean."""
    row = network.backbone
    num_after = num_levels_after(row, row.cut_inputs[0], reading.num_levels)
    width = row.width_of(reading.num_levels) - row.width_of(num_after)
    single = np.asarray(store.read_by(Reading(num_levels=reading.num_levels))[rows][:, :width])
    if reading.views == 1:
        return (single,)
    both = np.asarray(store.read_by(reading)[rows][:, :width])
    return (single, 2 * both - single)


def _parts(rows: Indices, size: int) -> list[Indices]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]
