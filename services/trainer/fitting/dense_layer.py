"""The head while it learns: a Keras dense layer under AdamW, fed one batch of kept features at a time."""

import keras
import numpy as np
from numpy.typing import NDArray

from services.trainer.zoo.head import Floats, Head

# Chosen on real photographs with two ImageNet backbones, on other splits than those of the benchmark.
_PEAK_RATE = 3e-3
_WEIGHT_DECAY = 3.0


class DenseLayer:
    """A dense layer that starts from zeros; its rate falls along a cosine and its kernel decays, its bias does not.

    Source: Loshchilov and Hutter, arXiv:1711.05101, algorithm 2.

    Args:
        feature_width: Numbers per image.
        num_classes: Outputs.
        total_steps: Batches it will see.
    """

    def __init__(self, feature_width: int, num_classes: int, *, total_steps: int) -> None:
        dense = keras.layers.Dense(num_classes, kernel_initializer="zeros")
        self._model = keras.Sequential([keras.Input((feature_width,)), dense])
        rate = keras.optimizers.schedules.CosineDecay(_PEAK_RATE, total_steps)
        optimizer = keras.optimizers.AdamW(rate, weight_decay=_WEIGHT_DECAY)
        optimizer.exclude_from_weight_decay(var_names=["bias"])
        self._model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))

    @property
    def head(self) -> Head:
        """A copy of it as it is now."""
        kernel, bias = self._model.get_weights()
        return Head(kernel=kernel, bias=bias)

    def learn(self, features: Floats, labels: NDArray[np.int32], weights: Floats) -> None:
        """Take one step.

        Args:
            features: ``(num_images, feature_width) float32``.
            labels: ``(num_images,)``, positions of the classes.
            weights: ``(num_images,) float32``, of each image in the loss.
        """
        self._model.train_on_batch(features, labels, sample_weight=weights)
