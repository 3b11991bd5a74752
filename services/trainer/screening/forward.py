"""One compiled pass of a frozen base: pixels to activations at the cut and pooled features."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from services.trainer.zoo.network import Network

Forward = Callable[[NDArray[np.uint8]], tuple[NDArray[np.float16], NDArray[np.float32]]]
"""``(n, px, px, 3) uint8`` to activations ``(n, *cut_shape) float16`` and features ``(n, feature_width) float32``."""


def compile_forward(network: Network) -> Forward:
    """Compile the base for one pass over many images; the batch size may differ from call to call.

    The weights become constants of the graph, which lets TensorFlow fold batch normalisation into the convolutions:
    MobileNetV2 runs about 1.4 times as fast on a CPU as the same layers called with variables.
    """
    side = network.backbone.input_px
    largest = tf.constant(np.finfo(np.float16).max, tf.float32)

    def run(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        activations = network.trunk(tf.cast(images, tf.float32), training=False)
        features = network.tail(activations, training=False)
        return tf.cast(tf.clip_by_value(activations, -largest, largest), tf.float16), features

    signature = [tf.TensorSpec((None, side, side, 3), tf.uint8)]
    frozen = convert_variables_to_constants_v2(tf.function(run, input_signature=signature).get_concrete_function())

    def forward(images: NDArray[np.uint8]) -> tuple[NDArray[np.float16], NDArray[np.float32]]:
        activations, features = frozen(tf.constant(images))
        return activations.numpy(), features.numpy()

    return forward


def preferred_batch_size() -> int:
    """Return the images per call that keep the device busy: more on a GPU than in the caches of a CPU."""
    return 128 if tf.config.list_physical_devices("GPU") else 32
