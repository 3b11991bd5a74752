"""How much memory one image takes on its way through a network."""

import math
from collections.abc import Iterable
from typing import Any

from services.trainer.zoo.network import Network

_FLOAT_BYTES = 4


def bytes_per_image(network: Network) -> int:
    """Return what the widest layer of a network reads and writes for one image, in bytes of float32.

    A pass over a batch takes about so much for each image at its peak, beside the weights.
    """
    return _FLOAT_BYTES * max(_width(layer.input) + _width(layer.output) for layer in network.model.layers)


def _width(tensors: Any) -> int:
    """Return how many numbers tensors have for one image; the image as it was sent, of any size, counts for none."""
    each = tensors if isinstance(tensors, Iterable) and not hasattr(tensors, "shape") else [tensors]
    shapes = [tensor.shape[1:] for tensor in each]
    return sum(math.prod(shape) for shape in shapes if None not in shape)
