"""Where the stages of each family of backbones end: the layers whose pooled outputs a head may read beside the last.

Source of the idea: Evci et al., "Head2Toe", arXiv:2201.03529: features of all layers, linearly read, match fine-tuning.
"""

Levels = tuple[tuple[str, int], ...]
"""Layers from the first stage to the last, each with its number of channels."""

_DIVISOR = 8
_MOBILENET_CHANNELS = {1: 64, 3: 128, 5: 256, 7: 512, 9: 512, 11: 512, 13: 1024}
_MOBILENET_V2_CHANNELS = {
    "expanded_conv_project_BN": 16,
    "block_2_add": 24,
    "block_5_add": 32,
    "block_9_add": 64,
    "block_12_add": 96,
    "block_15_add": 160,
    "block_16_project_BN": 320,
}
_MOBILENET_V2_TOP = 1280

VGG16: Levels = (
    ("block1_pool", 64),
    ("block2_pool", 128),
    ("block3_pool", 256),
    ("block4_pool", 512),
    ("block5_pool", 512),
)
INCEPTION_V3: Levels = (
    ("max_pooling2d", 64),
    ("max_pooling2d_1", 192),
    ("mixed2", 288),
    ("mixed5", 768),
    ("mixed7", 768),
    ("mixed10", 2048),
)
INCEPTION_RESNET_V2: Levels = (
    ("max_pooling2d", 64),
    ("max_pooling2d_1", 192),
    ("block35_10_ac", 320),
    ("block17_20_ac", 1088),
    ("conv_7b_ac", 1536),
)
XCEPTION: Levels = (
    ("block1_conv2_act", 64),
    ("add", 128),
    ("add_1", 256),
    ("add_6", 728),
    ("add_10", 728),
    ("block14_sepconv2_act", 2048),
)
RESNET50: Levels = (
    ("conv1_relu", 64),
    ("conv2_block3_out", 256),
    ("conv3_block4_out", 512),
    ("conv4_block6_out", 1024),
    ("conv5_block3_out", 2048),
)
DENSENET121: Levels = (
    ("conv1_relu", 64),
    ("pool2_relu", 256),
    ("pool3_relu", 512),
    ("pool4_relu", 1024),
    ("relu", 1024),
)
EFFICIENTNET_V2_B0: Levels = (
    ("block1a_project_activation", 16),
    ("block2b_add", 32),
    ("block3b_add", 48),
    ("block4c_add", 96),
    ("block5e_add", 112),
    ("block6h_add", 192),
    ("top_activation", 1280),
)
CONVNEXT_TINY: Levels = (("add_2", 96), ("add_5", 192), ("add_14", 384), ("add_17", 768))
NASNET_MOBILE: Levels = (
    ("reduction_concat_stem_1", 44),
    ("reduction_concat_stem_2", 88),
    ("normal_concat_3", 264),
    ("normal_concat_8", 528),
    ("normal_concat_12", 1056),
)


def of_mobilenet(alpha: float) -> Levels:
    """Return the levels of MobileNet, every second of its blocks, at a width."""
    return tuple((f"conv_pw_{block}_relu", int(channels * alpha)) for block, channels in _MOBILENET_CHANNELS.items())


def of_mobilenet_v2(alpha: float) -> Levels:
    """Return the levels of MobileNetV2 at a width; its last layer never gets narrower."""
    stages = tuple((name, rounded(channels * alpha)) for name, channels in _MOBILENET_V2_CHANNELS.items())
    return (*stages, ("out_relu", rounded(_MOBILENET_V2_TOP * max(1.0, alpha))))


def rounded(channels: float) -> int:
    """Round a scaled number of channels to a multiple of eight, never down by more than a tenth."""
    near = max(_DIVISOR, int(channels + _DIVISOR / 2) // _DIVISOR * _DIVISOR)
    return near + _DIVISOR if near < 0.9 * channels else near
