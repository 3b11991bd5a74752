"""What each kind of layer is in TFLite, by the name of its class.

A function for each kind takes a :class:`Step` and returns what the layer gives. One that sees a setting which it does
not heed raises :class:`Inexpressible`: a file that computes something else is worse than none.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import keras
import numpy as np
from ai_edge_litert.schema_py_generated import ActivationFunctionType, Padding
from numpy.typing import NDArray

from services.trainer.export.formats.inexpressible import Inexpressible
from services.trainer.export.formats.tflite.graph import TFLiteGraph, Value
from services.trainer.zoo.folded import folded_weights, scale_and_shift

MAP_RANK = 4
_VECTOR_RANK = 2
_FUSED = {"relu": ActivationFunctionType.RELU, "relu6": ActivationFunctionType.RELU6}
_FUNCTIONS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "gelu": ("GELU", {"approximate": False}),
    "hard_silu": ("HARD_SWISH", {}),
    "hard_swish": ("HARD_SWISH", {}),
    "relu": ("RELU", {}),
    "relu6": ("RELU6", {}),
    "sigmoid": ("LOGISTIC", {}),
    "softmax": ("SOFTMAX", {"beta": 1.0}),
    "tanh": ("TANH", {}),
}
"""Operator and options, by the name of the activation."""
_PADDINGS = {"same": Padding.SAME, "valid": Padding.VALID}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One layer at one place of a network.

    Args:
        graph: Where it goes.
        layer: See there.
        value: What it is called with.
        shape: Of what it gives, for one image.
        follower: The normalisation that alone reads it, and goes into its weights.
        is_read_alone: Whether nothing else reads its input.
    """

    graph: TFLiteGraph
    layer: Any
    value: Value
    shape: tuple[int, ...]
    follower: keras.layers.BatchNormalization | None = None
    is_read_alone: bool = False

    def constant(self, values: Any, what: str) -> Value:
        """Return weights of the layer, which are there once however often it is called."""
        return self.graph.constant(values, (id(self.layer), id(self.follower), what))

    def refuse(self, **expected: Any) -> None:
        """Refuse a layer that has other settings than expected.

        Raises:
            Inexpressible: If it has.
        """
        for name, value in expected.items():
            if getattr(self.layer, name) != value:
                found = getattr(self.layer, name)
                raise Inexpressible(f"{self.layer.name} has {name}={found!r}, which is not known")


Emitter = Callable[[Step], Value]


def activate(graph: TFLiteGraph, activation: Any, value: Value, *, is_read_alone: bool = True) -> Value:
    """Apply a function of ``keras.activations``.

    Args:
        graph: See there.
        activation: The function.
        value: What it is applied to.
        is_read_alone: Whether nothing else reads that.

    Raises:
        Inexpressible: If it is not known here.
    """
    kind = getattr(activation, "__name__", type(activation).__name__)
    if kind in _FUSED and is_read_alone and graph.fuse(value, _FUSED[kind]):
        return value
    if kind == "linear":
        return value
    if kind in ("silu", "swish"):
        share = graph.operator("LOGISTIC", [value], value.shape)
        return graph.operator("MUL", [value, share], value.shape)
    if kind in _FUNCTIONS:
        operator, options = _FUNCTIONS[kind]
        return graph.operator(operator, [value], value.shape, **options)
    raise Inexpressible(f"the activation {kind} is not known")


def moved(graph: TFLiteGraph, kind: str, value: Value, numbers: Any, idle: float) -> Value:
    """Compute a value with numbers, one or one per channel, unless they change nothing.

    Args:
        graph: See there.
        kind: ``ADD`` or ``MUL``.
        value: See there.
        numbers: See there.
        idle: The number that changes nothing.
    """
    array = np.asarray(numbers, np.float32)
    array = array.reshape(()) if array.size == 1 else array.reshape(-1)
    return value if (array == idle).all() else graph.operator(kind, [value, graph.constant(array)], value.shape)


def _same(step: Step) -> Value:
    return step.value


def _activation(step: Step) -> Value:
    return activate(step.graph, step.layer.activation, step.value, is_read_alone=step.is_read_alone)


def _relu(step: Step) -> Value:
    step.refuse(negative_slope=0, threshold=0)
    most = step.layer.max_value
    if most in (None, 6):
        function = keras.activations.relu if most is None else keras.activations.relu6
        return activate(step.graph, function, step.value, is_read_alone=step.is_read_alone)
    positive = step.graph.operator("RELU", [step.value], step.shape)
    return step.graph.operator("MINIMUM", [positive, step.graph.constant(float(most))], step.shape)


