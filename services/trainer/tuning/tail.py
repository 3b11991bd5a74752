"""The tail as something that learns: one compiled step for every recipe."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from services.trainer.run.device import Precision
from services.trainer.tuning.adam import Adam
from services.trainer.tuning.loss_scale import LossScale
from services.trainer.zoo.head import Floats, Head
from services.trainer.zoo.network import Network, TailWeights
from services.trainer.zoo.precision import computing_in
from shared.job.findings.training import Hyperparameters

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class TailState:
    """Everything that fine-tuning changes.

    Args:
        tail: From the cut on.
        head: The last layer.
    """

    tail: TailWeights
    head: Head


def packed(state: TailState | None) -> dict[str, Floats]:
    """Return a state as the arrays of a ledger's entry; of none, none."""
    if state is None:
        return {}
    tail = {f"tail_{position:04d}": values for position, values in enumerate(state.tail)}
    return {**tail, "kernel": state.head.kernel, "bias": state.head.bias}


def unpacked(arrays: Mapping[str, Floats]) -> TailState | None:
    """Return the state in the arrays of a ledger's entry, ``None`` where there are none."""
    if not arrays:
        return None
    tail = tuple(arrays[name] for name in sorted(arrays) if name.startswith("tail_"))
    return TailState(tail=tail, head=Head(kernel=arrays["kernel"], bias=arrays["bias"]))


class Tail:
    """The layers from the cut on and the head, trained by Adam with decoupled weight decay.

    Batch normalisation stays in inference mode: its statistics are those of ImageNet, its gamma and beta learn. Rate,
    decay, smoothing and dropout are inputs of the compiled step, so that another recipe costs no compilation.

    Args:
        network: The winner; its tail is changed in place.
        head: Where the last layer starts.
        class_weights: ``(num_classes,)``, of the images in the loss.
        seed: Of dropout.
        precision: What a step computes in; validation is float32 always. A tail whose values leave the range of
            float16 learns in float32 from then on.
    """

    def __init__(
        self,
        network: Network,
        head: Head,
        *,
        class_weights: Floats,
        seed: int,
        precision: Precision = Precision.FULL,
    ) -> None:
        self._network = network
        self._start = TailState(tail=network.read_tail(), head=head)
        self._kernel = keras.Variable(head.kernel, name="kernel")
        self._bias = keras.Variable(head.bias, name="bias")
        self._variables = [*network.tail_variables, self._kernel, self._bias]
        self._adam = Adam(self._variables)
        self._class_weights = tf.constant(class_weights)
        self._seed = seed
        self._precision = precision
        self._loss_scale = LossScale() if precision is Precision.MIXED else None
        self._num_steps = 0
        shape = (None, *network.cut_shape)
        self._signature = [
            tf.TensorSpec(shape, tf.float16),
            tf.TensorSpec((None,), tf.int32),
            tf.TensorSpec((), tf.int32),
            tf.TensorSpec((4,), tf.float32),
        ]
        self._compiled_step = tf.function(self._step, input_signature=self._signature)
        self._compiled_logits = tf.function(self._logits, input_signature=self._signature[:1])

    def load(self, state: TailState | None) -> None:
        """Put a state in place; ``None``: the screened network."""
        state = state or self._start
        self._network.load_tail(state.tail)
        self._kernel.assign(state.head.kernel)
        self._bias.assign(state.head.bias)

    def restart(self) -> None:
        """Begin anew from the screened network."""
        self.load(None)
        self._adam.restart()
        self._num_steps = 0

    def read(self) -> TailState:
        """Return a copy of the present state."""
        head = Head(kernel=np.array(self._kernel, np.float32), bias=np.array(self._bias, np.float32))
        return TailState(tail=self._network.read_tail(), head=head)

    def learn(
        self, activations: NDArray[np.float16], labels: NDArray[np.int32], recipe: Hyperparameters, *, rate: float
    ) -> tuple[float, int]:
        """Take one step.

        Args:
            activations: ``(n, *cut_shape)``.
            labels: ``(n,)``.
            recipe: Its rate is not used: the schedule gives ``rate``.
            rate: Of this step.

        Returns:
            Summed loss and number of images read rightly, before the step.

        Raises:
            tensorflow.errors.ResourceExhaustedError: If the batch does not fit into memory.
        """
        self._num_steps += 1
        scalars = np.array([rate, recipe.weight_decay, recipe.label_smoothing, recipe.dropout], np.float32)
        loss, right = self._compiled_step(activations, labels, self._num_steps, scalars)
        if self._precision is Precision.MIXED and not np.isfinite(loss):  # and so nothing was changed by the step
            logger.warning("mixed precision given up", extra={"backbone": self._network.backbone.name})
            self._precision, self._loss_scale = Precision.FULL, None
            self._compiled_step = tf.function(self._step, input_signature=self._signature)
            loss, right = self._compiled_step(activations, labels, self._num_steps, scalars)
        return float(loss), int(right)

    def logits(self, activations: NDArray[np.float16]) -> Floats:
        """Return scores before the softmax, ``(n, num_classes) float32``."""
        return np.asarray(self._compiled_logits(activations))

    def _logits(self, activations: Any) -> Any:
        features = self._network.tail(tf.cast(activations, tf.float32), training=False)
        return tf.matmul(features, self._kernel.value) + self._bias.value

    def _step(self, activations: Any, labels: Any, step: Any, scalars: Any) -> Any:
        rate, decay, smoothing, dropout = tf.unstack(scalars)
        num_classes = self._start.head.num_classes
        with tf.GradientTape() as tape:
            with computing_in(self._precision, self._network.tail_layers):
                features = tf.cast(self._network.tail(tf.cast(activations, tf.float32), training=False), tf.float32)
            kept = tf.random.stateless_uniform(tf.shape(features), tf.stack([self._seed, step])) >= dropout
            features = tf.where(kept, features / (1 - dropout), 0.0)
            logits = tf.matmul(features, self._kernel.value) + self._bias.value
            targets = tf.one_hot(labels, num_classes) * (1 - smoothing) + smoothing / num_classes
            losses = tf.nn.softmax_cross_entropy_with_logits(targets, logits)
            loss = tf.reduce_mean(losses * tf.gather(self._class_weights, labels))
            if self._loss_scale is not None:
                loss = self._loss_scale.enlarge(loss)
        gradients = tape.gradient(loss, [each.value for each in self._variables])
        if self._loss_scale is None:
            self._adam.descend(gradients, tf.cast(step, tf.float32), rate, decay)
        else:
            gradients, are_numbers = self._loss_scale.restore(gradients)
            if are_numbers:  # a tensor: becomes a branch of the graph
                self._adam.descend(gradients, tf.cast(step, tf.float32), rate, decay)
        plain = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        right = tf.equal(tf.argmax(logits, axis=1, output_type=tf.int32), labels)
        return tf.reduce_sum(plain), tf.reduce_sum(tf.cast(right, tf.int32))
