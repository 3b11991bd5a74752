"""What each operator of ONNX that networks use is in Core ML's intermediate language, by its name.

A function for each takes what the node reads and its attributes, and returns what it gives. Values are coremltools'
variables, numbers of places and lengths are arrays.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from types import MappingProxyType
from typing import Any

import numpy as np
from coremltools.converters.mil import Builder

Operator = Callable[[Sequence[Any], Mapping[str, Any]], Any]
_MAP_RANK = 4


def _of_one(build: Callable[..., Any]) -> Operator:
    return lambda given, _: build(x=given[0])


def _of_two(build: Callable[..., Any]) -> Operator:
    return lambda given, _: reduce(lambda left, right: build(x=left, y=right), given)


def _mean_of(given: Sequence[Any], _: Mapping[str, Any]) -> Any:
    total = reduce(lambda left, right: Builder.add(x=left, y=right), given)
    return Builder.mul(x=total, y=np.float32(1 / len(given)))


def _clip(given: Sequence[Any], _: Mapping[str, Any]) -> Any:
    value, low, high = given
    return Builder.clip(x=value, alpha=np.float32(low.val), beta=np.float32(high.val))


def _conv(given: Sequence[Any], attributes: Mapping[str, Any]) -> Any:
    value, kernel, *bias = given
    options = {"bias": bias[0]} if bias else {}
    window = {"dilations": attributes["dilations"]} if "dilations" in attributes else {}
    window |= _pads(attributes) if "pads" in attributes else {"pad_type": "valid"}
    strides = list(attributes.get("strides", (1, 1)))
    return Builder.conv(x=value, weight=kernel, strides=strides, groups=attributes.get("group", 1), **window, **options)


def _pads(attributes: Mapping[str, Any]) -> dict[str, Any]:
    top, left, bottom, right = attributes["pads"]
    return {"pad_type": "custom", "pad": [top, bottom, left, right]}


def _pool(build: Callable[..., Any], **options: Any) -> Operator:
    def emit(given: Sequence[Any], attributes: Mapping[str, Any]) -> Any:
        return build(
            x=given[0],
            kernel_sizes=list(attributes["kernel_shape"]),
            strides=list(attributes["strides"]),
            **_pads(attributes),
            **options,
        )

    return emit


def _batch_normalization(given: Sequence[Any], attributes: Mapping[str, Any]) -> Any:
    value, scale, offset, mean, variance = given
    epsilon = np.float32(attributes["epsilon"])
    if len(value.shape) == _MAP_RANK:
        return Builder.batch_norm(x=value, mean=mean, variance=variance, gamma=scale, beta=offset, epsilon=epsilon)
    factor = scale.val / np.sqrt(variance.val + epsilon)
    scaled = Builder.mul(x=value, y=factor.astype(np.float32))
    return Builder.add(x=scaled, y=(offset.val - mean.val * factor).astype(np.float32))


def _layer_normalization(given: Sequence[Any], attributes: Mapping[str, Any]) -> Any:
    value, scale, offset = given
    epsilon = np.float32(attributes["epsilon"])
    return Builder.layer_norm(x=value, axes=[attributes["axis"]], gamma=scale, beta=offset, epsilon=epsilon)


def _reduced(build: Callable[..., Any]) -> Operator:
    return lambda given, attributes: build(
        x=given[0], axes=list(attributes["axes"]), keep_dims=bool(attributes["keepdims"])
    )


def _pad(given: Sequence[Any], _: Mapping[str, Any]) -> Any:
    value, pads = given
    pairs = pads.reshape(2, -1).T
    return Builder.pad(x=value, pad=pairs.reshape(-1).astype(np.int32), mode="constant", constant_val=np.float32(0))


def _slice(given: Sequence[Any], _: Mapping[str, Any]) -> Any:
    """Take a part; what reaches from an end, however far behind it a bound lies, is said by masks."""
    value, starts, ends, axes, *steps = given
    rank = len(value.shape)
    begin, end, stride = [0] * rank, [0] * rank, [1] * rank
    from_end, to_end = [True] * rank, [True] * rank
    for position, axis in enumerate(axes):
        first, last, step = int(starts[position]), int(ends[position]), int(steps[0][position]) if steps else 1
        length = value.shape[axis]
        from_end[axis] = first == 0 if step > 0 else first >= length
        to_end[axis] = last >= length if step > 0 else last < -length
        begin[axis], end[axis], stride[axis] = (0 if from_end[axis] else first, 0 if to_end[axis] else last, step)
    return Builder.slice_by_index(x=value, begin=begin, end=end, stride=stride, begin_mask=from_end, end_mask=to_end)


def _reshape(given: Sequence[Any], _: Mapping[str, Any]) -> Any:
    return Builder.reshape(x=given[0], shape=given[1].astype(np.int32))


def _transpose(given: Sequence[Any], attributes: Mapping[str, Any]) -> Any:
    return Builder.transpose(x=given[0], perm=list(attributes["perm"]))


def _concat(given: Sequence[Any], attributes: Mapping[str, Any]) -> Any:
    return Builder.concat(values=list(given), axis=attributes["axis"])


def _unsqueeze(given: Sequence[Any], _: Mapping[str, Any]) -> Any:
    return Builder.expand_dims(x=given[0], axes=given[1].astype(np.int32))


def _softmax(given: Sequence[Any], attributes: Mapping[str, Any]) -> Any:
    return Builder.softmax(x=given[0], axis=attributes["axis"])


OPERATORS: Mapping[str, Operator] = MappingProxyType(
    {
        "Add": _of_two(Builder.add),
        "AveragePool": _pool(Builder.avg_pool, exclude_padding_from_average=True),
        "BatchNormalization": _batch_normalization,
        "Clip": _clip,
        "Concat": _concat,
        "Conv": _conv,
        "Div": _of_two(Builder.real_div),
        "Erf": _of_one(Builder.erf),
        "LayerNormalization": _layer_normalization,
        "MatMul": _of_two(Builder.matmul),
        "Max": _of_two(Builder.maximum),
        "MaxPool": _pool(Builder.max_pool),
        "Mean": _mean_of,
        "Min": _of_two(Builder.minimum),
        "Mul": _of_two(Builder.mul),
        "Pad": _pad,
        "ReduceMax": _reduced(Builder.reduce_max),
        "ReduceMean": _reduced(Builder.reduce_mean),
        "Relu": _of_one(Builder.relu),
        "Reshape": _reshape,
        "Sigmoid": _of_one(Builder.sigmoid),
        "Slice": _slice,
        "Softmax": _softmax,
        "Sub": _of_two(Builder.sub),
        "Tanh": _of_one(Builder.tanh),
        "Transpose": _transpose,
        "Unsqueeze": _unsqueeze,
    }
)
"""Those of ``services/trainer/export/formats/nodes``; of two operands or more, one after the other."""
