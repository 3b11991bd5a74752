"""Gradients in float16 that neither vanish nor overflow: the loss is enlarged by a factor that finds its own size."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

_START = 2.0**15
_LARGEST = 2.0**24
_STEPS_TO_DOUBLE = 2000


class LossScale:
    """The factor, kept as large as gradients bear.

    It is halved when a gradient overflows, and doubled after 2,000 steps in which none did; both are powers of two, so
    that enlarging rounds nothing.

    Source: Micikevicius et al., arXiv:1710.03740, section 3.2.
    """

    def __init__(self) -> None:
        self._factor = tf.Variable(_START)
        self._good_steps = tf.Variable(0)

    def enlarge(self, loss: Any) -> Any:
        """Return the loss to differentiate."""
        return loss * self._factor

    def restore(self, gradients: Sequence[Any]) -> tuple[list[Any], Any]:
        """Undo the enlarging and adapt the factor to how it went.

        Returns:
            Gradients of the loss itself, and whether every one is a number: if not, the step is to be left out.
        """
        restored = [gradient / self._factor for gradient in gradients]
        are_numbers = tf.reduce_all([tf.reduce_all(tf.math.is_finite(gradient)) for gradient in restored])
        good_steps = tf.where(are_numbers, self._good_steps + 1, 0)
        is_due = good_steps >= _STEPS_TO_DOUBLE
        larger = tf.where(is_due, tf.minimum(self._factor * 2, _LARGEST), self._factor)
        self._factor.assign(tf.where(are_numbers, larger, tf.maximum(self._factor / 2, 1.0)))
        self._good_steps.assign(tf.where(is_due, 0, good_steps))
        return restored, are_numbers
