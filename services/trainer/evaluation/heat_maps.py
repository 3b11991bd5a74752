"""Where a network looks: what every place of a picture adds to the score of a class, exactly.

The last layer is linear, and what it reads are means over the picture or over fields of it; so a score is a sum over
places, of every level and of both views, and nothing has to be estimated.

Source: class activation mapping, Zhou et al., "Learning deep features for discriminative localization", CVPR 2016,
taken over all levels that are read.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from services.trainer.data.dataset import Images, Indices

GRID = 28
"""Places along a side of a map."""
_BATCH = 8
_MIRROR_LAYER = "both_views"
"""Averages a picture and its mirror image, in this order."""

_Field = tuple[slice, slice]
"""Rows and columns of a tensor that one mean is over."""
Maps = NDArray[np.float32]
"""``(num_images, GRID, GRID)``: what each place adds to a score, in comparison with the mean of all classes' scores."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A tensor that is pooled and read.

    Args:
        maps: ``(n, height, width, channels)``, before pooling.
        kernels: By field, ``(channels, num_classes)``: the rows of the last layer that read its mean, times its share.
        is_mirrored: Whether it sees the mirror image.
    """

    maps: keras.KerasTensor
    kernels: Sequence[tuple[_Field, NDArray[np.float32]]]
    is_mirrored: bool

    def added(self, values: NDArray[np.float32], classes: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return what each place adds to a score, ``(num_images, height, width)``.

        Args:
            values: Of the tensor.
            classes: Of each image, the class whose score it is.
        """
        total = np.zeros(values.shape[:3], np.float32)
        for (down, across), kernel in self.kernels:
            field = values[:, down, across]
            size = np.float32(field.shape[1] * field.shape[2])
            total[:, down, across] += np.einsum("nhwc,cn->nhw", field, kernel[:, classes]) / size
        return total


class HeatMaps:
    """Says where a delivered network looks.

    Args:
        model: Raw pixels to probabilities; its last layer reads pooled levels.

    Raises:
        ValueError: If it is made in another way.
    """

    def __init__(self, model: keras.Model) -> None:
        last = model.get_layer("probabilities")
        kernel = np.asarray(last.kernel, np.float32)
        # The softmax does not see what is added to all classes alike.
        kernel = kernel - kernel.mean(axis=1, keepdims=True)
        self._parts = list(_parts(last.input, kernel, is_mirrored=False))
        network = keras.Model(model.input, [part.maps for part in self._parts])
        # Called layer by layer, Keras would keep what all layers give until the last has: a gigabyte for a batch.
        self._traced: Any = tf.function(
            lambda squares: network(squares, training=False),
            input_signature=[tf.TensorSpec(network.input.shape, network.input.dtype)],
            autograph=False,
        )

    def of(
        self,
        images: Images,
        rows: Indices,
        classes: NDArray[np.int64],
        *,
        until: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> Maps:
        """Return the maps of as many images as there is time for, in their order.

        Args:
            images: Squares of the network's input size.
            rows: Positions of the images.
            classes: The class of whose score each map is.
            until: When the time is over.
            monotonic: Seconds on a clock that nobody sets.
        """
        found: list[NDArray[np.float32]] = []
        for start in range(0, len(rows), _BATCH):
            if monotonic() >= until:
                break
            batch = rows[start : start + _BATCH]
            found.append(self._of_batch(np.asarray(images[batch]), classes[start : start + _BATCH]))
        return np.concatenate(found) if found else np.zeros((0, GRID, GRID), np.float32)

    def _of_batch(self, squares: NDArray[np.uint8], classes: NDArray[np.int64]) -> Maps:
        answers = self._traced(squares)
        total = np.zeros((len(squares), GRID, GRID), np.float32)
        for part, answer in zip(self._parts, answers if isinstance(answers, list) else [answers], strict=True):
            maps = part.added(np.asarray(answer, np.float32), classes)
            total += spread(maps[:, :, ::-1] if part.is_mirrored else maps)
        return total


def spread(maps: NDArray[np.float32]) -> Maps:
    """Return maps of any size on the common grid, their sums unchanged.

    Args:
        maps: ``(num_images, height, width)``.
    """
    down, across = (_weights(size) for size in maps.shape[1:])
    # As two products of matrices: einsum would go through all five indices at once.
    spreaded: Maps = (down @ maps @ across.T).astype(np.float32)
    return spreaded


def _weights(size: int) -> NDArray[np.float32]:
    """Return which share of each cell of one side falls into each cell of the grid, ``(GRID, size)``."""
    edges, cells = np.arange(GRID + 1) / GRID, np.arange(size + 1) / size
    overlap = np.minimum(edges[1:, None], cells[None, 1:]) - np.maximum(edges[:-1, None], cells[None, :-1])
    shares: NDArray[np.float32] = (np.maximum(overlap, 0) * size).astype(np.float32)
    return shares


def _parts(tensor: keras.KerasTensor, kernel: NDArray[np.float32], *, is_mirrored: bool) -> Iterator[_Part]:
    """Yield what is pooled and read, by going back from the last layer through sums and rows of tensors."""
    operation, inputs = _producer(tensor)
    if isinstance(operation, keras.layers.Average):
        for place, each in enumerate(inputs):
            flips = operation.name == _MIRROR_LAYER and place == 1
            yield from _parts(each, kernel / np.float32(len(inputs)), is_mirrored=is_mirrored != flips)
    elif isinstance(operation, keras.layers.Concatenate):
        start = 0
        for each in inputs:
            width = int(each.shape[-1])
            yield from _parts(each, kernel[start : start + width], is_mirrored=is_mirrored)
            start += width
    elif isinstance(operation, keras.layers.GlobalAveragePooling2D):
        yield _Part(inputs[0], [((slice(None), slice(None)), kernel)], is_mirrored)
    elif isinstance(operation, keras.layers.Flatten) and _is_pooling(inputs[0]):
        yield _of_fields(inputs[0], kernel, is_mirrored)
    else:
        kind = type(operation).__name__
        raise ValueError(f"the last layer reads what {kind} gives, expected means over the picture")


def _is_pooling(tensor: keras.KerasTensor) -> bool:
    return isinstance(_producer(tensor)[0], keras.layers.AveragePooling2D)


def _of_fields(fields: keras.KerasTensor, kernel: NDArray[np.float32], is_mirrored: bool) -> _Part:
    """Return what is pooled over fields, which stand row by row."""
    pooling, (maps,) = _producer(fields)
    _, down, across, width = fields.shape
    places = [(row, column) for row in range(down) for column in range(across)]
    kernels = [
        (_field(pooling, place), kernel[number * width : (number + 1) * width]) for number, place in enumerate(places)
    ]
    return _Part(maps, kernels, is_mirrored)


def _field(pooling: Any, place: tuple[int, int]) -> _Field:
    """Return the places over which a layer that pools takes one of its means."""
    starts = [at * step for at, step in zip(place, pooling.strides, strict=True)]
    down, across = (slice(start, start + size) for start, size in zip(starts, pooling.pool_size, strict=True))
    return down, across


def _producer(tensor: keras.KerasTensor) -> tuple[Any, Sequence[keras.KerasTensor]]:
    """Return the operation that gives a tensor, and what it is given."""
    history = tensor._keras_history  # noqa: SLF001 - Keras has no other way to go back through a network
    operation = history.operation
    node = operation._inbound_nodes[history.node_index]  # noqa: SLF001
    return operation, node.input_tensors
