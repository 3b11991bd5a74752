"""The few parts of ``keras.applications`` that a plain ``load_model`` does not know, put into layers that it does."""

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray


def with_plain_layers(model: keras.Model) -> keras.Model:
    """Return a network that computes the same with public layers only; most networks are returned as they are.

    InceptionResNetV2 and ConvNeXt hold private layers that scale what a linear layer before them returns: the scale
    goes into that layer's weights. ConvNeXt adds tensors with a bare operator, which ``.h5`` cannot express, and
    convolves every channel alone with a grouped convolution, for which TensorFlow has no kernel on CPUs.
    """
    stand_ins = {each.name: layer for each in model.operations if (layer := _stand_in(each)) is not None}
    if not stand_ins:
        return model

    def renew(operation: Any) -> Any:
        return stand_ins.get(operation.name) or type(operation).from_config(operation.get_config())

    def call(operation: Any, *arguments: Any, **options: Any) -> Any:
        if isinstance(operation, keras.layers.Add) and len(arguments) > 1:
            return operation(list(arguments), **options)
        return operation(*arguments, **options)

    scales = _take_scales(model)
    clone = keras.models.clone_model(model, clone_function=renew, call_function=call)
    for layer in clone.layers:
        values = model.get_layer(layer.name).get_weights() if layer.weights else []
        if isinstance(layer, keras.layers.DepthwiseConv2D) and layer.name in stand_ins:
            values[0] = values[0].transpose(0, 1, 3, 2)
        layer.set_weights([value * scales.get(layer.name, 1.0) for value in values])
    return clone


def _stand_in(operation: Any) -> keras.layers.Layer | None:
    """Return the public layer that takes the place of an operation, or ``None`` where it may stay."""
    kind, name = type(operation).__name__, operation.name
    if kind == "CustomScaleLayer" or (kind == "Add" and not isinstance(operation, keras.layers.Layer)):
        return keras.layers.Add(name=name)
    if kind == "LayerScale":
        return keras.layers.Activation("linear", name=name)
    if kind == "Conv2D" and operation.groups == operation.filters > 1:
        return keras.layers.DepthwiseConv2D(operation.kernel_size, padding=operation.padding, name=name)
    return None


def _take_scales(model: keras.Model) -> dict[str, float | NDArray[np.float32]]:
    """Return what the weights of a linear layer are to be multiplied with, by the layer's name."""
    scales: dict[str, float | NDArray[np.float32]] = {}
    for layer in model.layers:
        kind = type(layer).__name__
        if kind == "CustomScaleLayer":
            scales[producer_of(layer.input[1])] = layer.scale
        elif kind == "LayerScale":
            scales[producer_of(layer.input)] = np.asarray(layer.gamma)
    return scales


def producer_of(tensor: keras.KerasTensor) -> str:
    """Return the name of the layer or operation that a tensor comes from."""
    name: str = tensor._keras_history.operation.name  # noqa: SLF001 - the only way from a tensor to its layer
    return name
