"""What images were taken for by heads that had not learnt from them: what everything is compared on. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from services.trainer.data.dataset import Indices
from services.trainer.fitting.standard import log_softmax
from services.trainer.fitting.temperature import Labels, probabilities
from services.trainer.zoo.head import Floats

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """Everything that a choice was made from: how each strength and reading did, image by image.

    Args:
        right: ``(num_tried, num_images) bool``.
        loss: ``(num_tried, num_images) float32``, see :attr:`OutOfFold.loss`.
    """

    right: NDArray[np.bool_]
    loss: Floats

    @classmethod
    def of(cls, answers: Sequence["OutOfFold"]) -> Self:
        """Return answers to the same images as one."""
        losses = [each.loss.astype(np.float32) for each in answers]
        return cls(right=np.stack([each.right for each in answers]), loss=np.stack(losses))

    @classmethod
    def together(cls, several: Sequence["Tried"]) -> Self:
        """Return as one what several choices about the same images were made from."""
        return cls(
            right=np.concatenate([each.right for each in several]), loss=np.concatenate([each.loss for each in several])
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfFold:
    """The answers of cross-validation to all training and validation images, one row for each.

    The ledger keeps them with the head that they judge, and
    :attr:`services.trainer.tuning.tune.Trained.out_of_fold` has those of the head that is delivered.

    Args:
        rows: Positions of the images in the data set, ascending: their paths are ``dataset.paths`` at these.
        labels: Their classes.
        logits: ``(num_images, num_classes) float32``: scores before the softmax, not divided by a temperature.
        num_independent: Images that would say as much if none were a copy of another.
        tried: What the head was chosen from; ``None`` where that is not known.
    """

    rows: Indices
    labels: Labels
    logits: Floats
    num_independent: float
    tried: Tried | None = None

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether each was taken for what it is."""
        answers: NDArray[np.bool_] = self.logits.argmax(axis=1) == self.labels
        return answers

    @property
    def loss(self) -> Doubles:
        """Of each the negative logarithm of the probability that its class was given."""
        losses: Doubles = -log_softmax(self.logits.astype(np.float64))[np.arange(len(self.labels)), self.labels]
        return losses

    def probabilities(self, temperature: float = 1.0) -> Doubles:
        """Return what each was taken for, ``(num_images, num_classes)``; calibrated at the temperature of the head."""
        return probabilities(self.logits, temperature)

    def standard_error(self, values: NDArray[np.bool_] | Doubles) -> float:
        """Return the standard error of a mean over the images."""
        return float(values.std(dtype=np.float64) / np.sqrt(self.num_independent))


def is_better(challenger: OutOfFold, champion: OutOfFold, *, errors: float = 1.0) -> bool:
    """Tell whether one reads the same images better than another.

    It does where its log loss is lower by more than so many standard errors of the difference, image by image, and its
    accuracy is not lower by more than one. Log loss decides, since it sees more than right and wrong.

    Args:
        challenger: The one that has to be better.
        champion: The one that stays otherwise.
        errors: 0: by however little.
    """
    more_right = challenger.right.astype(np.float64) - champion.right
    less_loss = champion.loss - challenger.loss
    is_surer = less_loss.mean() > errors * champion.standard_error(less_loss)
    return bool(is_surer and more_right.mean() >= -champion.standard_error(more_right))
