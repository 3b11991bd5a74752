"""Recipes of fine-tuning: the default one, and what a search may choose from."""

import numpy as np

from shared.job.findings.training import Hyperparameters

SCREENING_RATE = 1e-3
"""The usual rate of Adam for a new head; fine-tuning starts below it."""
SCREENING_BATCH_SIZE = 32
DEFAULT = Hyperparameters(learning_rate=SCREENING_RATE / 20, batch_size=2 * SCREENING_BATCH_SIZE, weight_decay=1e-2)
"""Learning rate lowered and batch size raised against screening: on 420 photographs, four times this rate fits the
training split by heart within three epochs and gains nothing on the test split."""

BATCH_SIZES = (32, 64, 128)
WEIGHT_DECAYS = (0.0, 1e-3, 1e-2, 1e-1)
LABEL_SMOOTHINGS = (0.0, 0.05, 0.1)
DROPOUTS = (0.0, 0.2, 0.4)
LOWEST_RATE, HIGHEST_RATE = 1e-5, 5e-4


def draw(generator: np.random.Generator) -> Hyperparameters:
    """Draw a recipe: the rate evenly on a logarithmic scale, the rest evenly from its choices."""
    return Hyperparameters(
        learning_rate=_rounded(np.exp(generator.uniform(np.log(LOWEST_RATE), np.log(HIGHEST_RATE)))),
        batch_size=int(generator.choice(BATCH_SIZES)),
        weight_decay=float(generator.choice(WEIGHT_DECAYS)),
        label_smoothing=float(generator.choice(LABEL_SMOOTHINGS)),
        dropout=float(generator.choice(DROPOUTS)),
    )


def cross(
    first: Hyperparameters, second: Hyperparameters, generator: np.random.Generator, *, mutation: float
) -> Hyperparameters:
    """Breed a recipe: every gene from either parent, a few of them drawn anew; the rate moves by a factor.

    Args:
        first: A parent.
        second: The other.
        generator: Decides.
        mutation: Chance, 0 to 1, that a gene is drawn anew.
    """
    fresh = draw(generator)

    def gene(name: str) -> float:
        if generator.random() < mutation:
            return float(getattr(fresh, name))
        return float(getattr(first if generator.random() < 0.5 else second, name))  # noqa: PLR2004 - a fair coin

    rate = gene("learning_rate") * np.exp(generator.normal(0.0, 0.4))
    return Hyperparameters(
        learning_rate=_rounded(np.clip(rate, LOWEST_RATE, HIGHEST_RATE)),
        batch_size=int(gene("batch_size")),
        weight_decay=gene("weight_decay"),
        label_smoothing=gene("label_smoothing"),
        dropout=gene("dropout"),
    )


def _rounded(rate: float) -> float:
    return float(f"{rate:.2e}")
