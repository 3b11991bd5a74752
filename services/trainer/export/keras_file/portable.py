"""Saves a network so that older Keras reads it too: what came later is left out where it says nothing.

Keras writes every setting of every layer and refuses those that it does not know. So a network whose layers an older
Keras has as well loads there only without the settings that were added since. They are left out where they stand at
their defaults, which is what the older Keras does anyway; one that does not is kept: the older Keras then refuses the
file rather than compute something else.
"""

import inspect
import json
import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zipfile import ZipFile, ZipInfo

import h5py
import keras

OLDEST_KERAS = "3.9"
"""The oldest version that has every layer of every backbone with the settings that they are built with."""

_CONFIG = "config.json"
_MODEL_CONFIG = "model_config"
_ANY_LAYER = "dtype name trainable"
_AFFINE = "activation activity_regularizer bias_constraint bias_initializer bias_regularizer use_bias"
_KERNEL = "kernel_constraint kernel_initializer kernel_regularizer"
_DEPTHWISE = "depth_multiplier depthwise_constraint depthwise_initializer depthwise_regularizer"
_POINTWISE = "pointwise_constraint pointwise_initializer pointwise_regularizer"
_WINDOW = "data_format dilation_rate kernel_size padding strides"
_SCALED = (
    "axis beta_constraint beta_initializer beta_regularizer center epsilon "
    "gamma_constraint gamma_initializer gamma_regularizer scale"
)
_LAYERS = {
    "Activation": "activation",
    "Add": "",
    "Average": "",
    "AveragePooling2D": "data_format padding pool_size strides",
    "BatchNormalization": f"{_SCALED} momentum moving_mean_initializer moving_variance_initializer synchronized",
    "Concatenate": "axis",
    "Conv2D": f"{_AFFINE} {_KERNEL} {_WINDOW} filters groups",
    "Cropping2D": "cropping data_format",
    "Dense": f"{_AFFINE} {_KERNEL} units",
    "DepthwiseConv2D": f"{_AFFINE} {_DEPTHWISE} {_WINDOW}",
    "Dropout": "noise_shape rate seed",
    "Flatten": "data_format",
    "GlobalAveragePooling2D": "data_format keepdims",
    "InputLayer": "batch_shape ragged sparse",
    "LayerNormalization": f"{_SCALED} rms_scaling",
    "MaxPooling2D": "data_format padding pool_size strides",
    "Multiply": "",
    "Normalization": "axis invert mean variance",
    "Permute": "dims",
    "ReLU": "max_value negative_slope threshold",
    "Rescaling": "offset scale",
    "Reshape": "target_shape",
    "Resizing": "antialias crop_to_aspect_ratio data_format fill_mode fill_value height interpolation "
    "pad_to_aspect_ratio width",
    "SeparableConv2D": f"{_AFFINE} {_DEPTHWISE} {_POINTWISE} {_WINDOW} filters",
    "ZeroPadding2D": "data_format padding",
}
_INITIALISERS = {
    "GlorotUniform": "seed",
    "HeNormal": "seed",
    "Ones": "",
    "VarianceScaling": "distribution mode scale seed",
    "Zeros": "",
}
KNOWN: Mapping[str, frozenset[str]] = MappingProxyType(
    {name: frozenset(f"{_ANY_LAYER} {settings}".split()) for name, settings in _LAYERS.items()}
    | {name: frozenset(settings.split()) for name, settings in _INITIALISERS.items()}
)
"""By class: the settings that :data:`OLDEST_KERAS` knows of. ``make compat`` holds this against that version."""


def save(model: keras.Model, path: Path) -> None:
    """Write a network, whole or not at all, such that Keras from :data:`OLDEST_KERAS` on reads it.

    Args:
        model: Of built-in layers.
        path: Ends in ``.h5`` or ``.keras``.

    Raises:
        OSError: If it cannot be written.
    """
    part = path.with_name(f"part-{path.name}")
    model.save(part)
    if path.suffix == ".h5":
        with h5py.File(part, "r+") as file:
            file.attrs[_MODEL_CONFIG] = _rewritten(file.attrs[_MODEL_CONFIG])
    else:
        plain = path.with_name(f"plain-{path.name}")
        _copy_zip(part, plain)
        plain.replace(part)
    part.replace(path)


def without_newer(document: Any) -> Any:
    """Return the configuration of a network, as JSON values, without newer settings that stand at their defaults."""
    if isinstance(document, list):
        return [without_newer(each) for each in document]
    if not isinstance(document, dict):
        return document
    config, known = document.get("config"), KNOWN.get(document.get("class_name", ""))
    if known is not None and isinstance(config, dict):
        defaults = _defaults(document["class_name"])
        kept = {key: value for key, value in config.items() if key in known or _says_something(key, value, defaults)}
        document = {**document, "config": kept}
    return {key: without_newer(value) for key, value in document.items()}


def _says_something(key: str, value: Any, defaults: Mapping[str, Any]) -> bool:
    return key not in defaults or defaults[key] != value


@cache
def _defaults(class_name: str) -> Mapping[str, Any]:
    """Return the defaults of a class of Keras, in the version at hand."""
    found = getattr(keras.layers, class_name, None) or getattr(keras.initializers, class_name)
    parameters = [
        parameter
        for kind in reversed(found.__mro__)
        if "__init__" in vars(kind)
        for parameter in inspect.signature(kind.__init__).parameters.values()
    ]
    return {each.name: each.default for each in parameters if each.default is not each.empty}


def _rewritten(text: str | bytes) -> bytes:
    return json.dumps(without_newer(json.loads(text))).encode()


def _copy_zip(source: Path, target: Path) -> None:
    """Copy a ``.keras`` file entry by entry, with its configuration rewritten and without dates of this day."""
    with ZipFile(source) as old, ZipFile(target, "w") as new:
        for entry in old.namelist():
            with old.open(entry) as reader, new.open(ZipInfo(entry), "w", force_zip64=True) as writer:
                if entry == _CONFIG:
                    writer.write(_rewritten(reader.read()))
                else:
                    shutil.copyfileobj(reader, writer, 2**20)
