"""Answers to photographs that whoever answered had not learnt from, wherever they come from."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from services.trainer.data.dataset import Indices, LearningSet
from services.trainer.evaluation.evaluate import Evaluation
from services.trainer.fitting.convex import fit_convex
from services.trainer.fitting.out_of_fold import Doubles
from services.trainer.fitting.temperature import Labels, fit_temperature
from services.trainer.run.context import Run
from services.trainer.screening.fit import convex_data
from services.trainer.tuning.tune import Trained
from services.trainer.zoo.head import FEATURES

MOST_IMAGES = 5_000
"""Of more, this many stand for all where features have to be held in memory: 50 MB of each array."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Answers to photographs that whoever answered had not learnt from.

    Args:
        rows: Positions in the data set.
        labels: Classes of their folders.
        probabilities: ``(num_images, num_classes)``, calibrated.
        strength: Of the regularisation of the last layers that gave them by cross-validation; 0 where none did.
    """

    rows: Indices
    labels: Labels
    probabilities: Doubles
    strength: float = 0.0

    @property
    def is_cross_validated(self) -> bool:
        """Whether these are all of training and validation."""
        return self.strength > 0

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether each was taken for what it is."""
        found: NDArray[np.bool_] = self.probabilities.argmax(axis=1) == self.labels
        return found

    def sample(self, seed: int) -> "Answers":
        """Return the same, or of very many some."""
        if len(self.rows) <= MOST_IMAGES:
            return self
        chosen = np.sort(np.random.default_rng(seed).choice(len(self.rows), MOST_IMAGES, replace=False))
        return replace(
            self, rows=self.rows[chosen], labels=self.labels[chosen], probabilities=self.probabilities[chosen]
        )


def answers_of_network(trained: Trained, evaluation: Evaluation, strength: float) -> Answers | None:
    """Return cross-validated answers, or those to the validation split where that is what judged the network."""
    found = trained.out_of_fold
    if found is not None and strength > 0:
        # Their own temperature: a network that was fine-tuned since has another.
        return Answers(
            rows=found.rows,
            labels=found.labels,
            probabilities=found.probabilities(fit_temperature(found.logits, found.labels)),
            strength=strength,
        )
    validation = evaluation.validation
    if validation is None or not len(validation.rows):
        return None
    return Answers(
        rows=validation.rows,
        labels=validation.labels,
        probabilities=validation.probabilities,
    )


def answers_of_features(learning: LearningSet, trained: Trained, run: Run) -> Answers | None:
    """Cross-validate a last layer on features of a network that was fine-tuned or learnt by epochs."""
    if trained.store is None:
        return None
    fit = fit_convex(convex_data(learning, trained.store, run), [FEATURES], goes_on=lambda: run.stop_reason() is None)
    found = fit.out_of_fold
    return Answers(
        rows=found.rows,
        labels=found.labels,
        probabilities=found.probabilities(fit.head.temperature or 1.0),
        strength=fit.judged.strength,
    )
