"""From where on a network may be fine-tuned, and whether a first short attempt promises that it pays. Pure."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from services.trainer.fitting.out_of_fold import OutOfFold, is_better
from services.trainer.run.deadline import Pace
from services.trainer.zoo.backbone import Backbone

MOST_BYTES = 512 * 2**20
"""Memory for the activations that fine-tuning starts from, of all images in all views."""
ERRORS = 2.0
"""Standard errors by which the log loss has to be lower: the best of many iterations is judged, and some are lucky."""
LEAST = 0.002
"""Log loss, in nats, below which a difference is none that a person would see, however sure it is."""
RESIZE = "resize"
"""Layer that brings a picture to the network's size; unfrozen after it, all of the network learns."""
WHOLE_FACTOR = 5.0
"""Times the cost of a first attempt that one of the whole network may have, once less of it has gained something."""
_HALF_BYTES, _FLOAT_BYTES = 2, 4
_THERE_AND_BACK = 3.0
"""Times that a step of learning takes as long as a pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    """What is unfrozen.

    Args:
        cut_after: The layer at the end of the last stage that stays as it is.
        num_stages: Stages after it, which learn.
    """

    cut_after: str
    num_stages: int

    @property
    def is_whole(self) -> bool:
        """Whether all of the network learns, from pictures."""
        return self.cut_after == RESIZE


def depths_of(backbone: Backbone) -> tuple[Depth, ...]:
    """Return the depths that are tried, the shallowest first: the last stage, the last third, all of the network.

    A backbone that joins several others is not cut.
    """
    if backbone.parts or len(backbone.levels) < 3:  # noqa: PLR2004 - something has to stay frozen
        return ()
    third = max(2, round(len(backbone.levels) / 3))
    depths = [Depth(cut_after=backbone.level_names[-1 - stages], num_stages=stages) for stages in (1, third)]
    return (*depths, Depth(cut_after=RESIZE, num_stages=len(backbone.levels)))


def num_levels_after(backbone: Backbone, cut_after: str, num_levels: int) -> int:
    """Return how many of the levels that a head reads lie in the part that learns.

    Args:
        backbone: Of the head.
        cut_after: The last layer that stays as it is; all of them where it comes before every level.
        num_levels: That the head reads.
    """
    names = backbone.level_names
    if cut_after not in names:
        return num_levels
    return min(num_levels, len(names) - 1 - names.index(cut_after))


def activation_bytes(shape: Sequence[int], num_images: int, views: int) -> int:
    """Return what the activations of all images in all views take in float16."""
    return int(np.prod(shape)) * _HALF_BYTES * num_images * views


def step_bytes(shapes: Iterable[Sequence[int | None]], batch_size: int) -> int:
    """Return the memory that a step of learning takes: what every layer gives stays until its gradient is known.

    Args:
        shapes: Of what each layer that takes part gives of one image.
        batch_size: Images in a step.
    """
    return sum(math.prod(side or 1 for side in shape) for shape in shapes) * batch_size * _FLOAT_BYTES


def least_attempt_s(pace: Pace, num_images: int, views: int) -> float:
    """Return the seconds that a first attempt takes at least.

    Nearly all of the network lies before the cut, and every view of every image goes through that once, after it was
    built and compiled anew; what is learnt then comes on top.

    Args:
        pace: Of the network as it was screened.
        num_images: Of the training and validation split.
        views: Of each image.
    """
    return pace.build_s + pace.image_s * num_images * views


def least_whole_s(pace: Pace, num_images: int, views: int, epochs: int) -> float:
    """Return the seconds that so many epochs of the whole network take at least.

    Args:
        pace: Of the network as it was screened.
        num_images: To learn from.
        views: Of each image.
        epochs: Through all of them.
    """
    return pace.build_s + _THERE_AND_BACK * pace.image_s * num_images * views * epochs


def whole_may_take_s(*, most_s: float, attempt_s: float, spent_s: float, has_gained: bool) -> float:
    """Return the seconds that an attempt with all of the network may take from now on.

    Args:
        most_s: That all of fine-tuning may take.
        attempt_s: That may be spent before anything was gained.
        spent_s: That were spent.
        has_gained: Whether a lesser depth has gained something.
    """
    if not has_gained:
        return min(most_s, attempt_s) - spent_s
    return min(most_s - spent_s, WHOLE_FACTOR * attempt_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """What fine-tuning changed on images that it did not learn from.

    Args:
        accuracy: By how much it is higher.
        accuracy_error: Standard error of that, image by image.
        log_loss: By how much it is lower.
        log_loss_error: Likewise.
        is_kept: Whether that is enough to keep it.
    """

    accuracy: float
    accuracy_error: float
    log_loss: float
    log_loss_error: float
    is_kept: bool

    @property
    def is_promising(self) -> bool:
        """Whether a short attempt is worth being carried on: the log loss fell, and accuracy did not clearly."""
        return self.log_loss >= LEAST and self.accuracy >= -self.accuracy_error


def gain_of(tuned: OutOfFold, frozen: OutOfFold) -> Gain:
    """Compare a fine-tuned network with the one whose last layer alone learnt from the same images.

    Args:
        tuned: Its answers to the validation split.
        frozen: The other's, to the same images.
    """
    more_right = tuned.right.astype(np.float64) - frozen.right
    less_loss = frozen.loss - tuned.loss
    return Gain(
        accuracy=float(more_right.mean()),
        accuracy_error=frozen.standard_error(more_right),
        log_loss=float(less_loss.mean()),
        log_loss_error=frozen.standard_error(less_loss),
        is_kept=(
            is_better(tuned, frozen, errors=ERRORS) and bool(less_loss.mean() >= LEAST) and bool(more_right.mean() >= 0)
        ),
    )


def rate_factors(num_layers: int, lowest: float = 0.3) -> list[float]:
    """Return the factor of the rate for each layer, first to last: what lies deeper in the network learns more slowly.

    Args:
        num_layers: That learn.
        lowest: Factor of the first of them; the last has 1.
    """
    return [float(each) for each in np.geomspace(lowest, 1.0, num_layers)] if num_layers > 1 else [1.0] * num_layers
