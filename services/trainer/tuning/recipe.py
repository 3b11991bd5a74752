"""Recipes of fine-tuning: the default one, and what a search may choose from."""

from shared.job.findings.training import Hyperparameters

SCREENING_RATE = 1e-3
"""The usual rate of Adam for a new head; fine-tuning starts below it."""
SCREENING_BATCH_SIZE = 32
DEFAULT = Hyperparameters(learning_rate=SCREENING_RATE / 20, batch_size=2 * SCREENING_BATCH_SIZE, weight_decay=1e-2)
"""Learning rate lowered and batch size raised against screening: on 420 photographs, four times this rate fits the
training split by heart within three epochs and gains nothing on the test split."""

CHOICES: dict[str, tuple[float, ...]] = {
    "batch_size": (32, 64, 128),
    "weight_decay": (0.0, 1e-3, 1e-2, 1e-1),
    "label_smoothing": (0.0, 0.05, 0.1),
    "dropout": (0.0, 0.2, 0.4),
    "depth": (1.0, 0.5, 0.0),
}
"""Values of every hyper-parameter but the rate, which is searched on a logarithmic scale."""
OF_LEVELS: dict[str, tuple[float, ...]] = {"every_level": (False, True)}
OF_VIEWS: dict[str, tuple[float, ...]] = {"mirrored": (False, True)}
"""What is searched too where the job leaves it open. Source of the chromosome: arXiv:2006.12703."""
LOWEST_RATE, HIGHEST_RATE = 1e-5, 5e-4


def rounded(rate: float) -> float:
    """Return a rate with three digits, so that a recipe can be read and given again."""
    return float(f"{rate:.2e}")
