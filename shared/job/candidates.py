"""The names of the backbones that a job may ask for; what each one is stands in the trainer's catalogue."""

MOBILENET_ALPHAS = (0.25, 0.5, 0.75, 1.0)
MOBILENET_V2_ALPHAS = (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)
EFFICIENTNET_LITE_SIZES = (0, 1, 2)


def _widths(family: str, alphas: tuple[float, ...]) -> tuple[str, ...]:
    """Name a family at every width; the full width carries the plain name."""
    return tuple(family if alpha == 1.0 else f"{family}_{alpha}" for alpha in alphas)


CANDIDATE_NAMES: tuple[str, ...] = (
    "tiny",
    *_widths("mobilenet", MOBILENET_ALPHAS),
    *_widths("mobilenet_v2", MOBILENET_V2_ALPHAS),
    *(f"mobilenet_v3_{size}{version}" for size in ("small", "large") for version in ("_0.75", "", "_minimalistic")),
    *(f"efficientnet_lite{size}" for size in EFFICIENTNET_LITE_SIZES),
    *(f"efficientnet_b{size}" for size in range(8)),
    *(f"efficientnet_v2_{size}" for size in ("b0", "b1", "b2", "b3", "s", "m", "l")),
    "vgg16",
    "vgg19",
    "inception_v3",
    "inception_resnet_v2",
    "xception",
    *(f"resnet{depth}" for depth in (50, 101, 152)),
    *(f"resnet{depth}_v2" for depth in (50, 101, 152)),
    *(f"densenet{depth}" for depth in (121, 169, 201)),
    *(f"convnext_{size}" for size in ("tiny", "small", "base", "large", "xlarge")),
    "nasnet_mobile",
    "nasnet_large",
)

AUTO = "auto"
"""Every backbone whose weights can be had and that is worth its seconds, within the budget."""
