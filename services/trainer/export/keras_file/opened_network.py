"""A network as its owner opens it: the file, read by plain Keras, and asked about pictures of any size."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from services.trainer.run.memory import is_light

Pixels = NDArray[np.uint8]
Probabilities = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Traced:
    """A network, and its two halves.

    Args:
        model: The network.
        resize: It up to its resize; ``None`` where it begins otherwise.
        behind: What lies behind, traced; the whole where nothing is resized.
    """

    model: keras.Model
    resize: keras.Model | None
    behind: Any


class OpenedNetwork:
    """A network that was read from a file.

    Args:
        path: Of the file.
        known: Another that is open. Where every layer and every weight of the two is the same, what is traced of that
            one stands for both: it computes the same, and tracing takes longer than reading the file.

    Attributes:
        traced: See there.

    Raises:
        OSError: If it cannot be read; ``ValueError``, ``TypeError`` and ``KeyError`` likewise.
    """

    def __init__(self, path: Path, known: "OpenedNetwork | None" = None) -> None:
        self.path = path
        model = keras.models.load_model(path, compile=False)
        is_same = known is not None and _are_same(model, known.model)
        self.traced: Traced = known.traced if known is not None and is_same else _trace(model)

    @property
    def model(self) -> keras.Model:
        """The network."""
        return self.traced.model

    @property
    def size_bytes(self) -> int:
        """Of its weights."""
        return int(self.model.count_params()) * np.dtype(np.float32).itemsize

    def score(self, pictures: Sequence[Pixels]) -> Probabilities:
        """Return what it says of a few pictures of any sizes, ``(num_pictures, num_classes)``.

        The file's own layers resize one after the other; what lies behind takes all of them at once. Of a network that
        does not begin with a resize, every picture goes alone.
        """
        resize, behind = self.traced.resize, self.traced.behind
        if resize is None:
            return np.concatenate([np.asarray(behind(picture[None]), np.float64) for picture in pictures])
        squares = [np.asarray(resize(picture[None], training=False)) for picture in pictures]
        return np.asarray(behind(np.concatenate(squares)), np.float64)


class NetworkReader:
    """Opens files, and keeps the last that it opened: what is asked next is mostly about the same.

    Args:
        may_stay: Tells of the bytes of a network's weights whether it stays in memory while another one is read.
    """

    def __init__(self, may_stay: Callable[[int], bool] = is_light) -> None:
        self._may_stay = may_stay
        self._open: OpenedNetwork | None = None

    def open(self, path: Path) -> OpenedNetwork:
        """Return the network in a file.

        Raises:
            OSError: See :class:`OpenedNetwork`.
        """
        if self._open is None or self._open.path != path:
            known, self._open = self._open, None  # first, so that no two heavy ones take memory
            if known is not None and not self._may_stay(known.size_bytes):
                known = None
            self._open = OpenedNetwork(path, known)
        return self._open


def _are_same(first: keras.Model, second: keras.Model) -> bool:
    """Tell whether two networks have the same layers, connected and set alike, and equal weights, none rounded."""
    if first.to_json() != second.to_json():
        return False
    weights = zip(first.get_weights(), second.get_weights(), strict=True)
    return all(np.array_equal(one, other) for one, other in weights)


def _trace(model: keras.Model) -> Traced:
    """Return a network with its halves.

    What lies behind its resize is traced, for pictures of any number: called layer by layer, Keras would keep what all
    layers give until the last has, two hundred megabytes for each picture.
    """
    resizes = [layer for layer in model.layers if isinstance(layer, keras.layers.Resizing)]
    resize = keras.Model(model.input, resizes[0].output) if resizes else None
    rest = model if resize is None else keras.Model(resizes[0].output, model.output)
    signature = [tf.TensorSpec(rest.input.shape, rest.input.dtype)]
    behind = tf.function(lambda images: rest(images, training=False), input_signature=signature, autograph=False)
    return Traced(model, resize, behind)
