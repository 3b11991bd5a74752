"""What several backbones make of the same images, put together as their combination has it."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from services.trainer.zoo.backbone import Backbone
from services.trainer.zoo.head import Floats

Pass = Callable[[NDArray[np.uint8]], tuple[NDArray[np.float16] | Floats, Floats]]
"""From images to activations at the cut and pooled levels."""


def beside(parts: Sequence[tuple[Backbone, Floats]]) -> Floats:
    """Put the pooled levels of several backbones in the order of their combination: level by level, then by backbone.

    Args:
        parts: Each with all its levels, ``(n, pooled_width)``.
    """
    depth = max(len(backbone.levels) for backbone, _ in parts)
    columns = [
        pooled[:, backbone.pooled_width - backbone.width_of(place) :][:, : backbone.widths[-place]]
        for place in range(depth, 0, -1)
        for backbone, pooled in parts
        if len(backbone.levels) >= place
    ]
    return np.concatenate(columns, axis=1)


def pass_of_all(row: Backbone, passes: Sequence[tuple[Backbone, Pass]]) -> Pass:
    """Return the pass of a combination, which is cut at its end: what lies at its cut are the features."""

    def forward(images: NDArray[np.uint8]) -> tuple[Floats, Floats]:
        pooled = beside([(part, single(images)[1]) for part, single in passes])
        return pooled[:, -row.feature_width :], pooled

    return forward