def _rescaling(step: Step) -> Value:
    scaled = moved(step.graph, "MUL", step.value, step.layer.scale, 1.0)
    return moved(step.graph, "ADD", scaled, step.layer.offset, 0.0)


def _normalization(step: Step) -> Value:
    step.refuse(invert=False)
    deviation = np.maximum(np.sqrt(np.asarray(step.layer.variance)), 1e-7)  # as Keras does
    centred = moved(step.graph, "ADD", step.value, -np.asarray(step.layer.mean), 0.0)
    return moved(step.graph, "MUL", centred, 1 / deviation, 1.0)


def _batch_normalization(step: Step) -> Value:
    axis = step.layer.axis[0] if isinstance(step.layer.axis, list | tuple) else step.layer.axis
    if axis % len(step.shape) != len(step.shape) - 1:
        raise Inexpressible(f"{step.layer.name} normalises along axis {axis}, not along the channels")
    scale, shift = scale_and_shift(step.layer)
    scaled = step.graph.operator("MUL", [step.value, step.constant(scale, "scale")], step.shape)
    return step.graph.operator("ADD", [scaled, step.constant(shift, "shift")], step.shape)


def _layer_normalization(step: Step) -> Value:
    step.refuse(rms_scaling=False)
    layer, graph, shape = step.layer, step.graph, step.shape
    axes = layer.axis if isinstance(layer.axis, list | tuple) else (layer.axis,)
    if [axis % len(shape) for axis in axes] != [len(shape) - 1]:
        raise Inexpressible(f"{layer.name} normalises along axes {list(axes)}, not along the channels")
    centred = graph.operator("SUB", [step.value, mean(graph, step.value, [len(shape) - 1])], shape)
    squares = graph.operator("MUL", [centred, centred], shape)
    variance = moved(graph, "ADD", mean(graph, squares, [len(shape) - 1]), layer.epsilon, 0.0)
    found = graph.operator("MUL", [centred, graph.operator("RSQRT", [variance], variance.shape)], shape)
    if layer.scale:
        found = graph.operator("MUL", [found, step.constant(layer.gamma, "scale")], shape)
    return graph.operator("ADD", [found, step.constant(layer.beta, "shift")], shape) if layer.center else found


def mean(graph: TFLiteGraph, value: Value, axes: Sequence[int], *, keeps: bool = True, kind: str = "MEAN") -> Value:
    """Return the mean along axes, or another of what reduces them.

    Args:
        graph: See there.
        value: See there.
        axes: Counted from 0.
        keeps: Whether these axes stay, with a length of 1.
        kind: The operator.
    """
    kept = [1 if axis in axes else length for axis, length in enumerate(value.shape)]
    shape = kept if keeps else [length for axis, length in enumerate(value.shape) if axis not in axes]
    places = graph.constant(list(axes), dtype=np.int32)
    return graph.operator(kind, [value, places], shape, keepDims=keeps)


def _conv(step: Step) -> Value:
    kernel, bias = _kernel_and_bias(step)
    return _convolved(step, "CONV_2D", step.value, (kernel.transpose(3, 0, 1, 2), bias), **_window(step))


def _depthwise(step: Step) -> Value:
    kernel, bias = _kernel_and_bias(step)
    height, width, _, multiplier = kernel.shape
    flat = kernel.reshape(1, height, width, -1)
    window = _window(step)
    return _convolved(step, "DEPTHWISE_CONV_2D", step.value, (flat, bias), depthMultiplier=multiplier, **window)


def _separable(step: Step) -> Value:
    depthwise, pointwise, *bias = folded_weights(step.layer, step.follower)
    height, width, channels, multiplier = depthwise.shape
    flat = step.constant(depthwise.reshape(1, height, width, -1), "depthwise")
    nothing = step.constant(np.zeros(channels * multiplier, np.float32), "nothing")
    shape = (*step.shape[:-1], channels * multiplier)
    alone = step.graph.operator(
        "DEPTHWISE_CONV_2D", [step.value, flat, nothing], shape, depthMultiplier=multiplier, **_window(step)
    )
    weights = pointwise.transpose(3, 0, 1, 2), bias[0] if bias else np.zeros(step.shape[-1], np.float32)
    return _convolved(step, "CONV_2D", alone, weights, padding=Padding.VALID, strideH=1, strideW=1)


def _kernel_and_bias(step: Step) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    kernel, *bias = folded_weights(step.layer, step.follower)
    return kernel, bias[0] if bias else np.zeros(step.shape[-1], np.float32)


