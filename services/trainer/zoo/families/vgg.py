"""VGG: convolutions one after the other."""

from services.trainer.zoo.backbone import Backbone, Levels, Preprocessing
from services.trainer.zoo.families.address import BASE_URL, kernels_file

_LEVELS: Levels = (
    ("block1_pool", 64),
    ("block2_pool", 128),
    ("block3_pool", 256),
    ("block4_pool", 512),
    ("block5_pool", 512),
)
# By depth: parameters, GFLOPs, hash; both have the same accuracy.
_VGG = {
    16: (14_714_688, 30.713, "6d6bbae143d832006294945121d1f1fc"),
    19: (20_024_384, 39.037, "253f8cb515780f3b799900260a226db6"),
}


def _vgg(depth: int) -> Backbone:
    parameters, gflops, digest = _VGG[depth]
    file = kernels_file(f"vgg{depth}")
    return Backbone(
        name=f"vgg{depth}",
        constructor=f"VGG{depth}",
        input_px=224,
        preprocessing=Preprocessing.CAFFE,
        feature_width=512,
        parameters=parameters,
        cut_layer="block5_conv1",
        levels=_LEVELS,
        weights_file=file,
        weights_url=f"{BASE_URL}vgg{depth}/{file}",
        weights_hash=digest,
        imagenet_top1=0.713,
        licence="CC-BY-4.0",
        gflops=gflops,
    )


VGGS = tuple(map(_vgg, _VGG))
