"""What images were taken for by heads that had not learnt from them: what everything is compared on. Pure."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.trainer.data.dataset import Indices
from services.trainer.fitting.standard import log_softmax
from services.trainer.fitting.temperature import Labels, probabilities
from services.trainer.zoo.head import Floats

Doubles = NDArray[np.float64]


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
    """

    rows: Indices
    labels: Labels
    logits: Floats
    num_independent: float

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


def is_clearly_better(challenger: OutOfFold, champion: OutOfFold) -> bool:
    """Tell whether one reads the same images better than another by more than the standard error of the difference.

    It does by accuracy, or by log loss where it is no worse by accuracy.
    """
    more_right = challenger.right.astype(np.float64) - champion.right
    less_loss = champion.loss - challenger.loss
    if more_right.mean() > champion.standard_error(more_right):
        return True
    return bool(more_right.mean() >= 0 and less_loss.mean() > champion.standard_error(less_loss))
