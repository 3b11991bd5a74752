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
    *(f"efficientnet_lite{size}" for size in EFFICIENTNET_LITE_SIZES),
    "vgg16",
    "inception_v3",
    "inception_resnet_v2",
    "xception",
    "resnet50",
    "densenet121",
    "efficientnet_v2_b0",
    "convnext_tiny",
    "nasnet_mobile",
)

AUTO = "auto"
"""Every backbone whose weights can be had, within the budget."""
