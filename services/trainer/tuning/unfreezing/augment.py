"""Pictures varied on the device that learns from them: cut out, mirrored, coloured and mixed, anew at each step."""

from typing import Any

import tensorflow as tf

LEAST_SIDE = 0.7
"""Of a cut-out, as a share of the picture's; up to all of it."""
COLOUR, LIGHT = 0.15, 20.0
"""By which share each colour is strengthened or weakened, and by how many levels of 255 all of them, at most."""
MIXING = 0.1
"""Of the beta distribution from which the share of another picture is drawn; at 0.1 most pictures stay nearly as is.

Source: Zhang et al., "mixup", arXiv:1710.09412.
"""


def augmented(pixels: Any, targets: Any, seed: Any, *, may_flip: bool) -> tuple[Any, Any]:
    """Return a batch of pictures, each varied by itself, with what it is to be taken for.

    Args:
        pixels: ``(n, side, side, 3) float32`` of 0 to 255.
        targets: ``(n, num_classes) float32``, probabilities.
        seed: ``(2,) int32``; the same seed varies them in the same way.
        may_flip: Whether left and right may change places.
    """
    varied = _coloured(_cut_out(pixels, seed, may_flip=may_flip), seed)
    share = _mixing_share(tf.shape(pixels)[0], seed)
    others = tf.reverse(varied, axis=[0])
    mixed = share[:, None, None, None] * varied + (1 - share[:, None, None, None]) * others
    return mixed, share[:, None] * targets + (1 - share[:, None]) * tf.reverse(targets, axis=[0])


def _uniform(seed: Any, place: int, shape: list[Any], low: float, high: float) -> Any:
    return tf.random.stateless_uniform(shape, seed + tf.constant([0, place]), low, high)


def _cut_out(pixels: Any, seed: Any, *, may_flip: bool) -> Any:
    num_images, side = tf.shape(pixels)[0], pixels.shape[1]
    length = _uniform(seed, 1, [num_images], LEAST_SIDE, 1.0)
    top = _uniform(seed, 2, [num_images], 0.0, 1.0) * (1 - length)
    left = _uniform(seed, 3, [num_images], 0.0, 1.0) * (1 - length)
    right = left + length
    if may_flip:  # a box whose right side is left of its left one is read from right to left
        turns = _uniform(seed, 4, [num_images], 0.0, 1.0) < 0.5  # noqa: PLR2004 - half of them
        left, right = tf.where(turns, right, left), tf.where(turns, left, right)
    boxes = tf.stack([top, left, top + length, right], axis=1)
    return tf.image.crop_and_resize(pixels, boxes, tf.range(num_images), [side, side])


def _coloured(pixels: Any, seed: Any) -> Any:
    num_images = tf.shape(pixels)[0]
    gain = _uniform(seed, 5, [num_images, 1, 1, 3], 1 - COLOUR, 1 + COLOUR)
    shift = _uniform(seed, 6, [num_images, 1, 1, 1], -LIGHT, LIGHT)
    return tf.clip_by_value(pixels * gain + shift, 0.0, 255.0)


def _mixing_share(num_images: Any, seed: Any) -> Any:
    """Return the share of each picture in its mixture with another: at least a half, so that it stays the main one."""
    places = [seed + tf.constant([0, place]) for place in (7, 8)]
    one, other = (tf.random.stateless_gamma([num_images], each, alpha=MIXING) for each in places)
    share = tf.math.divide_no_nan(one, one + other)
    return tf.maximum(share, 1 - share)
