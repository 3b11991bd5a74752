"""EfficientNet-Lite, which ``keras.applications`` lacks: its layers, and its published weights in their order.

EfficientNet without squeeze-and-excitation, with ReLU6 for swish, and with a stem and a head of fixed width; made for
devices that compute in integers, and quick on CPUs. Layers carry the names of Keras's own EfficientNets.

Source: ``efficientnet/lite/efficientnet_lite_builder.py`` of github.com/tensorflow/tpu.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.trainer.zoo.backbone import Levels, rounded

STEM_FILTERS, TOP_FILTERS = 32, 1280
BATCH_NORM_EPSILON = 1e-3
# By stage: blocks, side of the kernel, stride, expansion, channels out; before width and depth are scaled.
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One inverted bottleneck.

    Args:
        name: Such as ``block2a``.
        kernel: Side of its depthwise kernel.
        stride: Of the depthwise convolution.
        expansion: Factor by which channels grow inside.
        channels_in: What it reads.
        channels_out: What it returns.
    """

    name: str
    kernel: int
    stride: int
    expansion: int
    channels_in: int
    channels_out: int

    @property
    def is_residual(self) -> bool:
        """Whether what it reads is added to what it computes."""
        return self.stride == 1 and self.channels_in == self.channels_out


def blocks_of(width: float, depth: float) -> tuple[Block, ...]:
    """Return the blocks of a size, in order.

    Args:
        width: Factor of all channels but those of stem and head.
        depth: Factor of the blocks of all stages but the first and the last.
    """
    blocks: list[Block] = []
    channels = STEM_FILTERS
    for stage, (repeats, kernel, stride, expansion, filters) in enumerate(_STAGES, start=1):
        is_fixed = stage in (1, len(_STAGES))
        for position in range(repeats if is_fixed else math.ceil(depth * repeats)):
            block = Block(
                name=f"block{stage}{chr(ord('a') + position)}",
                kernel=kernel,
                stride=stride if position == 0 else 1,
                expansion=expansion,
                channels_in=channels,
                channels_out=rounded(filters * width),
            )
            blocks.append(block)
            channels = block.channels_out
    return tuple(blocks)


def levels_of(width: float, depth: float) -> Levels:
    """Return the layers whose outputs end the stages, and the last one before pooling; see :func:`blocks_of`."""
    last_of = {block.name[: len("block1")]: block for block in blocks_of(width, depth)}
    ends = (
        (f"{block.name}_{'add' if block.is_residual else 'project_bn'}", block.channels_out)
        for block in last_of.values()
    )
    return (*ends, ("top_activation", TOP_FILTERS))


def efficientnet_lite(*, width: float, depth: float, input_tensor: Any, **_as_in_keras: object) -> Any:
    """Build the network without its top, as the constructors of ``keras.applications`` do.

    Args:
        width: See :func:`blocks_of`.
        depth: Likewise.
        input_tensor: ``(n, side_px, side_px, 3)``, preprocessed.

    Returns:
        A :class:`keras.Model` to ``(n, 1280)``, features after global average pooling; random weights.
    """
    import keras  # noqa: PLC0415 - the weights are looked for where TensorFlow is not loaded

    def activated(values: Any, convolution: Any, prefix: str) -> Any:
        return keras.layers.ReLU(6.0, name=f"{prefix}activation")(normalised(values, convolution, prefix))

    def normalised(values: Any, convolution: Any, prefix: str) -> Any:
        return keras.layers.BatchNormalization(epsilon=BATCH_NORM_EPSILON, name=f"{prefix}bn")(convolution(values))

    def pointwise(filters: int, name: str) -> Any:
        return keras.layers.Conv2D(filters, 1, padding="same", use_bias=False, name=name)

    stem = keras.layers.Conv2D(STEM_FILTERS, 3, strides=2, padding="same", use_bias=False, name="stem_conv")
    values = activated(input_tensor, stem, "stem_")
    for block in blocks_of(width, depth):
        name, read = block.name, values
        if block.expansion > 1:
            expand = pointwise(block.channels_in * block.expansion, f"{name}_expand_conv")
            values = activated(values, expand, f"{name}_expand_")
        depthwise = keras.layers.DepthwiseConv2D(
            block.kernel, strides=block.stride, padding="same", use_bias=False, name=f"{name}_dwconv"
        )
        values = activated(values, depthwise, f"{name}_")
        values = normalised(values, pointwise(block.channels_out, f"{name}_project_conv"), f"{name}_project_")
        if block.is_residual:
            values = keras.layers.Add(name=f"{name}_add")([values, read])
    values = activated(values, pointwise(TOP_FILTERS, "top_conv"), "top_")
    features = keras.layers.GlobalAveragePooling2D(name="avg_pool")(values)
    return keras.Model(keras.utils.get_source_inputs(input_tensor), features)


def weights_in_order(tensors: Mapping[str, NDArray[Any]], *, width: float, depth: float) -> list[NDArray[np.float32]]:
    """Return published tensors as ``get_weights`` of :func:`efficientnet_lite` orders and shapes them.

    Args:
        tensors: By the names of the PyTorch implementation, ``_blocks.0._depthwise_conv.weight`` and the like.
        width: See :func:`blocks_of`.
        depth: Likewise.

    Raises:
        ValueError: If a tensor is missing, or there are blocks of another size.
    """
    try:
        arrays = list(_in_order(tensors, blocks_of(width, depth)))
    except KeyError as error:
        raise ValueError(f"lacks the tensor {error}") from error
    known = sum(array.size for array in arrays)
    held = sum(each.size for name, each in tensors.items() if each.dtype == np.float32 and not name.startswith("_fc."))
    if held != known:
        raise ValueError(f"holds {held:,} numbers below its top where the network has {known:,}")
    return arrays


def _in_order(tensors: Mapping[str, NDArray[Any]], blocks: Sequence[Block]) -> Iterator[NDArray[np.float32]]:
    yield _kernel(tensors, "_conv_stem")
    yield from _statistics(tensors, "_bn0")
    for number, block in enumerate(blocks):
        prefix = f"_blocks.{number}."
        if block.expansion > 1:
            yield _kernel(tensors, f"{prefix}_expand_conv")
            yield from _statistics(tensors, f"{prefix}_bn0")
        # (channels, 1, height, width) there, (height, width, channels, 1) here
        yield tensors[f"{prefix}_depthwise_conv.weight"].transpose(2, 3, 0, 1)
        yield from _statistics(tensors, f"{prefix}_bn1")
        yield _kernel(tensors, f"{prefix}_project_conv")
        yield from _statistics(tensors, f"{prefix}_bn2")
    yield _kernel(tensors, "_conv_head")
    yield from _statistics(tensors, "_bn1")


def _kernel(tensors: Mapping[str, NDArray[Any]], name: str) -> NDArray[np.float32]:
    """Return a kernel as ``(height, width, channels in, channels out)``; there it is ``(out, in, height, width)``."""
    return tensors[f"{name}.weight"].transpose(2, 3, 1, 0)


def _statistics(tensors: Mapping[str, NDArray[Any]], name: str) -> Iterator[NDArray[np.float32]]:
    for part in ("weight", "bias", "running_mean", "running_var"):
        yield tensors[f"{name}.{part}"]
