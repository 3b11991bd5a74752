"""Computes what a file of Core ML says, operation by operation, with TensorFlow: Core ML itself runs on Macs alone.

It reads the delivered file, weights and all, so whatever the writer and coremltools' passes did to the network shows.
What each operation means is taken from coremltools' documentation of its intermediate language.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import tensorflow as tf
from coremltools.converters.mil.frontend.milproto.load import load
from coremltools.converters.mil.mil import Program
from coremltools.models.utils import load_spec
from numpy.typing import NDArray


def read_program(zipped: Path, scratch: Path) -> tuple[Program, Any]:
    """Return the program in ``model.mlpackage.zip``, its types and shapes inferred anew, and its description."""
    with ZipFile(zipped) as archive:
        archive.extractall(scratch)
    package = scratch / "model.mlpackage"
    spec = load_spec(str(package))
    weights = package / "Data" / "com.apple.CoreML" / "weights"
    return load(spec, specification_version=spec.specificationVersion, file_weights_dir=str(weights)), spec


def run(program: Program, given: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    """Return what a program gives for what it is given, by name; everything has the shape that was inferred."""
    (function,) = program.functions.values()
    found: dict[str, Any] = dict(given)
    assert {name: each.shape for name, each in given.items()} == {
        name: tuple(each.shape) for name, each in function.inputs.items()
    }

    def of(given: Any) -> Any:
        if isinstance(given, list | tuple):
            return [of(each) for each in given]
        if given.name in found:
            return found[given.name]
        return bool(given.val) if isinstance(given.val, np.bool_) else given.val

    for operation in function.operations:
        if operation.op_type == "const":
            continue
        inputs = {name: of(given) for name, given in operation.inputs.items() if given is not None}
        (output,) = operation.outputs
        value = np.asarray(OPERATIONS[operation.op_type](inputs), np.float32)
        assert value.shape == tuple(output.shape), operation
        found[output.name] = value
    return {output.name: found[output.name] for output in function.outputs}


def _conv(given: Mapping[str, Any]) -> Any:
    x, kernel = _padded(given, 0.0), np.transpose(given["weight"], (2, 3, 1, 0))
    assert given["pad_type"] in ("custom", "valid")
    groups, strides, dilations = given["groups"], given["strides"], given["dilations"]
    kernels = np.split(kernel, groups, axis=3)
    parts = np.split(x, groups, axis=3)
    if groups == x.shape[3]:  # one filter or more for every channel
        depthwise = np.concatenate(
            [np.moveaxis(each, 3, 2)[..., None, :].reshape(*each.shape[:2], 1, -1) for each in kernels], 2
        )
        found = _depthwise(x, depthwise, strides, dilations)
    else:
        found = np.concatenate(
            [
                tf.nn.conv2d(part, each, strides, "VALID", dilations=dilations)
                for part, each in zip(parts, kernels, strict=True)
            ],
            3,
        )
    return np.transpose(found, (0, 3, 1, 2)) + np.reshape(given.get("bias", 0.0), (1, -1, 1, 1))


def _depthwise(x: Any, kernel: Any, strides: Any, dilations: Any) -> Any:
    assert len(set(strides)) == 1
    return tf.nn.depthwise_conv2d(x, kernel, [1, *strides, 1], "VALID", dilations=list(dilations))


def _padded(given: Mapping[str, Any], filling: float) -> Any:
    x = np.transpose(given["x"], (0, 2, 3, 1))
    if given["pad_type"] == "valid":
        return x
    top, bottom, left, right = given["pad"]
    return np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=filling)


def _max_pool(given: Mapping[str, Any]) -> Any:
    found = tf.nn.max_pool2d(_padded(given, -np.inf), given["kernel_sizes"], given["strides"], "VALID")
    return np.transpose(found, (0, 3, 1, 2))


def _avg_pool(given: Mapping[str, Any]) -> Any:
    assert given["exclude_padding_from_average"]
    x, ones = _padded(given, 0.0), _padded({**given, "x": np.ones_like(given["x"])}, 0.0)
    sums, counts = (tf.nn.avg_pool2d(each, given["kernel_sizes"], given["strides"], "VALID") for each in (x, ones))
    return np.transpose(np.asarray(sums) / np.asarray(counts), (0, 3, 1, 2))


def _batch_norm(given: Mapping[str, Any]) -> Any:
    mean, variance, gamma, beta = (
        np.reshape(given[each], (1, -1, 1, 1)) for each in ("mean", "variance", "gamma", "beta")
    )
    return (given["x"] - mean) / np.sqrt(variance + given["epsilon"]) * gamma + beta


def _layer_norm(given: Mapping[str, Any]) -> Any:
    x, axes = given["x"], tuple(given["axes"])
    centred = x - x.mean(axes, keepdims=True)
    normal = centred / np.sqrt((centred**2).mean(axes, keepdims=True) + given["epsilon"])
    return normal * given.get("gamma", 1.0) + given.get("beta", 0.0)


def _slice(given: Mapping[str, Any]) -> Any:
    x = given["x"]
    rank = x.ndim
    strides = given.get("stride", [1] * rank)
    masks = [given.get(each) if given.get(each) is not None else [False] * rank for each in ("begin_mask", "end_mask")]
    parts = zip(given["begin"], given["end"], strides, *masks, strict=True)
    return x[tuple(slice(None if no_begin else b, None if no_end else e, s) for b, e, s, no_begin, no_end in parts)]


def _pad(given: Mapping[str, Any]) -> Any:
    assert given["mode"] == "constant"
    pairs = np.reshape(given["pad"], (-1, 2))
    whole = [(0, 0)] * (given["x"].ndim - len(pairs)) + [tuple(each) for each in pairs]
    return np.pad(given["x"], whole, constant_values=given["constant_val"])


def _gelu(given: Mapping[str, Any]) -> Any:
    return tf.nn.gelu(given["x"], approximate=given["mode"] != "EXACT")


def _matmul(given: Mapping[str, Any]) -> Any:
    return tf.matmul(given["x"], given["y"], given["transpose_x"], given["transpose_y"])


OPERATIONS: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "add": lambda given: given["x"] + given["y"],
    "avg_pool": _avg_pool,
    "batch_norm": _batch_norm,
    "clip": lambda given: np.clip(given["x"], given["alpha"], given["beta"]),
    "concat": lambda given: np.concatenate(given["values"], given["axis"]),
    "conv": _conv,
    "erf": lambda given: tf.math.erf(given["x"]),
    "expand_dims": lambda given: np.expand_dims(given["x"], tuple(given["axes"])),
    "gelu": _gelu,
    "identity": lambda given: given["x"],
    "layer_norm": _layer_norm,
    "linear": lambda given: given["x"] @ given["weight"].T + given.get("bias", 0.0),
    "matmul": _matmul,
    "max_pool": _max_pool,
    "maximum": lambda given: np.maximum(given["x"], given["y"]),
    "minimum": lambda given: np.minimum(given["x"], given["y"]),
    "mul": lambda given: given["x"] * given["y"],
    "pad": _pad,
    "real_div": lambda given: given["x"] / given["y"],
    "reduce_max": lambda given: given["x"].max(tuple(given["axes"]), keepdims=given["keep_dims"]),
    "reduce_mean": lambda given: given["x"].mean(tuple(given["axes"]), keepdims=given["keep_dims"]),
    "relu": lambda given: np.maximum(given["x"], 0),
    "relu6": lambda given: np.clip(given["x"], 0, 6),
    "reshape": lambda given: np.reshape(given["x"], given["shape"]),
    "sigmoid": lambda given: tf.math.sigmoid(given["x"]),
    "silu": lambda given: tf.nn.silu(given["x"]),
    "slice_by_index": _slice,
    "softmax": lambda given: tf.nn.softmax(given["x"], axis=given["axis"]),
    "sub": lambda given: given["x"] - given["y"],
    "tanh": lambda given: np.tanh(given["x"]),
    "transpose": lambda given: np.transpose(given["x"], given["perm"]),
}
