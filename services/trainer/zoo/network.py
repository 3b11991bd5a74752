"""Backbones as networks of built-in layers: raw pixels in, preprocessing inside, cut where fine-tuning begins."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from services.trainer.zoo.backbone import GRID
from services.trainer.zoo.catalogue import Backbone, Preprocessing
from services.trainer.zoo.efficientnet_lite import efficientnet_lite
from services.trainer.zoo.head import Head, Reading
from services.trainer.zoo.plain import with_plain_layers
from services.trainer.zoo.sources import published
from services.trainer.zoo.sources.weights import WeightsFile

TailWeights = tuple[NDArray[np.float32], ...]
"""Values of :attr:`Network.tail_variables`, in their order."""

_IMAGENET_MEAN = np.array([0.485, 0.456, 0.406])
_IMAGENET_DEVIATION = np.array([0.229, 0.224, 0.225])
_CAFFE_MEAN_RGB = [123.68, 116.779, 103.939]
_OWN_CONSTRUCTORS = {"EfficientNetLite": efficientnet_lite}
"""Networks that ``keras.applications`` lacks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A backbone with its weights, whole and in two halves that share the weights of the whole.

    Args:
        backbone: Its row.
        model: ``(n, height_px, width_px, 3) uint8`` RGB of any size to ``(n, feature_width)``.
        trunk: ``(n, input_px, input_px, 3) float32`` of 0 to 255 to the activations at the cut.
        tail: Activations at the cut to ``(n, feature_width)``.
        whole: What the trunk takes to the activations at the cut and ``(n, pooled_width)``: the pooled outputs of all
            levels, one after the other, of which the features are the last.
        levels: These pooled outputs one by one, as ``model`` has them; their widths are those of the row.
        tail_layers: Layers of ``model`` from the cut on.
    """

    backbone: Backbone
    model: keras.Model
    trunk: keras.Model
    tail: keras.Model
    whole: keras.Model
    levels: tuple[keras.KerasTensor, ...]
    tail_layers: tuple[keras.Layer, ...]

    @property
    def tail_variables(self) -> list[keras.Variable]:
        """What fine-tuning changes: kernels, biases, gammas and betas from the cut on, statistics never."""
        return [variable for layer in self.tail_layers for variable in layer.trainable_variables]

    @property
    def cut_shape(self) -> tuple[int, ...]:
        """Shape of the activations of one image at the cut."""
        return tuple(self.tail.input_shape[1:])

    def load_tail(self, weights: TailWeights) -> None:
        """Put fine-tuned values in place."""
        for variable, value in zip(self.tail_variables, weights, strict=True):
            variable.assign(value)

    def read_tail(self) -> TailWeights:
        """Return a copy of the present values."""
        return tuple(np.array(variable, np.float32) for variable in self.tail_variables)


def build(backbone: Backbone, weights: WeightsFile | None) -> Network:
    """Build a backbone.

    Args:
        backbone: Which.
        weights: Its weights; ``None`` leaves random values, for tests of the structure.

    Raises:
        ValueError: If the weights do not fit the network or hold values that are no numbers.
        OSError: If they cannot be read.
    """
    model = assemble(backbone)
    if weights is not None:
        _load(model, backbone, weights)
    if backbone.preprocessing is Preprocessing.CAFFE:
        _read_bgr_kernel_as_rgb(model)
    if backbone.preprocessing is Preprocessing.EFFICIENTNET:
        _divide_once_more(model)
    return split(backbone, with_plain_layers(model))


def assemble(backbone: Backbone) -> keras.Model:
    """Return the layers of a backbone with random weights, from raw pixels of any size to its features.

    In a :class:`keras.StatelessScope` it has shapes and no weights, which takes a fraction of the time and no memory.
    """
    # Layers without names of their own are numbered by session; a fresh one makes the names those of the catalogue.
    keras.utils.clear_session(free_memory=False)
    # Resizing would round integers, differently from version to version; so pixels become floats first.
    images = keras.Input((None, None, 3), dtype="uint8", name="image")
    pixels = keras.layers.Rescaling(1.0, name="pixels")(images)
    side = backbone.input_px
    squares = keras.layers.Resizing(side, side, interpolation="bilinear", antialias=True, name="resize")(pixels)
    constructor = _OWN_CONSTRUCTORS.get(backbone.constructor) or getattr(keras.applications, backbone.constructor)
    base = constructor(
        include_top=False,
        weights=None,
        input_tensor=_preprocess(backbone.preprocessing, squares),
        input_shape=(side, side, 3),
        pooling="avg",
        **backbone.arguments,
    )
    return keras.Model(images, base.output, name=backbone.name.replace(".", "_"))


def complete(
    network: Network, head: Head, *, tail_weights: TailWeights | None = None, temperature: float = 1.0
) -> keras.Model:
    """Put a head on a network, which makes it the one that is delivered.

    Args:
        network: Changed in place.
        head: The last layer; what it reads decides which levels and views the model has.
        tail_weights: Fine-tuned values from the cut on; ``None`` leaves those that are there.
        temperature: Divides the scores before the softmax; it ends up in the last layer's weights.

    Returns:
        A model from ``(n, height_px, width_px, 3) uint8`` RGB of any size to ``(n, num_classes)`` probabilities, made
        of built-in layers only; what lies before the cut is not trainable.
    """
    if tail_weights is not None:
        network.load_tail(tail_weights)
    for layer in network.model.layers:
        layer.trainable = layer in network.tail_layers
    dense = keras.layers.Dense(head.num_classes, activation="softmax", name="probabilities")
    model = keras.Model(network.model.input, dense(_read_by(network, head.reading)), name=network.model.name)
    dense.set_weights([head.kernel / temperature, head.bias / temperature])
    return model


def _read_by(network: Network, reading: Reading) -> keras.KerasTensor:
    """Return what a head reads of a network, ``(n, width)``."""
    levels = network.levels[-reading.num_levels :]
    if reading.views == 1:
        return side_by_side(levels)
    of_mirror_image = side_by_side(_of_mirror_image(network, levels))
    return keras.layers.Average(name="both_views")([side_by_side(levels), of_mirror_image])


def _of_mirror_image(network: Network, levels: Sequence[keras.KerasTensor]) -> list[keras.KerasTensor]:
    """Return what the same layers make of the image whose left and right have changed places.

    From here on each of them has two outputs, so nothing can be asked for by the name of a layer any more.
    """
    whole = keras.Model(network.model.input, list(levels))
    squares = network.model.get_layer("resize").output
    seen = {"pixels": squares, "resize": _mirror(squares, network.backbone.input_px)}

    def call(layer: Any, *arguments: Any, **options: Any) -> Any:
        return seen[layer.name] if layer.name in seen else layer(*arguments, **options)

    again = keras.models.clone_model(whole, whole.input, clone_function=lambda layer: layer, call_function=call)
    return list(again.outputs)


def _mirror(squares: keras.KerasTensor, side: int) -> keras.KerasTensor:
    """Let left and right change places, by built-in layers: columns times a matrix of ones from corner to corner."""
    columns_last = keras.layers.Permute((1, 3, 2), name="columns_last")(squares)
    reverse = keras.layers.Dense(side, use_bias=False, trainable=False, name="mirror")
    mirrored = keras.layers.Permute((1, 3, 2), name="columns_back")(reverse(columns_last))
    reverse.set_weights([np.eye(side, dtype=np.float32)[::-1]])
    return mirrored


def _preprocess(mode: Preprocessing, pixels: keras.KerasTensor) -> keras.KerasTensor:
    """Apply ``preprocess_input`` as layers; the order of channels is left to the first kernel."""
    if mode is Preprocessing.TF:
        return keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="preprocess")(pixels)
    if mode is Preprocessing.LITE:
        return keras.layers.Rescaling(1 / 128, offset=-127 / 128, name="preprocess")(pixels)
    if mode is Preprocessing.TORCH:
        mean, variance = 255 * _IMAGENET_MEAN, (255 * _IMAGENET_DEVIATION) ** 2
        layer = keras.layers.Normalization(mean=mean.tolist(), variance=variance.tolist(), name="preprocess")
        return layer(pixels)
    if mode is Preprocessing.CAFFE:
        layer = keras.layers.Normalization(mean=_CAFFE_MEAN_RGB, variance=[1.0, 1.0, 1.0], name="preprocess")
        return layer(pixels)
    return pixels


def _load(model: keras.Model, backbone: Backbone, weights: WeightsFile) -> None:
    if weights.path.suffix == published.SUFFIX:
        model.set_weights(published.read_published(weights.path, backbone))
    elif weights.path.suffix == ".npz":
        with np.load(weights.path, allow_pickle=False) as arrays:
            model.set_weights([arrays[key].astype(np.float32) for key in sorted(arrays.files)])
    else:
        model.load_weights(weights.path)
    for variable in model.weights:
        if not np.isfinite(variable).all():
            raise ValueError(f"{weights.path.name} is damaged: {variable.path} holds values that are no numbers")


def _read_bgr_kernel_as_rgb(model: keras.Model) -> None:
    """Reverse the input channels of the first convolution, so that it takes RGB where it was trained on BGR."""
    first = next(layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D))
    first.kernel.assign(np.asarray(first.kernel)[:, :, ::-1, :])


def _divide_once_more(model: keras.Model) -> None:
    """Divide standardised pixels by the root of the deviation too, as the published weights expect.

    Source: ``keras.applications.efficientnet``, which does so where it downloads the weights itself.
    """
    layer = next(each for each in model.layers if isinstance(each, keras.layers.Normalization))
    layer.adapt_variance.assign(np.asarray(layer.adapt_variance) * _IMAGENET_DEVIATION)
    layer.finalize_state()


def split(backbone: Backbone, model: keras.Model) -> Network:
    """Cut a network where its row says, into halves that share its weights."""
    cut = _cut_of(backbone, model)
    squares = model.get_layer("resize").output
    rest = keras.Model(cut, model.output)
    shared = {id(layer) for layer in rest.layers}
    levels = _pooled_levels(backbone, model)
    at_cut = cut[0] if len(cut) == 1 else keras.layers.Concatenate()(cut)
    return Network(
        backbone=backbone,
        model=model,
        trunk=keras.Model(squares, at_cut),
        tail=rest if len(cut) == 1 else _join(rest, cut),
        whole=keras.Model(squares, [at_cut, side_by_side(levels)]),
        levels=tuple(levels),
        tail_layers=tuple(layer for layer in model.layers if id(layer) in shared),
    )


def _cut_of(backbone: Backbone, model: keras.Model) -> list[keras.KerasTensor]:
    """Return what the layers from the cut on read."""
    names = backbone.cut_inputs
    return [model.get_layer(name).output for name in names] or [model.get_layer(backbone.cut_layer).input]


def tail_to_levels(network: Network) -> keras.Model:
    """Return a tail that gives the pooled levels behind the cut side by side, of which the features are the last.

    Levels before the cut do not change with the tail.
    """
    after = {layer.name for layer in network.tail_layers}
    num_after = max(1, sum(name in after for name in network.backbone.level_names))
    cut = _cut_of(network.backbone, network.model)
    rest = keras.Model(cut, side_by_side(network.levels[-num_after:]))
    return rest if len(cut) == 1 else _join(rest, cut)


def _pooled_levels(backbone: Backbone, model: keras.Model) -> list[keras.KerasTensor]:
    """Return what a head may read of a network, one tensor ``(n, width)`` for each level of the row."""
    return [*(by_fields_of(model, name) for name in backbone.level_names[:-1]), model.output]


def by_fields_of(model: keras.Model, name: str) -> keras.KerasTensor:
    """Return the means of a layer's output over the fields of a grid, row by row; of an odd side they share a line.

    Args:
        model: Of maps ``(n, height, width, channels)``.
        name: Of the layer.

    Raises:
        ValueError: If it has fewer places than fields.
    """
    maps = model.get_layer(name).output
    sides = maps.shape[1:3]
    if min(sides) < GRID:
        raise ValueError(f"{name} has {sides[0]} × {sides[1]} places, expected {GRID} × {GRID} at least")
    sizes = tuple(-(-side // GRID) for side in sides)
    steps = tuple((side - size) // (GRID - 1) for side, size in zip(sides, sizes, strict=True))
    fields = keras.layers.AveragePooling2D(sizes, strides=steps, name=f"fields_{name}")(maps)
    return keras.layers.Flatten(name=f"pooled_{name}")(fields)


def side_by_side(tensors: Sequence[keras.KerasTensor]) -> keras.KerasTensor:
    """Return tensors ``(n, width)`` as one; a single one is returned as it is."""
    return tensors[0] if len(tensors) == 1 else keras.layers.Concatenate()(tensors)


def _join(rest: keras.Model, cut: Sequence[keras.KerasTensor]) -> keras.Model:
    """Let a tail that reads several maps read them as one, side by side in its channels."""
    widths = [tensor.shape[-1] for tensor in cut]
    ends = np.cumsum(widths)
    joined = keras.Input((*cut[0].shape[1:-1], int(ends[-1])))
    parts = [joined[..., int(end) - width : int(end)] for width, end in zip(widths, ends, strict=True)]
    return keras.Model(joined, rest(parts))
