"""A network as its owner opens it: the file, read by plain Keras, and asked about pictures of any size."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Probabilities = NDArray[np.float64]


class OpenedNetwork:
    """A network that was read from a file.

    Args:
        path: Of the file.

    Raises:
        OSError: If it cannot be read; ``ValueError``, ``TypeError`` and ``KeyError`` likewise.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.model = keras.models.load_model(path, compile=False)
        self._resize, self._behind = _halves(self.model)

    def score(self, pictures: Sequence[Pixels]) -> Probabilities:
        """Return what it says of a few pictures of any sizes, ``(num_pictures, num_classes)``.

        The file's own layers resize one after the other; what lies behind takes all of them at once. Of a network that
        does not begin with a resize, every picture goes alone.
        """
        if self._resize is None:
            return np.concatenate([np.asarray(self._behind(picture[None]), np.float64) for picture in pictures])
        squares = [np.asarray(self._resize(picture[None], training=False)) for picture in pictures]
        return np.asarray(self._behind(np.concatenate(squares)), np.float64)


class NetworkReader:
    """Opens files, and keeps the last that it opened: what is asked next is mostly about the same."""

    def __init__(self) -> None:
        self._open: OpenedNetwork | None = None

    def open(self, path: Path) -> OpenedNetwork:
        """Return the network in a file.

        Raises:
            OSError: See :class:`OpenedNetwork`.
        """
        if self._open is None or self._open.path != path:
            self._open = None  # first, so that no two of them take memory
            self._open = OpenedNetwork(path)
        return self._open


def _halves(model: keras.Model) -> tuple[keras.Model | None, Any]:
    """Return a network up to its resize, and what lies behind; ``None`` and the whole where it begins otherwise.

    What lies behind is traced, for pictures of any number: called layer by layer, Keras would keep what all layers give
    until the last has, two hundred megabytes for each picture.
    """
    resizes = [layer for layer in model.layers if isinstance(layer, keras.layers.Resizing)]
    resize = keras.Model(model.input, resizes[0].output) if resizes else None
    rest = model if resize is None else keras.Model(resizes[0].output, model.output)
    signature = [tf.TensorSpec(rest.input.shape, rest.input.dtype)]
    return resize, tf.function(lambda images: rest(images, training=False), input_signature=signature, autograph=False)
