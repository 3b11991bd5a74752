"""What a sample foretells of a candidate: the judgement of the race, and published scores beside it. Pure."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.trainer.fitting.comparison.ridge import read_rightly
from services.trainer.fitting.comparison.transferability import h_score, log_me, p2l, sfda
from services.trainer.fitting.temperature import Labels
from shared.job.findings.training import Foretold


def foretell(
    pooled: NDArray[np.floating[Any]],
    labels: Labels,
    num_classes: int,
    *,
    width: int,
    source_means: NDArray[np.float32] | None,
) -> tuple[NDArray[np.bool_], Foretold]:
    """Return which images are taken for what they are by what the others teach, and what is foretold.

    Args:
        pooled: ``(num_images, pooled_width)``, all levels; the features are the last of it.
        labels: ``(num_images,)``; no image may be a copy of another.
        num_classes: At least 2.
        width: Of the features.
        source_means: ``(width,)``, see :func:`services.trainer.fitting.comparison.transferability.p2l`; ``None`` where
            they are not known.
    """
    right = read_rightly(pooled, labels, num_classes)
    features = np.asarray(pooled[:, -width:], np.float64)
    return right, Foretold(
        num_images=len(labels),
        accuracy=float(right.mean()),
        log_me=log_me(features, labels, num_classes),
        h_score=h_score(features, labels),
        sfda=sfda(features, labels, num_classes),
        p2l=None if source_means is None else p2l(features, np.asarray(source_means, np.float64)),
    )
