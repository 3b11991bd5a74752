"""Adam with decoupled weight decay, as operations of a graph whose rate and decay change from step to step."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

_FIRST_DECAY, _SECOND_DECAY, _EPSILON = 0.9, 0.999, 1e-7


class Adam:
    """The moments of some variables, and how a step changes them.

    Source: Loshchilov and Hutter, arXiv:1711.05101, algorithm 2.

    Args:
        variables: Changed in place by :meth:`descend`.
        factors: Of the rate, one for each variable; 1 for all where none are given.
    """

    def __init__(self, variables: Sequence[keras.Variable], factors: Sequence[float] = ()) -> None:
        self._variables = list(variables)
        self._factors = list(factors) or [1.0] * len(self._variables)
        self._first = [tf.Variable(tf.zeros_like(each.value)) for each in self._variables]
        self._second = [tf.Variable(tf.zeros_like(each.value)) for each in self._variables]

    def restart(self) -> None:
        """Forget all steps."""
        for moment in (*self._first, *self._second):
            moment.assign(tf.zeros_like(moment))

    def descend(
        self, gradients: Sequence[Any], step: Any, rate: Any, decay: Any, shares: Sequence[Any] | None = None
    ) -> None:
        """Take a step; kernels decay, biases and what normalisation learns do not.

        Args:
            gradients: One for each variable.
            step: Its number, from 1, as a float.
            rate: Of the step; each variable's is its factor times this.
            decay: Of the weights.
            shares: Of the rate, one for each variable, in place of the factors; 0 leaves a variable as it is.
        """
        correction = tf.sqrt(1 - _SECOND_DECAY**step) / (1 - _FIRST_DECAY**step)
        moments = zip(self._variables, shares or self._factors, gradients, self._first, self._second, strict=True)
        for each, factor, gradient, first, second in moments:
            own_rate = rate * factor
            first.assign_add((1 - _FIRST_DECAY) * (gradient - first))
            second.assign_add((1 - _SECOND_DECAY) * (tf.square(gradient) - second))
            shrink = own_rate * decay if len(each.shape) > 1 else 0.0
            each.value.assign(each.value * (1 - shrink) - own_rate * correction * first / (tf.sqrt(second) + _EPSILON))
