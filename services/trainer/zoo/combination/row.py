"""Several backbones side by side, as a row of the catalogue and as one set of weights. Without TensorFlow."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest

from services.trainer.zoo.backbone import Backbone, Levels
from services.trainer.zoo.sources.weights import WeightsFile

_SEPARATOR = "+"
_NOT_CUT = "probabilities"


def combined_row(rows: Sequence[Backbone]) -> Backbone:
    """Return what several backbones are together: one that sees the same square, reads all levels and is not cut.

    Its levels are counted from the last one back, as a head counts them: the last is the features of all of them, the
    one before it their last stages but one, and so on; where one has fewer stages, those of the others go on alone.

    Args:
        rows: At least two, of one input size and none of them a combination.

    Raises:
        ValueError: If they see squares of different sizes.
    """
    sizes = {row.input_px for row in rows}
    if len(sizes) != 1:
        raise ValueError(f"received backbones that see squares of {sorted(sizes)} px, expected one size")
    levels = tuple(reversed(_levels_from_the_last(rows)))
    return replace(
        rows[0],
        name=_SEPARATOR.join(row.name for row in rows),
        parts=tuple(rows),
        levels=levels,
        feature_width=levels[-1][1],
        parameters=sum(row.parameters for row in rows),
        cut_layer=_NOT_CUT,
        cut_inputs=(),
        weights_url=None,
        weights_hash=None,
        package=None,
        imagenet_top1=max((row.imagenet_top1 or 0.0 for row in rows), default=None),
        licence=" AND ".join(dict.fromkeys(row.licence for row in rows)),
        gflops=sum(row.gflops for row in rows),
    )


def _levels_from_the_last(rows: Sequence[Backbone]) -> Levels:
    side_by_side = zip_longest(*(reversed(row.levels) for row in rows))
    present = [[level for level in levels if level is not None] for levels in side_by_side]
    return tuple((_SEPARATOR.join(name for name, _ in each), sum(width for _, width in each)) for each in present)


def combined_weights(files: Sequence[WeightsFile | None]) -> WeightsFile | None:
    """Return the weights of several backbones as one; their digest is that of all digests, in this order."""
    present = [file for file in files if file is not None]
    if len(present) != len(files):
        return None
    return replace(present[0], sha256=combined_sha256([file.sha256 for file in present]), parts=tuple(present))


def combined_sha256(digests: Sequence[str]) -> str:
    """Return the digest of the weights of several backbones, from those of each."""
    return hashlib.sha256(" ".join(digests).encode()).hexdigest()
