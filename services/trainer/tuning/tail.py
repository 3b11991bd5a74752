"""The tail as something that learns: one compiled step for every recipe."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from services.trainer.fitting.standard import unstandardised
from services.trainer.run.device import Precision
from services.trainer.tuning.adam import Adam
from services.trainer.tuning.loss_scale import LossScale
from services.trainer.zoo.head import FEATURES, Floats, Head, Reading
from services.trainer.zoo.network import Network, TailWeights, tail_to_levels
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


def packed(state: TailState | None) -> dict[str, NDArray[Any]]:
    """Return a state as the arrays of a ledger's entry; of none, none."""
    if state is None:
        return {}
    tail = {f"tail_{position:04d}": values for position, values in enumerate(state.tail)}
    reading = np.array([state.head.reading.num_levels, state.head.reading.views])
    return {**tail, "kernel": state.head.kernel, "bias": state.head.bias, "reading": reading}


def unpacked(arrays: Mapping[str, NDArray[Any]]) -> TailState | None:
    """Return the state in the arrays of a ledger's entry, ``None`` where there are none; older ones read features."""
    if not arrays:
        return None
    tail = tuple(arrays[name] for name in sorted(arrays) if name.startswith("tail_"))
    num_levels, views = (int(each) for each in arrays.get("reading", (1, 1)))
    reading = Reading(num_levels=num_levels, views=views)
    return TailState(tail=tail, head=Head(kernel=arrays["kernel"], bias=arrays["bias"], reading=reading))


