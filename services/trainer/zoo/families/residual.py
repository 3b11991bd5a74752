"""Networks whose blocks add to, or stand beside, what they read: ResNet, DenseNet, ConvNeXt."""

from services.trainer.zoo.backbone import Backbone, Levels, Preprocessing
from services.trainer.zoo.families.address import BASE_URL, kernels_file

# By depth: blocks of the third and the fourth stage, parameters, GFLOPs, top-1, hash.
_RESNET = {
    50: (4, 6, 23_587_712, 7.751, 0.749, "4d473c1dd8becc155b73f8504c6f6626"),
    101: (4, 23, 42_658_176, 15.136, 0.764, "88cf7a10940856eca736dc7b7e228a21"),
    152: (8, 36, 58_370_944, 22.561, 0.766, "ee4c566cf9a93f14d82f913c2dc6dd0c"),
}
_RESNET_V2 = {
    50: (4, 6, 23_564_800, 6.96, 0.76, "fac2f116257151a9d068a22e544a4917"),
    101: (4, 23, 42_626_560, 14.385, 0.772, "c0ed64b8031c3730f411d2eb4eea35b5"),
    152: (8, 36, 58_331_648, 21.809, 0.78, "ed17cf2e0169df9d443503ef94b23b33"),
}
# By depth: channels at the end of the third stage, and of the last, parameters, GFLOPs, top-1, hash.
_DENSENET = {
    121: (1024, 1024, 7_037_504, 5.7, 0.75, "30ee3e1110167f948a6b9946edeeb738"),
    169: (1280, 1664, 12_642_880, 6.716, 0.762, "b8c4d4c20dd625c148057b9ff1c1176b"),
    201: (1792, 1920, 18_321_984, 8.579, 0.773, "c13680b51ded0fb44dff2d8f86ac8bb1"),
}
# By size: channels of the first stage, parameters, GFLOPs, top-1, hash. The tiny one has fewer blocks.
_CONVNEXT = {
    "tiny": (96, 27_820_128, 8.779, 0.813, "d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1"),
    "small": (96, 49_454_688, 16.99, 0.823, "6fc8009faa2f00c1c1dfce59feea9b0745eb260a7dd11bee65c8e20843da6eab"),
    "base": (128, 87_566_464, 30.052, 0.853, "40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45"),
    "large": (192, 196_230_336, 67.275, 0.863, "96f02b6f0753d4f543261bc9d09bed650f24dd6bc02ddde3066135b63d23a1cd"),
    "xlarge": (256, 348_147_968, 119.295, 0.867, "de3f8a54174130e0cecdc71583354753d557fcf1f4487331558e2a16ba0cfe05"),
}


def _resnet(depth: int) -> Backbone:
    third, fourth, parameters, gflops, top1, digest = _RESNET[depth]
    file = kernels_file(f"resnet{depth}")
    return Backbone(
        name=f"resnet{depth}",
        constructor=f"ResNet{depth}",
        input_px=224,
        preprocessing=Preprocessing.CAFFE,
        feature_width=2048,
        parameters=parameters,
        cut_layer="conv5_block3_1_conv",
        levels=_resnet_levels("conv1_relu", third, fourth, "conv5_block3_out"),
        weights_file=file,
        weights_url=f"{BASE_URL}resnet/{file}",
        weights_hash=digest,
        imagenet_top1=top1,
        licence="MIT",
        gflops=gflops,
    )


def _resnet_v2(depth: int) -> Backbone:
    third, fourth, parameters, gflops, top1, digest = _RESNET_V2[depth]
    file = kernels_file(f"resnet{depth}v2")
    return Backbone(
        name=f"resnet{depth}_v2",
        constructor=f"ResNet{depth}V2",
        input_px=224,
        preprocessing=Preprocessing.TF,
        feature_width=2048,
        parameters=parameters,
        cut_layer="conv5_block3_preact_bn",
        levels=_resnet_levels("conv1_conv", third, fourth, "post_relu"),
        weights_file=file,
        weights_url=f"{BASE_URL}resnet/{file}",
        weights_hash=digest,
        imagenet_top1=top1,
        licence="BSD-3-Clause",
        gflops=gflops,
    )


def _resnet_levels(first: str, third: int, fourth: int, last: str) -> Levels:
    return (
        (first, 64),
        ("conv2_block3_out", 256),
        (f"conv3_block{third}_out", 512),
        (f"conv4_block{fourth}_out", 1024),
        (last, 2048),
    )


def _densenet(depth: int) -> Backbone:
    fourth, width, parameters, gflops, top1, digest = _DENSENET[depth]
    file = kernels_file(f"densenet{depth}")
    return Backbone(
        name=f"densenet{depth}",
        constructor=f"DenseNet{depth}",
        input_px=224,
        preprocessing=Preprocessing.TORCH,
        feature_width=width,
        parameters=parameters,
        cut_layer="conv5_block1_0_bn",
        levels=(
            ("conv1_relu", 64),
            ("pool2_relu", 256),
            ("pool3_relu", 512),
            ("pool4_relu", fourth),
            ("relu", width),
        ),
        weights_file=file,
        weights_url=f"{BASE_URL}densenet/{file}",
        weights_hash=digest,
        imagenet_top1=top1,
        licence="BSD-3-Clause",
        gflops=gflops,
    )


def _convnext(size: str) -> Backbone:
    first, parameters, gflops, top1, digest = _CONVNEXT[size]
    third, fourth = (14, 17) if size == "tiny" else (32, 35)
    file = f"convnext_{size}_notop.h5"
    constructor = "ConvNeXtXLarge" if size == "xlarge" else f"ConvNeXt{size.title()}"
    return Backbone(
        name=f"convnext_{size}",
        constructor=constructor,
        input_px=224,
        preprocessing=Preprocessing.BUILT_IN,
        feature_width=8 * first,
        parameters=parameters,
        cut_layer=f"convnext_{size}_stage_3_block_2_depthwise_conv",
        levels=(
            ("add_2", first),
            ("add_5", 2 * first),
            (f"add_{third}", 4 * first),
            (f"add_{fourth}", 8 * first),
        ),
        weights_file=file,
        weights_url=f"{BASE_URL}convnext/{file}",
        weights_hash=digest,
        imagenet_top1=top1,
        licence="MIT",
        gflops=gflops,
    )


RESNETS = tuple(map(_resnet, _RESNET))
RESNETS_V2 = tuple(map(_resnet_v2, _RESNET_V2))
DENSENETS = tuple(map(_densenet, _DENSENET))
CONVNEXTS = tuple(map(_convnext, _CONVNEXT))
