"""The last layer: pooled features to class scores."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A dense layer.

    Args:
        kernel: ``(feature_width, num_classes) float32``.
        bias: ``(num_classes,) float32``.
    """

    kernel: Floats
    bias: Floats

    @property
    def num_classes(self) -> int:
        """Classes it tells apart."""
        return len(self.bias)

    def logits(self, features: Floats) -> Floats:
        """Return scores before the softmax, ``(num_images, num_classes) float32``."""
        scores: Floats = features @ self.kernel + self.bias
        return scores
