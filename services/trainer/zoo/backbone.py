"""What a backbone is: the type of one row of the catalogue."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


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
        levels: Layers whose outputs, pooled, show the image ever more coarsely, one at the end of each stage; none
            where the row does not tell them.
        weights_file: Name of the weights file, as its publisher calls it.
        weights_url: Where Keras downloads it; ``None`` for weights that come with a package.
        package: Python package that holds the weights file; ``None`` where there is none.
        weights_hash: MD5 (32 digits) or SHA-256 (64 digits) of the file, where its publisher tells.
        imagenet_top1: Accuracy on ImageNet with its own top, 0 to 1.
        licence: Of the weights, as an SPDX identifier.
        gflops: Billions of floating-point operations for one image; ranks the rows by cost.
    """

    name: str
    constructor: str
    input_px: int
    preprocessing: Preprocessing
    feature_width: int
    parameters: int
    cut_layer: str
    weights_file: str
    licence: str
    gflops: float
    arguments: Mapping[str, float] = field(default_factory=dict)
    cut_inputs: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    weights_url: str | None = None
    weights_hash: str | None = None
    package: str | None = None
    imagenet_top1: float | None = None

    @property
    def size_bytes(self) -> int:
        """Bytes of the weights in float32, about the size of the download."""
        return 4 * self.parameters
