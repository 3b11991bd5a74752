"""MobileNet, at every width that has published weights, and the one that travels with the package."""

from services.trainer.zoo.backbone import Backbone, Levels, Preprocessing, rounded
from services.trainer.zoo.families.address import BASE_URL, KERNELS
from shared.job.candidates import MOBILENET_ALPHAS, MOBILENET_V2_ALPHAS

BUNDLED = "tiny"
"""The backbone whose weights travel with the package."""

_CHANNELS = {1: 64, 3: 128, 5: 256, 7: 512, 9: 512, 11: 512, 13: 1024}
_V2_CHANNELS = {
    "expanded_conv_project_BN": 16,
    "block_2_add": 24,
    "block_5_add": 32,
    "block_9_add": 64,
    "block_12_add": 96,
    "block_15_add": 160,
    "block_16_project_BN": 320,
}
_V2_TOP = 1280
_FILE = {0.25: "2_5", 0.5: "5_0", 0.75: "7_5", 1.0: "1_0"}
# By alpha: feature width, parameters, GFLOPs, top-1.
_MOBILENET = {
    0.25: (256, 218_544, 0.084, 0.498),
    0.5: (512, 829_536, 0.303, 0.633),
    0.75: (768, 1_832_976, 0.657, 0.684),
    1.0: (1024, 3_228_864, 1.146, 0.704),
}
_MOBILENET_V2 = {
    0.35: (1280, 410_208, 0.122, 0.603),
    0.5: (1280, 706_224, 0.199, 0.654),
    0.75: (1280, 1_382_064, 0.428, 0.698),
    1.0: (1280, 2_257_984, 0.613, 0.713),
    1.3: (1664, 3_766_048, 1.034, 0.744),
    1.4: (1792, 4_363_712, 1.18, 0.75),
}


def levels_of_mobilenet(alpha: float) -> Levels:
    """Return the levels of MobileNet, every second of its blocks, at a width."""
    return tuple((f"conv_pw_{block}_relu", int(channels * alpha)) for block, channels in _CHANNELS.items())


def _levels_of_v2(alpha: float) -> Levels:
    """Return the levels of MobileNetV2 at a width; its last layer never gets narrower."""
    stages = tuple((name, rounded(channels * alpha)) for name, channels in _V2_CHANNELS.items())
    return (*stages, ("out_relu", rounded(_V2_TOP * max(1.0, alpha))))


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
        levels=levels_of_mobilenet(0.5),
        weights_file="tiny_float16.npz",
        weights_hash="b9594af1372dbefec8c36c99098b66e920e7dc3ca084b4630f3b7214db5000a9",
        licence="Apache-2.0",
        gflops=0.099,
    )


def _mobilenet(alpha: float) -> Backbone:
    width, parameters, gflops, top1 = _MOBILENET[alpha]
    file = f"mobilenet_{_FILE[alpha]}_224_tf_no_top.h5"
    return Backbone(
        name="mobilenet" if alpha == 1.0 else f"mobilenet_{alpha}",
        constructor="MobileNet",
        arguments={"alpha": alpha},
        input_px=224,
        preprocessing=Preprocessing.TF,
        feature_width=width,
        parameters=parameters,
        cut_layer="conv_pw_13",
        levels=levels_of_mobilenet(alpha),
        weights_file=file,
        weights_url=f"{BASE_URL}mobilenet/{file}",
        imagenet_top1=top1,
        licence="Apache-2.0",
        gflops=gflops,
    )


def _mobilenet_v2(alpha: float) -> Backbone:
    width, parameters, gflops, top1 = _MOBILENET_V2[alpha]
    file = f"mobilenet_v2_{KERNELS}_{alpha}_224_no_top.h5"
    return Backbone(
        name="mobilenet_v2" if alpha == 1.0 else f"mobilenet_v2_{alpha}",
        constructor="MobileNetV2",
        arguments={"alpha": alpha},
        input_px=224,
        preprocessing=Preprocessing.TF,
        feature_width=width,
        parameters=parameters,
        cut_layer="block_16_expand",
        levels=_levels_of_v2(alpha),
        weights_file=file,
        weights_url=f"{BASE_URL}mobilenet_v2/{file}",
        imagenet_top1=top1,
        licence="Apache-2.0",
        gflops=gflops,
    )


TINY = _tiny()
MOBILENETS = tuple(map(_mobilenet, MOBILENET_ALPHAS))
MOBILENETS_V2 = tuple(map(_mobilenet_v2, MOBILENET_V2_ALPHAS))
