"""Batch normalisation: put into the weights of the layer before it, and asked what it remembers of its images."""

from collections import Counter
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from services.trainer.zoo.plain import producer_of

LINEAR = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.SeparableConv2D)
CHANNELS_LAST = frozenset({-1, 3})
_ACTIVATIONS = (keras.layers.Activation, keras.layers.ReLU)
_QUANTILES = ndtri((np.arange(256) + 0.5) / 256).astype(np.float32)
"""Of a standard normal variable, each as probable as the other."""


def without_normalisation(model: keras.Model) -> keras.Model:
    """Return a copy of a network, for inference, in which no normalisation follows a convolution.

    TensorFlow can do that too, and joins bias and activation with the convolution in any case. But for that it wants
    weights as constants of the graph, of which it makes more than a dozen copies on the way.

    Args:
        model: Unchanged; the copy holds weights of its own.
    """
    followers = _followers(model)
    gone = {each.name for each in followers.values()}

    def renew(operation: Any) -> Any:
        if operation.name in gone:
            return keras.layers.Identity(name=operation.name)
        config = operation.get_config()
        # The weights come next, so that random ones need not be drawn first.
        config |= {name: "zeros" for name, value in config.items() if name.endswith("_initializer") and value}
        config |= {"use_bias": True} if operation.name in followers else {}
        return type(operation).from_config(config)

    def call(operation: Any, *arguments: Any, **options: Any) -> Any:
        return arguments[0] if operation.name in gone else operation(*arguments, **options)

    copy = keras.models.clone_model(model, clone_function=renew, call_function=call)
    for layer in copy.layers:
        if layer.weights:
            layer.set_weights(folded_weights(model.get_layer(layer.name), followers.get(layer.name)))
    return copy


def _followers(model: keras.Model) -> dict[str, keras.layers.BatchNormalization]:
    """Return the normalisation that alone reads a linear layer, by the name of that layer."""
    operations = {each.name: each for each in model.operations if not isinstance(each, keras.layers.InputLayer)}
    read = [tensor for each in operations.values() for tensor in keras.tree.flatten(each.input)]
    num_readers = Counter(map(producer_of, (*read, *model.outputs)))
    found = {}
    for each in operations.values():
        if isinstance(each, keras.layers.BatchNormalization) and each.axis in CHANNELS_LAST:
            name = producer_of(each.input)
            if num_readers[name] == 1 and is_linear(operations.get(name)):
                found[name] = each
    return found


def is_linear(layer: Any) -> bool:
    """Tell whether a normalisation that alone reads a layer can go into its weights."""
    return type(layer) in LINEAR and layer.activation is keras.activations.linear


def folded_weights(layer: keras.Layer, follower: keras.layers.BatchNormalization | None) -> list[NDArray[np.float32]]:
    """Return the weights of a layer that does what follows it too; where something does, the last is a bias."""
    values: list[NDArray[np.float32]] = layer.get_weights()
    if follower is None:
        return values
    scale, shift = scale_and_shift(follower)
    bias = values.pop() if layer.use_bias else np.float32(0)
    kernel = values.pop()
    channels = kernel.shape[2:] if isinstance(layer, keras.layers.DepthwiseConv2D) else kernel.shape[3:]
    return [*values, kernel * scale.reshape(channels), bias * scale + shift]


def scale_and_shift(layer: keras.layers.BatchNormalization) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return what a normalisation multiplies each channel with and then adds to it."""
    scale = 1 / np.sqrt(np.asarray(layer.moving_variance, np.float64) + layer.epsilon)
    scale = scale * np.asarray(layer.gamma) if layer.scale else scale
    shift = (np.asarray(layer.beta) if layer.center else 0.0) - np.asarray(layer.moving_mean) * scale
    return scale.astype(np.float32), shift.astype(np.float32)


def remembered_means(model: keras.Model, layer: str) -> NDArray[np.float32] | None:
    """Return the mean of each channel of a layer over the images that the network was pre-trained on.

    Normalisation remembers mean and spread of what goes through it there: what it returns had the mean of its shift and
    the spread of its scale. The mean of an activation behind it is that of a normal variable that went through.

    Args:
        model: With its weights.
        layer: Name of a normalisation, of an activation right behind one, or of a concatenation of such.

    Returns:
        ``(channels,)``, or ``None`` where the layer is none of these.
    """
    operations = {each.name: each for each in model.operations}
    found = _remembered(operations, layer)
    return None if found is None else found.mean(axis=0, dtype=np.float64).astype(np.float32)


def _remembered(operations: dict[str, Any], name: str) -> NDArray[np.float32] | None:
    """Return equally probable values of each channel, ``(num_quantiles, channels)``."""
    layer = operations.get(name)
    if isinstance(layer, keras.layers.BatchNormalization):
        variance = np.asarray(layer.moving_variance, np.float64)
        spread = np.sqrt(variance / (variance + layer.epsilon)) * np.abs(layer.gamma if layer.scale else 1.0)
        shift = np.asarray(layer.beta) if layer.center else 0.0
        return np.asarray(shift + spread * _QUANTILES[:, None], np.float32)
    if isinstance(layer, _ACTIVATIONS):
        before = _remembered(operations, producer_of(layer.input))
        return None if before is None else np.asarray(layer(before))
    if isinstance(layer, keras.layers.Concatenate):
        parts = [_remembered(operations, producer_of(each)) for each in layer.input]
        known = [each for each in parts if each is not None]
        return np.concatenate(known, axis=1) if len(known) == len(parts) else None
    return None
