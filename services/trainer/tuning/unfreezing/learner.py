"""A network from some stage on, with its last layer, as something that learns from kept activations."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from services.trainer.fitting.standard import unstandardised
from services.trainer.tuning.adam import Adam
from services.trainer.tuning.tail import TailState
from services.trainer.tuning.unfreezing.depth import rate_factors
from services.trainer.zoo.head import Floats, Head
from services.trainer.zoo.network import Network, side_by_side

_MOST_AVERAGED = 0.98
"""Share of the average that stays at each step, once it has been through some."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Images on their way into the part that learns.

    Args:
        activations: ``(n, *shape) float16``, at the cut.
        early: ``(n, width) float32``, the pooled levels before the cut that the head reads.
        labels: ``(n,)``.
    """

    activations: NDArray[np.float16]
    early: Floats
    labels: NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Of one step.

    Args:
        rate: Of the last layer; the layers before it have a share of it.
        decay: Of the weights.
        smoothing: Of the labels, 0 to 1.
    """

    rate: float
    decay: float
    smoothing: float


class Learner:
    """Learns in float32 under Adam; batch normalisation keeps the statistics of ImageNet.

    The last layer learns on standardised inputs, as it was fitted. An average of all weights over the steps is kept
    beside them.

    Args:
        network: Cut where learning begins; its tail is changed in place.
        head: Where the last layer starts; what it reads decides which levels after the cut take part.
        standard: Mean and spread of what it reads.
        class_weights: ``(num_classes,)``, of the images in the loss.
    """

    def __init__(self, network: Network, head: Head, standard: tuple[Floats, Floats], class_weights: Floats) -> None:
        self._network, self._standard = network, standard
        row = network.backbone
        (cut,) = row.cut_inputs
        num_after = min(head.reading.num_levels, len(row.levels) - 1 - row.level_names.index(cut))
        self.early_width = row.width_of(head.reading.num_levels) - row.width_of(num_after)
        self._tail = keras.Model(network.model.get_layer(cut).output, side_by_side(network.levels[-num_after:]))
        self._reading = head.reading
        self._kernel = keras.Variable(np.zeros_like(head.kernel), name="kernel")
        self._bias = keras.Variable(np.zeros_like(head.bias), name="bias")
        layers = [layer for layer in network.tail_layers if layer.trainable_variables]
        factors = dict(zip((id(layer) for layer in layers), rate_factors(len(layers)), strict=True))
        self._variables = [*network.tail_variables, self._kernel, self._bias]
        inner = [factors[id(layer)] for layer in layers for _ in layer.trainable_variables]
        self._adam = Adam(self._variables, [*inner, 1.0, 1.0])
        self._averages = [tf.Variable(tf.zeros_like(each.value)) for each in self._variables]
        self._start = network.read_tail()
        self._class_weights = tf.constant(class_weights)
        self._num_steps = 0
        shapes = [(None, *network.cut_shape), (None, self.early_width)]
        inputs = [tf.TensorSpec(shapes[0], tf.float16), tf.TensorSpec(shapes[1], tf.float32)]
        scalars = [tf.TensorSpec((None,), tf.int32), tf.TensorSpec((), tf.float32), tf.TensorSpec((3,), tf.float32)]
        self._compiled_step = tf.function(self._step, input_signature=[*inputs, *scalars])
        self._compiled_logits = tf.function(self._logits, input_signature=inputs)

    def restart(self, head: Head) -> None:
        """Begin anew from the network as it was published and a fitted head."""
        mean, spread = self._standard
        self._network.load_tail(self._start)
        self._kernel.assign(head.kernel * spread[:, None])
        self._bias.assign(head.bias + mean @ head.kernel)
        self._adam.restart()
        for average, each in zip(self._averages, self._variables, strict=True):
            average.assign(each.value)
        self._num_steps = 0

    def learn(self, batch: Batch, rates: Rates) -> float:
        """Take one step and return the loss before it."""
        self._num_steps += 1
        scalars = np.array([rates.rate, rates.decay, rates.smoothing], np.float32)
        loss = self._compiled_step(batch.activations, batch.early, batch.labels, np.float32(self._num_steps), scalars)
        return float(loss)

    def logits(self, batch: Batch) -> Floats:
        """Return scores before the softmax, ``(n, num_classes) float32``."""
        return np.asarray(self._compiled_logits(batch.activations, batch.early))

    def exchange(self) -> None:
        """Let the weights and their average change places."""
        for average, each in zip(self._averages, self._variables, strict=True):
            value = tf.identity(each.value)
            each.value.assign(average)
            average.assign(value)

    def read(self) -> TailState:
        """Return a copy of the present state; its head is one for inputs as they are."""
        mean, spread = self._standard
        standardised = Head(
            kernel=np.array(self._kernel, np.float32), bias=np.array(self._bias, np.float32), reading=self._reading
        )
        return TailState(tail=self._network.read_tail(), head=unstandardised(standardised, mean, spread))

    def put_back(self) -> None:
        """Leave the network as it was published."""
        self._network.load_tail(self._start)

    def _logits(self, activations: Any, early: Any) -> Any:
        mean, spread = self._standard
        late = self._tail(tf.cast(activations, tf.float32), training=False)
        read = (tf.concat([early, late], axis=1) - mean) / spread
        return tf.matmul(read, self._kernel.value) + self._bias.value

    def _step(self, activations: Any, early: Any, labels: Any, step: Any, scalars: Any) -> Any:
        rate, decay, smoothing = tf.unstack(scalars)
        num_classes = self._kernel.shape[1]
        with tf.GradientTape() as tape:
            logits = self._logits(activations, early)
            targets = tf.one_hot(labels, num_classes) * (1 - smoothing) + smoothing / num_classes
            losses = tf.nn.softmax_cross_entropy_with_logits(targets, logits)
            loss = tf.reduce_mean(losses * tf.gather(self._class_weights, labels))
        gradients = tape.gradient(loss, [each.value for each in self._variables])
        gradients = [
            tf.zeros_like(each.value) if gradient is None else gradient
            for each, gradient in zip(self._variables, gradients, strict=True)
        ]
        self._adam.descend(gradients, step, rate, decay)
        stays = tf.minimum(_MOST_AVERAGED, step / (step + 9.0))
        for average, each in zip(self._averages, self._variables, strict=True):
            average.assign(stays * average + (1 - stays) * each.value)
        return loss
