"""The last layer: pooled outputs of a network's levels to class scores."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a head reads of a network.

    Args:
        num_levels: Levels, counted from the last one back; 1: the features alone.
        views: 1: the image; 2: the mean over the image and its mirror image.
    """

    num_levels: int = 1
    views: int = 1


FEATURES = Reading()
"""What the founding recipe reads: the features of the image as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A dense layer.

    Args:
        kernel: ``(width, num_classes) float32``, where width is that of whatever the head reads.
        bias: ``(num_classes,) float32``.
        reading: What it reads.
        temperature: What its scores are divided by before the softmax; ``None`` where that is yet to be found.
    """

    kernel: Floats
    bias: Floats
    reading: Reading = FEATURES
    temperature: float | None = None

    @property
    def num_classes(self) -> int:
        """Classes it tells apart."""
        return len(self.bias)

    def logits(self, features: Floats) -> Floats:
        """Return scores before the softmax, ``(num_images, num_classes) float32``."""
        scores: Floats = features @ self.kernel + self.bias
        return scores
