"""One compiled pass of a frozen base: pixels to activations at the cut and pooled outputs of all levels; its pace."""

import logging
from collections.abc import Callable
from functools import partial

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from services.trainer.run.device import Precision
from services.trainer.zoo.folded import without_normalisation
from services.trainer.zoo.network import Network
from services.trainer.zoo.precision import computing_in
from services.trainer.zoo.working_set import bytes_per_image

Activations = NDArray[np.float16] | NDArray[np.float32]
Forward = Callable[[NDArray[np.uint8]], tuple[Activations, NDArray[np.float32]]]
"""``(n, px, px, 3) uint8`` to activations ``(n, *cut_shape)`` and pooled levels ``(n, pooled_width) float32``.

Activations are float32 as the network has them; in mixed precision float16, which is half of what has to leave the GPU.
"""

logger = logging.getLogger(__name__)

_NUM_CHECKED = 4
_LARGEST_ERROR = 0.1
"""Of features in mixed precision, as a share of their size; rounding alone gives 0.001 to 0.02."""


def compile_forward(network: Network, precision: Precision = Precision.FULL) -> Forward:
    """Compile the base for one pass over many images; the batch size may differ from call to call.

    Batch normalisation is folded into the convolutions: MobileNetV2 runs about 1.4 times as fast on a CPU as the layers
    of the network.

    Args:
        network: The base; unchanged.
        precision: What it computes in. A base that does not bear mixed precision is computed in float32 all the same.
    """
    full = partial(_compile, network, Precision.FULL)
    return full() if precision is Precision.FULL else _Guarded(network, _compile(network, precision), full)


class _Guarded:
    """A pass in mixed precision that gives way to one in float32 where it cannot be trusted.

    Values beyond float16 need not end as something that is no number: a cap at 6, as MobileNet has, hides them. So the
    first images of all are held against the bare network.

    Args:
        network: The base.
        mixed: The pass.
        compile_full: Makes the one that takes its place.
    """

    def __init__(self, network: Network, mixed: Forward, compile_full: Callable[[], Forward]) -> None:
        self._network = network
        self._forward = mixed
        self._compile_full: Callable[[], Forward] | None = compile_full
        self._is_checked = False

    def __call__(self, images: NDArray[np.uint8]) -> tuple[Activations, NDArray[np.float32]]:
        activations, pooled = self._forward(images)
        if self._compile_full is None or self._is_trusted(images, pooled):
            return activations, pooled
        logger.warning("mixed precision given up", extra={"backbone": self._network.backbone.name})
        self._forward, self._compile_full = self._compile_full(), None
        return self._forward(images)

    def _is_trusted(self, images: NDArray[np.uint8], pooled: NDArray[np.float32]) -> bool:
        if not np.isfinite(pooled).all():
            return False
        if self._is_checked:
            return True
        self._is_checked = True
        pixels = tf.cast(images[:_NUM_CHECKED], tf.float32)
        network = self._network
        exact = np.asarray(network.tail(network.trunk(pixels, training=False), training=False))
        error = np.linalg.norm(pooled[:_NUM_CHECKED, -exact.shape[1] :] - exact)
        return bool(error <= _LARGEST_ERROR * np.linalg.norm(exact))


def _compile(network: Network, precision: Precision) -> Forward:
    side = network.backbone.input_px
    largest = tf.constant(np.finfo(np.float16).max, tf.float32)
    folded = without_normalisation(network.whole)

    def run(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with computing_in(precision, folded.layers):
            activations, pooled = folded(tf.cast(images, tf.float32), training=False)
        pooled = tf.cast(pooled, tf.float32)
        if precision is Precision.FULL:
            return activations, pooled
        activations = tf.cast(activations, tf.float32)
        return tf.cast(tf.clip_by_value(activations, -largest, largest), tf.float16), pooled

    signature = [tf.TensorSpec((None, side, side, 3), tf.uint8)]
    compiled = tf.function(run, input_signature=signature).get_concrete_function()

    def forward(images: NDArray[np.uint8]) -> tuple[Activations, NDArray[np.float32]]:
        activations, pooled = compiled(tf.constant(images))
        return activations.numpy(), pooled.numpy()

    return forward


def batch_size_for(network: Network) -> int:
    """Return the images per call that keep the device busy, or as many of them as memory is meant for.

    More of them go through a GPU at once than through the caches of a CPU. At its peak a pass takes several times what
    its widest layer does: branches are computed side by side, and kernels copy into layouts of their own.
    """
    most, memory_bytes = (128, 2 * 2**30) if tf.config.list_physical_devices("GPU") else (32, 96 * 2**20)
    return max(1, min(most, memory_bytes // bytes_per_image(network)))


def activation_bytes(network: Network, num_images: int) -> int:
    """Return what the activations at the cut of so many images take, rounded to float16."""
    return num_images * int(np.prod(network.cut_shape)) * np.dtype(np.float16).itemsize


class Stopwatch:
    """How long an image takes. The first batch of all pays for what later ones find done, so it counts only alone.

    Args:
        monotonic: Seconds on a clock that nobody sets.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._since = 0.0
        self._first: float | None = None
        self._seconds = 0.0
        self._num_images = 0

    @property
    def image_s(self) -> float | None:
        """Seconds; ``None`` before the first batch."""
        return self._seconds / self._num_images if self._num_images else self._first

    @property
    def is_settled(self) -> bool:
        """Tell whether it is known of more than the first batch."""
        return self._num_images > 0

    def start(self) -> None:
        """Begin to measure, or go on after a pause."""
        self._since = self._monotonic()

    def note(self, num_images: int) -> None:
        """Count a batch that ends now."""
        now = self._monotonic()
        if self._first is None:
            self._first = (now - self._since) / num_images
        else:
            self._seconds += now - self._since
            self._num_images += num_images
        self._since = now
