"""What each kind of layer is in nodes, by the name of its class.

A function for each kind takes the graph, the layer and its input and returns the name of what it gives. One that sees a
setting which it does not heed raises :class:`Inexpressible`: a file that computes something else is worse than none.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from services.trainer.export.formats.inexpressible import Inexpressible
from services.trainer.export.formats.nodes.graph import NodeGraph
from services.trainer.export.formats.nodes.values import Value, broadcast, channels_back, channels_front, permutation

Emitter = Callable[[NodeGraph, Any, Value], str]


def _same(_: NodeGraph, __: Any, value: Value) -> str:
    return value.name


def activate(graph: NodeGraph, activation: Any, value: Value) -> str:
    """Apply a function of ``keras.activations``.

    Raises:
        Inexpressible: If it is not known here.
    """
    kind = getattr(activation, "__name__", type(activation).__name__)
    match kind:
        case "linear":
            return value.name
        case "relu" | "sigmoid" | "tanh":
            return graph.node(kind.capitalize(), value.name)
        case "relu6":
            return graph.node("Clip", value.name, graph.constant(0.0), graph.constant(6.0))
        case "silu" | "swish" | "hard_silu" | "hard_swish" | "gelu":
            return graph.node("Mul", value.name, _share(graph, kind, value))
        case "softmax":
            return graph.node("Softmax", value.name, axis=value.place(-1))
    raise Inexpressible(f"the activation {kind} is not known")


def _share(graph: NodeGraph, kind: str, value: Value) -> str:
    """Return what a function that multiplies its input by a share of it takes as that share."""
    if kind in ("silu", "swish"):
        return graph.node("Sigmoid", value.name)
    if kind in ("hard_silu", "hard_swish"):
        moved = graph.node("Add", value.name, graph.constant(3.0))
        clipped = graph.node("Clip", moved, graph.constant(0.0), graph.constant(6.0))
        return graph.node("Mul", clipped, graph.constant(1 / 6))
    scaled = graph.node("Mul", value.name, graph.constant(2**-0.5))
    return graph.node("Mul", graph.node("Add", graph.node("Erf", scaled), graph.constant(1.0)), graph.constant(0.5))


def _activation(graph: NodeGraph, layer: Any, value: Value) -> str:
    return activate(graph, layer.activation, value)


def _relu(graph: NodeGraph, layer: Any, value: Value) -> str:
    _refuse(layer, negative_slope=0, threshold=0)
    if layer.max_value is None:
        return graph.node("Relu", value.name)
    return graph.node("Clip", value.name, graph.constant(0.0), graph.constant(float(layer.max_value)))


def _rescaling(graph: NodeGraph, layer: Any, value: Value) -> str:
    scaled = graph.node("Mul", value.name, broadcast(graph, layer.scale, value))
    return graph.node("Add", scaled, broadcast(graph, layer.offset, value))


def _normalization(graph: NodeGraph, layer: Any, value: Value) -> str:
    _refuse(layer, invert=False)
    deviation = np.maximum(np.sqrt(np.asarray(layer.variance)), 1e-7)  # as Keras does
    centred = graph.node("Sub", value.name, broadcast(graph, layer.mean, value))
    return graph.node("Div", centred, broadcast(graph, deviation, value))


def _conv(graph: NodeGraph, layer: Any, value: Value) -> str:
    kernel = graph.constant(np.asarray(layer.kernel).transpose(3, 2, 0, 1), (id(layer), "kernel"))
    return _convolved(graph, layer, value, kernel=kernel, groups=layer.groups)


def _depthwise(graph: NodeGraph, layer: Any, value: Value) -> str:
    kernel = _depthwise_kernel(graph, layer, layer.kernel)
    return _convolved(graph, layer, value, kernel=kernel, groups=value.size(-1))


def _separable(graph: NodeGraph, layer: Any, value: Value) -> str:
    _needs_channels_last(layer)
    depthwise = _depthwise_kernel(graph, layer, layer.depthwise_kernel)
    alone = graph.node("Conv", value.name, depthwise, group=value.size(-1), **_window(layer, value))
    pointwise = graph.constant(np.asarray(layer.pointwise_kernel).transpose(3, 2, 0, 1), (id(layer), "pointwise"))
    joined = graph.node("Conv", alone, pointwise, *_bias(graph, layer))
    return activate(graph, layer.activation, Value(joined, value.shape))


def _convolved(graph: NodeGraph, layer: Any, value: Value, *, kernel: str, groups: int) -> str:
    _needs_channels_last(layer)
    found = graph.node("Conv", value.name, kernel, *_bias(graph, layer), group=groups, **_window(layer, value))
    return activate(graph, layer.activation, Value(found, value.shape))


def _depthwise_kernel(graph: NodeGraph, layer: Any, kernel: Any) -> str:
    """Return a kernel ``(height, width, channels, multiplier)`` as one of as many groups as channels."""
    values = np.asarray(kernel)
    height, width, channels, multiplier = values.shape
    alone = values.transpose(2, 3, 0, 1).reshape(channels * multiplier, 1, height, width)
    return graph.constant(alone, (id(layer), "depthwise"))


def _bias(graph: NodeGraph, layer: Any) -> tuple[str, ...]:
    return (graph.constant(np.asarray(layer.bias), (id(layer), "bias")),) if layer.use_bias else ()


def _dense(graph: NodeGraph, layer: Any, value: Value) -> str:
    kernel = np.asarray(layer.kernel)
    if value.is_map:
        pointwise = graph.constant(kernel.T[:, :, None, None], (id(layer), "kernel"))
        found = graph.node("Conv", value.name, pointwise, *_bias(graph, layer))
    else:
        found = graph.node("MatMul", value.name, graph.constant(kernel, (id(layer), "kernel")))
        for bias in _bias(graph, layer):
            found = graph.node("Add", found, bias)
    return activate(graph, layer.activation, Value(found, value.shape))


def _batch_normalization(graph: NodeGraph, layer: Any, value: Value) -> str:
    axis = layer.axis[0] if isinstance(layer.axis, list | tuple) else layer.axis
    if axis % len(value.shape) != len(value.shape) - 1:
        raise Inexpressible(f"{layer.name} normalises along axis {axis}, not along the channels")
    mean, variance = np.asarray(layer.moving_mean), np.asarray(layer.moving_variance)
    scale = np.asarray(layer.gamma) if layer.scale else np.ones_like(mean)
    offset = np.asarray(layer.beta) if layer.center else np.zeros_like(mean)
    parts = {"scale": scale, "offset": offset, "mean": mean, "variance": variance}
    names = [graph.constant(part, (id(layer), kind)) for kind, part in parts.items()]
    return graph.node("BatchNormalization", value.name, *names, epsilon=float(layer.epsilon))


def _layer_normalization(graph: NodeGraph, layer: Any, value: Value) -> str:
    _refuse(layer, rms_scaling=False)
    axes = layer.axis if isinstance(layer.axis, list | tuple) else (layer.axis,)
    if [axis % len(value.shape) for axis in axes] != [len(value.shape) - 1]:
        raise Inexpressible(f"{layer.name} normalises along axes {list(axes)}, not along the channels")
    width = value.size(-1)
    scale = np.asarray(layer.gamma) if layer.scale else np.ones(width)
    offset = np.asarray(layer.beta) if layer.center else np.zeros(width)
    constants = (graph.constant(scale, (id(layer), "scale")), graph.constant(offset, (id(layer), "offset")))
    back = channels_back(graph, value)
    found = graph.node("LayerNormalization", back, *constants, axis=-1, epsilon=float(layer.epsilon))
    return channels_front(graph, found, len(value.shape))


def _max_pooling(graph: NodeGraph, layer: Any, value: Value) -> str:
    return graph.node("MaxPool", value.name, **_pool_window(layer, value))


def _average_pooling(graph: NodeGraph, layer: Any, value: Value) -> str:
    return graph.node("AveragePool", value.name, count_include_pad=0, **_pool_window(layer, value))


def _global(operator: str) -> Emitter:
    def emit(graph: NodeGraph, layer: Any, value: Value) -> str:
        _needs_channels_last(layer)
        return graph.node(operator, value.name, axes=[2, 3], keepdims=int(layer.keepdims))

    return emit


def _zero_padding(graph: NodeGraph, layer: Any, value: Value) -> str:
    _needs_channels_last(layer)
    (top, bottom), (left, right) = layer.padding
    pads = graph.constant([0, 0, top, left, 0, 0, bottom, right], dtype=np.int64)
    return graph.node("Pad", value.name, pads, mode="constant")


def _cropping(graph: NodeGraph, layer: Any, value: Value) -> str:
    _needs_channels_last(layer)
    (top, bottom), (left, right) = layer.cropping
    ends = (value.size(1) - bottom, value.size(2) - right)
    bounds = ((top, left), ends, (2, 3))
    return graph.node("Slice", value.name, *(graph.constant(each, dtype=np.int64) for each in bounds))


def _reshape(graph: NodeGraph, layer: Any, value: Value) -> str:
    shape = tuple(layer.compute_output_shape(value.shape))
    wanted = graph.constant([-1, *shape[1:]], dtype=np.int64)
    found = graph.node("Reshape", channels_back(graph, value), wanted)
    return channels_front(graph, found, len(shape))


def _permute(graph: NodeGraph, layer: Any, value: Value) -> str:
    return graph.node("Transpose", value.name, perm=permutation(value, (0, *layer.dims)))


def _pool_window(layer: Any, value: Value) -> dict[str, Any]:
    _needs_channels_last(layer)
    return _padded(layer.padding, value, tuple(layer.pool_size), tuple(layer.strides))


def _window(layer: Any, value: Value) -> dict[str, Any]:
    dilations = tuple(layer.dilation_rate)
    spans = tuple((size - 1) * rate + 1 for size, rate in zip(layer.kernel_size, dilations, strict=True))
    window = _padded(layer.padding, value, spans, tuple(layer.strides))
    return {**window, "kernel_shape": list(layer.kernel_size), "dilations": list(dilations)}


def _padded(padding: str, value: Value, spans: Sequence[int], strides: Sequence[int]) -> dict[str, Any]:
    """Return the attributes of a window; what TensorFlow pads unevenly, it pads more at the end."""
    before, after = [], []
    for axis, (span, stride) in enumerate(zip(spans, strides, strict=True), start=1):
        length = value.size(axis)
        missing = max((-(-length // stride) - 1) * stride + span - length, 0) if padding == "same" else 0
        before.append(missing // 2)
        after.append(missing - missing // 2)
    if padding not in ("same", "valid"):
        raise Inexpressible(f"the padding {padding} is not known")
    return {"kernel_shape": list(spans), "strides": list(strides), "pads": [*before, *after]}


def _needs_channels_last(layer: Any) -> None:
    _refuse(layer, data_format="channels_last")


def _refuse(layer: Any, **expected: Any) -> None:
    """Refuse a layer that has other settings than expected."""
    for name, value in expected.items():
        if getattr(layer, name) != value:
            raise Inexpressible(f"{layer.name} has {name}={getattr(layer, name)!r}, which is not known")


EMITTERS: Mapping[str, Emitter] = MappingProxyType(
    {
        "Activation": _activation,
        "AveragePooling2D": _average_pooling,
        "BatchNormalization": _batch_normalization,
        "Conv2D": _conv,
        "Cropping2D": _cropping,
        "Dense": _dense,
        "DepthwiseConv2D": _depthwise,
        "Dropout": _same,
        "Flatten": _reshape,
        "GlobalAveragePooling2D": _global("ReduceMean"),
        "GlobalMaxPooling2D": _global("ReduceMax"),
        "LayerNormalization": _layer_normalization,
        "MaxPooling2D": _max_pooling,
        "Normalization": _normalization,
        "Permute": _permute,
        "ReLU": _relu,
        "Rescaling": _rescaling,
        "Reshape": _reshape,
        "SeparableConv2D": _separable,
        "ZeroPadding2D": _zero_padding,
    }
)
"""Layers of one input."""
