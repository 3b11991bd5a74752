"""MobileNetV3, small and large: of full width, narrower, and without its dearer parts."""

from services.trainer.zoo.backbone import Backbone, Levels, Preprocessing, rounded
from services.trainer.zoo.families.address import BASE_URL

# By size: layers at the ends of the stages with their channels at full width.
_STAGES: dict[str, Levels] = {
    "small": (
        ("expanded_conv_project_bn", 16),
        ("expanded_conv_2_add", 24),
        ("expanded_conv_5_add", 40),
        ("expanded_conv_7_add", 48),
        ("expanded_conv_10_add", 96),
    ),
    "large": (
        ("expanded_conv_add", 16),
        ("expanded_conv_2_add", 24),
        ("expanded_conv_5_add", 40),
        ("expanded_conv_9_add", 80),
        ("expanded_conv_11_add", 112),
        ("expanded_conv_14_add", 160),
    ),
}
_CUT = {"small": "expanded_conv_10_expand", "large": "expanded_conv_14_expand"}
# By size and version: alpha, last activation, feature width, parameters, GFLOPs, top-1, hash.
_VERSIONS = {
    ("small", "0.75"): (0.75, "activation_17", 432, 583_160, 0.084, 0.654, "ebdb5cc8e0b497cd13a7c275d475c819"),
    ("small", ""): (1.0, "activation_17", 576, 939_120, 0.11, 0.681, "d3e8ec802a04aa4fc771ee12a9a9b836"),
    ("small", "minimalistic"): (1.0, "re_lu_22", 576, 441_000, 0.101, 0.619, "cde8136e733e811080d9fcd8a252f7e4"),
    ("large", "0.75"): (0.75, "activation_19", 720, 1_808_736, 0.305, 0.733, "40af19a13ebea4e2ee0c676887f69a2e"),
    ("large", ""): (1.0, "activation_19", 960, 2_996_352, 0.428, 0.756, "07fb09a5933dd0c8eaafa16978110389"),
    ("large", "minimalistic"): (1.0, "re_lu_30", 960, 1_437_608, 0.413, 0.723, "ec5221f64a2f6d1ef965a614bdae7973"),
}


def _row(size: str, version: str) -> Backbone:
    alpha, last, width, parameters, gflops, top1, digest = _VERSIONS[size, version]
    is_plain = version == "minimalistic"
    file = f"weights_mobilenet_v3_{size}{'_minimalistic' if is_plain else ''}_224_{alpha}_float_no_top_v2.h5"
    stages = tuple((name, rounded(channels * alpha)) for name, channels in _STAGES[size])
    return Backbone(
        name="_".join(filter(None, ("mobilenet_v3", size, version))),
        constructor=f"MobileNetV3{size.title()}",
        arguments={"alpha": alpha, "minimalistic": is_plain},
        input_px=224,
        preprocessing=Preprocessing.BUILT_IN,
        feature_width=width,
        parameters=parameters,
        cut_layer=_CUT[size],
        levels=(*stages, (last, width)),
        weights_file=file,
        weights_url=f"{BASE_URL}mobilenet_v3/{file}",
        weights_hash=digest,
        imagenet_top1=top1,
        licence="Apache-2.0",
        gflops=gflops,
    )


MOBILENETS_V3 = tuple(_row(size, version) for size, version in _VERSIONS)