class Tail:
    """The layers from the cut on and the head, trained by Adam with decoupled weight decay.

    Batch normalisation stays in inference mode: its statistics are those of ImageNet, its gamma and beta learn. Rate,
    decay, smoothing, dropout, which levels are read and which layers learn are inputs of the compiled step, so that
    another recipe costs no compilation.

    Args:
        network: The winner; its tail is changed in place.
        head: Where the last layer starts; it reads the features.
        class_weights: ``(num_classes,)``, of the images in the loss.
        seed: Of dropout.
        precision: What a step computes in; validation is float32 always. A tail whose values leave the range of
            float16 learns in float32 from then on.
        standard: Mean and spread of all pooled levels; ``None`` where nothing but the features is ever read.
    """

    def __init__(
        self,
        network: Network,
        head: Head,
        *,
        class_weights: Floats,
        seed: int,
        precision: Precision = Precision.FULL,
        standard: tuple[Floats, Floats] | None = None,
    ) -> None:
        self._network = network
        self._start = TailState(tail=network.read_tail(), head=head)
        self._reading = FEATURES
        self._num_features = len(head.kernel)
        self._tail = network.tail if standard is None else tail_to_levels(network)
        self._mean, self._spread = _as_read(standard, self._num_features)
        self.early_width = len(self._mean) - int(self._tail.output_shape[-1])
        self._kernel = keras.Variable(np.zeros((len(self._mean), head.num_classes), np.float32), name="kernel")
        self._bias = keras.Variable(head.bias, name="bias")
        self._variables = [*network.tail_variables, self._kernel, self._bias]
        self._adam = Adam(self._variables)
        self._class_weights = tf.constant(class_weights)
        self._seed = seed
        self._precision = precision
        self._loss_scale = LossScale() if precision is Precision.MIXED else None
        self._num_steps = 0
        self._factors = self._factors_at(1.0)
        inputs = [tf.TensorSpec((None, *network.cut_shape), tf.float16), tf.TensorSpec((None, self.early_width))]
        self._signature = [
            *inputs,
            tf.TensorSpec((None,), tf.int32),
            tf.TensorSpec((), tf.int32),
            tf.TensorSpec((5,), tf.float32),
            tf.TensorSpec((len(self._variables),), tf.float32),
        ]
        self._compiled_step = tf.function(self._step, input_signature=self._signature)
        self._compiled_logits = tf.function(self._logits, input_signature=[*inputs, tf.TensorSpec(())])
        self._put_head(head)

    def load(self, state: TailState | None) -> None:
        """Put a state in place; ``None``: the screened network."""
        state = state or self._start
        self._network.load_tail(state.tail)
        self._put_head(state.head)

    def restart(self, reading: Reading = FEATURES, *, depth: float = 1.0) -> None:
        """Begin anew from the screened network.

        Args:
            reading: What the head reads from now on; levels that it did not read before count for nothing at first.
            depth: Share of the tail's layers that learn, counted from its end; of the last layer all learns.
        """
        self.load(None)
        self._reading = reading
        self._factors = self._factors_at(depth)
        self._adam.restart()
        self._num_steps = 0

    def read(self) -> TailState:
        """Return a copy of the present state; its head is one for inputs as they are."""
        head = Head(kernel=np.array(self._kernel, np.float32), bias=np.array(self._bias, np.float32))
        if self._reading.num_levels == 1:
            head = replace(head, kernel=head.kernel[-self._num_features :])
        else:
            head = unstandardised(head, self._mean, self._spread)
        return TailState(tail=self._network.read_tail(), head=replace(head, reading=self._reading))

    def learn(
        self,
        activations: NDArray[np.float16],
        labels: NDArray[np.int32],
        recipe: Hyperparameters,
        *,
        rate: float,
        early: Floats | None = None,
    ) -> tuple[float, int]:
        """Take one step.

        Args:
            activations: ``(n, *cut_shape)``.
            labels: ``(n,)``.
            recipe: Its rate is not used: the schedule gives ``rate``.
            rate: Of this step.
            early: ``(n, early_width)``, pooled levels before the cut; ``None`` where they are not read.

        Returns:
            Summed loss and number of images read rightly, before the step.

        Raises:
            tensorflow.errors.ResourceExhaustedError: If the batch does not fit into memory.
        """
        self._num_steps += 1
        activations, early, reads_all = self._inputs(activations, early)
        of_recipe = (recipe.weight_decay, recipe.label_smoothing, recipe.dropout)
        scalars = np.array([rate, *of_recipe, reads_all], np.float32)
        inputs = (activations, early, labels, self._num_steps, scalars, self._factors)
        loss, right = self._compiled_step(*inputs)
        if self._precision is Precision.MIXED and not np.isfinite(loss):  # and so nothing was changed by the step
            logger.warning("mixed precision given up", extra={"backbone": self._network.backbone.name})
            self._precision, self._loss_scale = Precision.FULL, None
            self._compiled_step = tf.function(self._step, input_signature=self._signature)
            loss, right = self._compiled_step(*inputs)
        return float(loss), int(right)

    def logits(self, activations: NDArray[np.float16], early: Floats | None = None) -> Floats:
        """Return scores before the softmax, ``(n, num_classes) float32``."""
        return np.asarray(self._compiled_logits(*self._inputs(activations, early)))

    def _inputs(
        self, activations: NDArray[np.float16], early: Floats | None
    ) -> tuple[NDArray[np.float16], Floats, np.float32]:
        """Return what the compiled functions take: nothing has a width too, and whether levels are read is a number."""
        nothing = np.zeros((len(activations), self.early_width), np.float32)
        return activations, nothing if early is None else early, np.float32(self._reading.num_levels > 1)

    def _put_head(self, head: Head) -> None:
        """Put a head in place, as one for what is read here: features as they are, other levels standardised."""
        kernel, bias = np.zeros(self._kernel.shape, np.float32), head.bias
        if head.reading.num_levels == 1:
            kernel[-self._num_features :] = head.kernel
        else:
            kernel, bias = head.kernel * self._spread[:, None], head.bias + self._mean @ head.kernel
        self._kernel.assign(kernel)
        self._bias.assign(bias)

    def _factors_at(self, depth: float) -> Floats:
        """Return of each variable whether it learns, as 1 and 0."""
        layers = [layer for layer in self._network.tail_layers if layer.trainable_variables]
        first = len(layers) - round(depth * len(layers))
        inner = [position >= first for position, layer in enumerate(layers) for _ in layer.trainable_variables]
        return np.array([*inner, True, True], np.float32)

    def _read(self, activations: Any, early: Any, reads_all: Any) -> Any:
        late = tf.cast(self._tail(tf.cast(activations, tf.float32), training=False), tf.float32)
        every = (tf.concat([early, late], axis=1) - self._mean) / self._spread
        others = tf.ones(len(self._mean) - self._num_features) * reads_all
        return every * tf.concat([others, tf.ones(self._num_features)], axis=0)

    def _logits(self, activations: Any, early: Any, reads_all: Any) -> Any:
        return tf.matmul(self._read(activations, early, reads_all), self._kernel.value) + self._bias.value

    def _step(self, activations: Any, early: Any, labels: Any, step: Any, scalars: Any, factors: Any) -> Any:
        rate, decay, smoothing, dropout, reads_all = tf.unstack(scalars)
        num_classes = self._start.head.num_classes
        with tf.GradientTape() as tape:
            with computing_in(self._precision, self._network.tail_layers):
                features = self._read(activations, early, reads_all)
            kept = tf.random.stateless_uniform(tf.shape(features), tf.stack([self._seed, step])) >= dropout
            features = tf.where(kept, features / (1 - dropout), 0.0)
            logits = tf.matmul(features, self._kernel.value) + self._bias.value
            targets = tf.one_hot(labels, num_classes) * (1 - smoothing) + smoothing / num_classes
            losses = tf.nn.softmax_cross_entropy_with_logits(targets, logits)
            loss = tf.reduce_mean(losses * tf.gather(self._class_weights, labels))
            if self._loss_scale is not None:
                loss = self._loss_scale.enlarge(loss)
        gradients = tape.gradient(loss, [each.value for each in self._variables])
        shares = tf.unstack(factors)
        if self._loss_scale is None:
            self._adam.descend(gradients, tf.cast(step, tf.float32), rate, decay, shares)
        else:
            gradients, are_numbers = self._loss_scale.restore(gradients)
            if are_numbers:  # a tensor: becomes a branch of the graph
                self._adam.descend(gradients, tf.cast(step, tf.float32), rate, decay, shares)
        plain = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        right = tf.equal(tf.argmax(logits, axis=1, output_type=tf.int32), labels)
        return tf.reduce_sum(plain), tf.reduce_sum(tf.cast(right, tf.int32))


def _as_read(standard: tuple[Floats, Floats] | None, num_features: int) -> tuple[Floats, Floats]:
    """Return mean and spread of what is read; the features, whose layer has learnt already, stay as they are."""
    mean, spread = standard or (np.zeros(num_features, np.float32), np.ones(num_features, np.float32))
    mean, spread = mean.copy(), spread.copy()
    mean[-num_features:], spread[-num_features:] = 0.0, 1.0
    return mean, spread
