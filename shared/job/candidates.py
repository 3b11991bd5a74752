"""The backbones that a job may ask for, and how large each is; what else it is stands in the trainer's catalogue."""

from collections.abc import Mapping

MOBILENET_ALPHAS = (0.25, 0.5, 0.75, 1.0)
MOBILENET_V2_ALPHAS = (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)
EFFICIENTNET_LITE_SIZES = (0, 1, 2)

CANDIDATE_PARAMETERS: Mapping[str, int] = {
    "tiny": 829_536,
    "mobilenet_0.25": 218_544,
    "mobilenet_0.5": 829_536,
    "mobilenet_0.75": 1_832_976,
    "mobilenet": 3_228_864,
    "mobilenet_v2_0.35": 410_208,
    "mobilenet_v2_0.5": 706_224,
    "mobilenet_v2_0.75": 1_382_064,
    "mobilenet_v2": 2_257_984,
    "mobilenet_v2_1.3": 3_766_048,
    "mobilenet_v2_1.4": 4_363_712,
    "mobilenet_v3_small_0.75": 583_160,
    "mobilenet_v3_small": 939_120,
    "mobilenet_v3_small_minimalistic": 441_000,
    "mobilenet_v3_large_0.75": 1_808_736,
    "mobilenet_v3_large": 2_996_352,
    "mobilenet_v3_large_minimalistic": 1_437_608,
    "efficientnet_lite0": 3_413_024,
    "efficientnet_lite1": 4_189_344,
    "efficientnet_lite2": 4_869_168,
    "efficientnet_b0": 4_049_571,
    "efficientnet_b1": 6_575_239,
    "efficientnet_b2": 7_768_569,
    "efficientnet_b3": 10_783_535,
    "efficientnet_b4": 17_673_823,
    "efficientnet_b5": 28_513_527,
    "efficientnet_b6": 40_960_143,
    "efficientnet_b7": 64_097_687,
    "efficientnet_v2_b0": 5_919_312,
    "efficientnet_v2_b1": 6_931_124,
    "efficientnet_v2_b2": 8_769_374,
    "efficientnet_v2_b3": 12_930_622,
    "efficientnet_v2_s": 20_331_360,
    "efficientnet_v2_m": 53_150_388,
    "efficientnet_v2_l": 117_746_848,
    "vgg16": 14_714_688,
    "vgg19": 20_024_384,
    "inception_v3": 21_802_784,
    "inception_resnet_v2": 54_336_736,
    "xception": 20_861_480,
    "resnet50": 23_587_712,
    "resnet101": 42_658_176,
    "resnet152": 58_370_944,
    "resnet50_v2": 23_564_800,
    "resnet101_v2": 42_626_560,
    "resnet152_v2": 58_331_648,
    "densenet121": 7_037_504,
    "densenet169": 12_642_880,
    "densenet201": 18_321_984,
    "convnext_tiny": 27_820_128,
    "convnext_small": 49_454_688,
    "convnext_base": 87_566_464,
    "convnext_large": 196_230_336,
    "convnext_xlarge": 348_147_968,
    "nasnet_mobile": 4_269_716,
    "nasnet_large": 84_916_818,
}
"""Numbers that each of them holds, without a last layer, in the order of the catalogue."""

CANDIDATE_NAMES: tuple[str, ...] = tuple(CANDIDATE_PARAMETERS)

AUTO = "auto"
"""Every backbone whose weights can be had and that is worth its seconds, within the budget."""
