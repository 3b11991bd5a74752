"""What a backbone is: the type of one row of the catalogue."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Levels = tuple[tuple[str, int], ...]
"""Layers from the first stage to the last, each with its number of channels: where the stages end, whose pooled outputs
a head may read beside the last.

Source of the idea: Evci et al., "Head2Toe", arXiv:2201.03529: features of all layers, linearly read, match fine-tuning.
"""
GRID = 2
"""Fields along each side of the picture, over each of which a level is pooled: what is where tells hands, garments and
X-rays apart. The last level alone is pooled over the whole picture, as its network's own authors read it.
"""
_DIVISOR = 8


def rounded(channels: float) -> int:
    """Round a scaled number of channels to a multiple of eight, never down by more than a tenth."""
    near = max(_DIVISOR, int(channels + _DIVISOR / 2) // _DIVISOR * _DIVISOR)
    return near + _DIVISOR if near < 0.9 * channels else near


class Preprocessing(StrEnum):
    """What raw RGB values of 0 to 255 go through before the first convolution.

    Source: ``keras.applications.imagenet_utils.preprocess_input``, modes ``tf``, ``torch`` and ``caffe``.
    """

    TF = "tf"
    """Scaled to -1 to 1."""
    LITE = "lite"
    """Less 127, then divided by 128; as EfficientNet-Lite was trained."""
    TORCH = "torch"
    """Scaled to 0 to 1, then standardised by ImageNet's mean and deviation."""
    CAFFE = "caffe"
    """ImageNet's mean subtracted, channels in the order blue, green, red."""
    BUILT_IN = "built_in"
    """The network of ``keras.applications`` does it itself."""
    EFFICIENTNET = "efficientnet"
    """Likewise, but for a second division by the root of ImageNet's deviation, which Keras adds to weights that it
    downloads itself, and to no others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backbone:
    """One row.

    Args:
        name: What a job calls it.
        constructor: Its function in ``keras.applications``, or ``EfficientNetLite``, which is ours.
        arguments: Further arguments of that function.
        input_px: Side of the square it sees, in pixels.
        preprocessing: See there.
        feature_width: Numbers per image after global average pooling.
        parameters: Of the network without its top.
        cut_layer: First layer of the last block, the one that is fine-tuned.
        cut_inputs: Layers whose outputs that block reads; none: whatever ``cut_layer`` itself reads.
        levels: Layers whose outputs, pooled over the fields of a grid, show the image ever more coarsely, one at the
            end of each stage, with their numbers of channels. What is read of the last are the features, whatever the
            network makes of its pooled output.
        weights_file: Name of the weights file, as its publisher calls it.
        weights_url: Where Keras downloads it; ``None`` for weights that come with a package.
        package: Python package that holds the weights file; ``None`` where there is none.
        weights_hash: MD5 (32 digits) or SHA-256 (64 digits) of the file, where its publisher tells.
        imagenet_top1: Accuracy on ImageNet with its own top, 0 to 1.
        licence: Of the weights, as an SPDX identifier.
        gflops: Billions of floating-point operations for one image; ranks the rows by cost.
        parts: The rows that stand side by side in this one; none where it is a network by itself.
    """

    name: str
    constructor: str
    input_px: int
    preprocessing: Preprocessing
    feature_width: int
    parameters: int
    cut_layer: str
    levels: Levels
    weights_file: str
    licence: str
    gflops: float
    arguments: Mapping[str, float] = field(default_factory=dict)
    cut_inputs: tuple[str, ...] = ()
    weights_url: str | None = None
    weights_hash: str | None = None
    package: str | None = None
    imagenet_top1: float | None = None
    parts: tuple["Backbone", ...] = ()

    @property
    def level_names(self) -> tuple[str, ...]:
        """The levels by name, from the first stage to the last."""
        return tuple(name for name, _ in self.levels)

    @property
    def widths(self) -> tuple[int, ...]:
        """Numbers per image in the pooled output of each level: a channel has one for each field, of the last one."""
        *early, (_, features) = self.levels
        return (*(channels * GRID**2 for _, channels in early), features)

    @property
    def pooled_width(self) -> int:
        """Numbers per image in the pooled outputs of all levels, of which the features are the last."""
        return self.width_of(len(self.levels))

    def width_of(self, num_levels: int) -> int:
        """Return the numbers per image in the pooled outputs of so many levels, counted from the last one back."""
        return sum(self.widths[-num_levels:])

    @property
    def size_bytes(self) -> int:
        """Bytes of the weights in float32, about the size of the download."""
        return 4 * self.parameters