def _convolved(
    step: Step, kind: str, value: Value, weights: tuple[NDArray[np.float32], NDArray[np.float32]], **options: Any
) -> Value:
    step.refuse(**({"data_format": "channels_last"} if hasattr(step.layer, "data_format") else {}))
    kernel, bias = step.constant(weights[0], "kernel"), step.constant(weights[1], "bias")
    found = step.graph.operator(kind, [value, kernel, bias], step.shape, **options)
    return activate(step.graph, step.layer.activation, found)


def _dense(step: Step) -> Value:
    kernel, bias = _kernel_and_bias(step)
    if len(step.value.shape) == MAP_RANK:
        pointwise = kernel.T[:, None, None, :]
        return _convolved(step, "CONV_2D", step.value, (pointwise, bias), padding=Padding.VALID, strideH=1, strideW=1)
    if len(step.value.shape) != _VECTOR_RANK:
        raise Inexpressible(f"{step.layer.name} reads values of {len(step.value.shape)} axes, which is not known")
    return _convolved(step, "FULLY_CONNECTED", step.value, (kernel.T, bias))


def _pooling(kind: str) -> Emitter:
    def emit(step: Step) -> Value:
        step.refuse(data_format="channels_last")
        height, width = step.layer.pool_size
        options = _steps(step, step.layer.strides)
        return step.graph.operator(kind, [step.value], step.shape, filterHeight=height, filterWidth=width, **options)

    return emit


def _global(kind: str) -> Emitter:
    def emit(step: Step) -> Value:
        step.refuse(data_format="channels_last")
        return mean(step.graph, step.value, [1, 2], keeps=bool(step.layer.keepdims), kind=kind)

    return emit


def _zero_padding(step: Step) -> Value:
    step.refuse(data_format="channels_last")
    pads = step.graph.constant([(0, 0), *step.layer.padding, (0, 0)], dtype=np.int32)
    return step.graph.operator("PAD", [step.value, pads], step.shape)


def _cropping(step: Step) -> Value:
    step.refuse(data_format="channels_last")
    (top, bottom), (left, right) = step.layer.cropping
    _, height, width, _ = step.value.shape
    return sliced(step.graph, step.value, {1: slice(top, height - bottom), 2: slice(left, width - right)}, step.shape)


def sliced(graph: TFLiteGraph, value: Value, parts: Mapping[int, slice], shape: Sequence[int]) -> Value:
    """Take a part of a value.

    Args:
        graph: See there.
        value: See there.
        parts: By axis; others stay whole.
        shape: Of the part.
    """
    every = [parts.get(axis, slice(None)) for axis in range(len(value.shape))]
    begins, ends, steps = (
        graph.constant([default if each is None else each for each, default in bounds], dtype=np.int32)
        for bounds in (
            [(part.start, 0) for part in every],
            [(part.stop, 0) for part in every],
            [(part.step, 1) for part in every],
        )
    )
    return graph.operator(
        "STRIDED_SLICE",
        [value, begins, ends, steps],
        shape,
        beginMask=sum(1 << axis for axis, part in enumerate(every) if part.start is None),
        endMask=sum(1 << axis for axis, part in enumerate(every) if part.stop is None),
    )


def _reshape(step: Step) -> Value:
    wanted = step.graph.constant(step.shape, dtype=np.int32)
    return step.graph.operator("RESHAPE", [step.value, wanted], step.shape, newShape=list(step.shape))


def _permute(step: Step) -> Value:
    order = step.graph.constant([0, *step.layer.dims], dtype=np.int32)
    return step.graph.operator("TRANSPOSE", [step.value, order], step.shape)


def _window(step: Step) -> dict[str, int]:
    height, width = step.layer.dilation_rate
    return {**_steps(step, step.layer.strides), "dilationHFactor": height, "dilationWFactor": width}


def _steps(step: Step, strides: Sequence[int]) -> dict[str, int]:
    if step.layer.padding not in _PADDINGS:
        raise Inexpressible(f"the padding {step.layer.padding} is not known")
    return {"padding": _PADDINGS[step.layer.padding], "strideH": strides[0], "strideW": strides[1]}


EMITTERS: Mapping[str, Emitter] = MappingProxyType(
    {
        "Activation": _activation,
        "AveragePooling2D": _pooling("AVERAGE_POOL_2D"),
        "BatchNormalization": _batch_normalization,
        "Conv2D": _conv,
        "Cropping2D": _cropping,
        "Dense": _dense,
        "DepthwiseConv2D": _depthwise,
        "Dropout": _same,
        "Flatten": _reshape,
        "GlobalAveragePooling2D": _global("MEAN"),
        "GlobalMaxPooling2D": _global("REDUCE_MAX"),
        "LayerNormalization": _layer_normalization,
        "MaxPooling2D": _pooling("MAX_POOL_2D"),
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
