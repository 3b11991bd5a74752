"""Networks of many paths: Inception, its residual sister, Xception, and NASNet."""

from services.trainer.zoo.backbone import Backbone, Levels, Preprocessing
from services.trainer.zoo.families.address import BASE_URL, kernels_file

_INCEPTION_V3: Levels = (
    ("max_pooling2d", 64),
    ("max_pooling2d_1", 192),
    ("mixed2", 288),
    ("mixed5", 768),
    ("mixed7", 768),
    ("mixed10", 2048),
)
_INCEPTION_RESNET_V2: Levels = (
    ("max_pooling2d", 64),
    ("max_pooling2d_1", 192),
    ("block35_10_ac", 320),
    ("block17_20_ac", 1088),
    ("conv_7b_ac", 1536),
)
_XCEPTION: Levels = (
    ("block1_conv2_act", 64),
    ("add", 128),
    ("add_1", 256),
    ("add_6", 728),
    ("add_10", 728),
    ("block14_sepconv2_act", 2048),
)
_NASNET_MOBILE: Levels = (
    ("reduction_concat_stem_1", 44),
    ("reduction_concat_stem_2", 88),
    ("normal_concat_3", 264),
    ("normal_concat_8", 528),
    ("normal_concat_12", 1056),
)
_NASNET_LARGE: Levels = (
    ("reduction_concat_stem_1", 168),
    ("reduction_concat_stem_2", 336),
    ("normal_concat_5", 1008),
    ("normal_concat_12", 2016),
    ("normal_concat_18", 4032),
)

INCEPTION_V3 = Backbone(
    name="inception_v3",
    constructor="InceptionV3",
    input_px=299,
    preprocessing=Preprocessing.TF,
    feature_width=2048,
    parameters=21_802_784,
    cut_layer="conv2d_85",
    levels=_INCEPTION_V3,
    cut_inputs=("mixed9",),
    weights_file=kernels_file("inception_v3"),
    weights_url=f"{BASE_URL}inception_v3/{kernels_file('inception_v3')}",
    weights_hash="bcbd6486424b2319ff4ef7d526e38f63",
    imagenet_top1=0.779,
    licence="Apache-2.0",
    gflops=11.465,
)
INCEPTION_RESNET_V2 = Backbone(
    name="inception_resnet_v2",
    constructor="InceptionResNetV2",
    input_px=299,
    preprocessing=Preprocessing.TF,
    feature_width=1536,
    parameters=54_336_736,
    cut_layer="conv2d_199",
    levels=_INCEPTION_RESNET_V2,
    cut_inputs=("block8_9_ac",),
    weights_file=kernels_file("inception_resnet_v2"),
    weights_url=f"{BASE_URL}inception_resnet_v2/{kernels_file('inception_resnet_v2')}",
    weights_hash="d19885ff4a710c122648d3b5c3b684e4",
    imagenet_top1=0.803,
    licence="Apache-2.0",
    gflops=26.379,
)
XCEPTION = Backbone(
    name="xception",
    constructor="Xception",
    input_px=299,
    preprocessing=Preprocessing.TF,
    feature_width=2048,
    parameters=20_861_480,
    cut_layer="block14_sepconv1",
    levels=_XCEPTION,
    weights_file=kernels_file("xception"),
    weights_url=f"{BASE_URL}xception/{kernels_file('xception')}",
    weights_hash="b0042744bf5b25fce3cb969f33bebb97",
    imagenet_top1=0.79,
    licence="MIT",
    gflops=16.77,
)
NASNET_MOBILE = Backbone(
    name="nasnet_mobile",
    constructor="NASNetMobile",
    input_px=224,
    preprocessing=Preprocessing.TF,
    feature_width=1056,
    parameters=4_269_716,
    cut_layer="normal_conv_1_12",
    levels=_NASNET_MOBILE,
    # A cell of NASNet reads the two cells before it.
    cut_inputs=("normal_concat_10", "normal_concat_11"),
    weights_file="nasnet_mobile_no_top.h5",
    weights_url=f"{BASE_URL}nasnet/NASNet-mobile-no-top.h5",
    weights_hash="1ed92395b5b598bdda52abe5c0dbfd63",
    imagenet_top1=0.744,
    licence="Apache-2.0",
    gflops=1.146,
)
NASNET_LARGE = Backbone(
    name="nasnet_large",
    constructor="NASNetLarge",
    input_px=331,
    preprocessing=Preprocessing.TF,
    feature_width=4032,
    parameters=84_916_818,
    cut_layer="normal_conv_1_18",
    levels=_NASNET_LARGE,
    cut_inputs=("normal_concat_16", "normal_concat_17"),
    weights_file="nasnet_large_no_top.h5",
    weights_url=f"{BASE_URL}nasnet/NASNet-large-no-top.h5",
    weights_hash="d81d89dc07e6e56530c4e77faddd61b5",
    imagenet_top1=0.825,
    licence="Apache-2.0",
    gflops=47.559,
)
