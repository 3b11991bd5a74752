"""A network from some stage on, with its last layer, as something that learns from kept activations."""

import logging
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from services.trainer.fitting.standard import unstandardised
from services.trainer.run.device import Precision
from services.trainer.run.memory import training_bytes
from services.trainer.tuning.adam import Adam
from services.trainer.tuning.loss_scale import LossScale
from services.trainer.tuning.tail import TailState
from services.trainer.tuning.unfreezing.augment import augmented
from services.trainer.tuning.unfreezing.depth import RESIZE, num_levels_after, rate_factors, step_bytes
from services.trainer.zoo.head import Floats, Head
from services.trainer.zoo.network import Network, side_by_side
from services.trainer.zoo.precision import computing_in

logger = logging.getLogger(__name__)

MEMORY_SHARE = 0.75
"""Of the memory of the machine, at most, for a process that learns: others verify, and serve, beside it."""
_MOST_AVERAGED = 0.98
"""Share of the average that stays at each step, once it has been through some."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Images on their way into the part that learns.

    Args:
        activations: ``(n, *shape) float16``, at the cut; or pixels of 0 to 255.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How it is learnt.

    Args:
        from_pixels: Whether batches are pictures, which are then varied at each step.
        may_flip: Whether left and right may change places in them.
        precision: What a step computes in.
        seed: Of how pictures are varied.
    """

    from_pixels: bool = False
    may_flip: bool = False
    precision: Precision = Precision.FULL
    seed: int = 0


FROM_ACTIVATIONS = Manner()


class Learner:
    """Learns under Adam; batch normalisation keeps the statistics of ImageNet.

    The last layer learns on standardised inputs, as it was fitted. An average of all weights over the steps is kept
    beside them. Answers are float32 whatever a step computes in; where its values leave the range of float16, it learns
    in float32 from then on.

    Args:
        network: Cut where learning begins; its tail is changed in place.
        head: Where the last layer starts; what it reads decides which levels after the cut take part.
        standard: Mean and spread of what it reads.
        class_weights: ``(num_classes,)``, of the images in the loss.
        manner: See there.
    """

    def __init__(
        self,
        network: Network,
        head: Head,
        standard: tuple[Floats, Floats],
        class_weights: Floats,
        *,
        manner: Manner = FROM_ACTIVATIONS,
    ) -> None:
        self._network, self._standard, self._manner = network, standard, manner
        row = network.backbone
        (cut,) = row.cut_inputs
        num_after = num_levels_after(row, cut, head.reading.num_levels)
        self.early_width = row.width_of(head.reading.num_levels) - row.width_of(num_after)
        begin = network.model.get_layer(RESIZE if manner.from_pixels else cut).output
        self._tail = keras.Model(begin, side_by_side(network.levels[-num_after:]))
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
        self._set_precision(manner.precision)
        shapes = [tuple(begin.shape), (None, self.early_width)]
        inputs = [tf.TensorSpec(shapes[0], tf.float16), tf.TensorSpec(shapes[1], tf.float32)]
        scalars = [tf.TensorSpec((None,), tf.int32), tf.TensorSpec((), tf.float32), tf.TensorSpec((3,), tf.float32)]
        self._signature = [*inputs, *scalars]
        self._compiled_step = tf.function(self._step, input_signature=self._signature)
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
        step = (batch.activations, batch.early, batch.labels, np.float32(self._num_steps), scalars)
        loss = float(self._compiled_step(*step))
        if self._loss_scale is not None and not np.isfinite(loss):  # and so nothing was changed by the step
            logger.warning("mixed precision given up", extra={"backbone": self._network.backbone.name})
            self._set_precision(Precision.FULL)
            self._compiled_step = tf.function(self._step, input_signature=self._signature)
            loss = float(self._compiled_step(*step))
        return loss

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

    def _set_precision(self, precision: Precision) -> None:
        self._precision = precision
        self._loss_scale = LossScale() if precision is Precision.MIXED else None

    def _logits(self, activations: Any, early: Any) -> Any:
        mean, spread = self._standard
        late = tf.cast(self._tail(tf.cast(activations, tf.float32), training=False), tf.float32)
        read = (tf.concat([early, late], axis=1) - mean) / spread
        return tf.matmul(read, self._kernel.value) + self._bias.value

    def _step(self, activations: Any, early: Any, labels: Any, step: Any, scalars: Any) -> Any:
        rate, decay, smoothing = tf.unstack(scalars)
        num_classes = self._kernel.shape[1]
        targets = tf.one_hot(labels, num_classes) * (1 - smoothing) + smoothing / num_classes
        weights = tf.gather(self._class_weights, labels)
        if self._manner.from_pixels:
            seed = tf.stack([self._manner.seed, tf.cast(step, tf.int32)])
            pixels = tf.cast(activations, tf.float32)
            activations, targets = augmented(pixels, targets, seed, may_flip=self._manner.may_flip)
            weights = tf.linalg.matvec(targets, self._class_weights)
        with tf.GradientTape() as tape:
            with computing_in(self._precision, self._network.tail_layers):
                logits = self._logits(activations, early)
            losses = tf.nn.softmax_cross_entropy_with_logits(targets, logits)
            loss = tf.reduce_mean(losses * weights)
            enlarged = loss if self._loss_scale is None else self._loss_scale.enlarge(loss)
        gradients = tape.gradient(enlarged, [each.value for each in self._variables])
        gradients = [
            tf.zeros_like(each.value) if gradient is None else gradient
            for each, gradient in zip(self._variables, gradients, strict=True)
        ]
        if self._loss_scale is None:
            self._descend(gradients, step, rate, decay)
        else:
            gradients, are_numbers = self._loss_scale.restore(gradients)
            if are_numbers:  # a tensor: becomes a branch of the graph
                self._descend(gradients, step, rate, decay)
        return loss

    def _descend(self, gradients: list[Any], step: Any, rate: Any, decay: Any) -> None:
        """Take a step, and take it into the average."""
        self._adam.descend(gradients, step, rate, decay)
        stays = tf.minimum(_MOST_AVERAGED, step / (step + 9.0))
        for average, each in zip(self._averages, self._variables, strict=True):
            average.assign(stays * average + (1 - stays) * each.value)


def fits_memory(network: Network, batch_size: int, most_bytes: int | None) -> bool:
    """Tell whether a step through the part that learns finds room beside the process that takes it.

    Args:
        network: Cut where learning begins.
        batch_size: Images in a step.
        most_bytes: Memory of the machine; ``None`` where it is unknown.
    """
    shapes = [layer.output.shape[1:] for layer in network.tail_layers]
    needed = training_bytes(network.backbone.size_bytes) + step_bytes(shapes, batch_size)
    return most_bytes is None or needed <= MEMORY_SHARE * most_bytes
