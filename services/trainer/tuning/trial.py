"""One recipe of fine-tuning from its first step to its last epoch."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import tensorflow as tf

from services.trainer.data.dataset import LearningSet
from services.trainer.fitting.standard import log_softmax
from services.trainer.screening.features import FeatureStore
from services.trainer.tuning.activations import ordered_batches, shuffled_batches
from services.trainer.tuning.tail import Tail, TailState
from shared.job.findings.training import History, Hyperparameters

_VALIDATION_BATCH_SIZE = 128

Rank = tuple[float, float]
"""Validation accuracy and negative validation loss; the higher, the better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What recipes are tried on.

    Args:
        dataset: Labels and split.
        store: Activations of its training and validation images.
        tail: What learns.
        seed: Of the order of images.
    """

    dataset: LearningSet
    store: FeatureStore
    tail: Tail
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeFit:
    """How a recipe went.

    Args:
        hyperparameters: The recipe; its batch may be smaller than asked for where memory was short.
        history: Curves; training values are means over the epoch, as Keras shows them.
        best: The state after the best epoch; ``None`` where no epoch ended.
        seconds: It took.
    """

    hyperparameters: Hyperparameters
    history: History
    best: TailState | None
    seconds: float


def ranks_of(history: History) -> list[Rank]:
    """Return the rank of every epoch."""
    return [(accuracy, -loss) for accuracy, loss in zip(history.val_accuracy, history.val_loss, strict=True)]


def fit_recipe(
    material: Material, recipe: Hyperparameters, *, epochs: int, goes_on: Callable[[int, Rank | None], bool]
) -> RecipeFit:
    """Fine-tune from the screened network by one recipe; out of memory, again with half the batch.

    Args:
        material: See there.
        recipe: See there.
        epochs: At most.
        goes_on: Asked between batches with the number of finished epochs and the rank of the last one right after it
            ended, else ``None``.

    Raises:
        tensorflow.errors.ResourceExhaustedError: If a single image does not fit into memory.
    """
    started = time.monotonic()
    while True:
        try:
            return _fit(material, recipe, epochs, goes_on, started)
        except tf.errors.ResourceExhaustedError:
            if recipe.batch_size == 1:
                raise
            recipe = replace(recipe, batch_size=recipe.batch_size // 2)


def judge(material: Material) -> Rank:
    """Rank the tail as it is now on the validation split."""
    labels = material.dataset.labels
    rows = material.dataset.split.validation
    right, loss = 0, 0.0
    for part, activations in ordered_batches(material.store, rows, batch_size=_VALIDATION_BATCH_SIZE):
        logarithms = log_softmax(material.tail.logits(activations))
        right += int((logarithms.argmax(axis=1) == labels[part]).sum())
        loss -= float(logarithms[np.arange(len(part)), labels[part]].sum(dtype=np.float64))
    return right / len(rows), -loss / len(rows)


def _fit(
    material: Material,
    recipe: Hyperparameters,
    epochs: int,
    goes_on: Callable[[int, Rank | None], bool],
    started: float,
) -> RecipeFit:
    material.tail.restart()
    generator = np.random.default_rng(material.seed)
    ranks: list[Rank] = []
    means: list[tuple[float, float]] = []
    best: TailState | None = None
    while len(ranks) < epochs:
        mean = _epoch(material, recipe, generator, (len(ranks), epochs), lambda: goes_on(len(ranks), None))
        if mean is None:
            break
        means.append(mean)
        ranks.append(judge(material))
        if ranks.index(max(ranks)) == len(ranks) - 1:
            best = material.tail.read()
        if not goes_on(len(ranks), ranks[-1]):
            break
    history = History(
        accuracy=tuple(accuracy for accuracy, _ in means),
        loss=tuple(loss for _, loss in means),
        val_accuracy=tuple(accuracy for accuracy, _ in ranks),
        val_loss=tuple(-negative for _, negative in ranks),
    )
    seconds = time.monotonic() - started
    return RecipeFit(hyperparameters=recipe, history=history, best=best, seconds=seconds)


def _epoch(
    material: Material,
    recipe: Hyperparameters,
    generator: np.random.Generator,
    place: tuple[int, int],
    goes_on: Callable[[], bool],
) -> tuple[float, float] | None:
    """Train one epoch; return mean accuracy and loss, or ``None`` where it was broken off.

    Args:
        material: See there.
        recipe: See there.
        generator: Of the order of images.
        place: Epochs before this one and epochs in all, for the rate that falls along a cosine.
        goes_on: Asked after every batch.
    """
    rows = material.dataset.split.train
    steps = -(-len(rows) // recipe.batch_size)
    loss, right = 0.0, 0
    batches = shuffled_batches(material.store, rows, batch_size=recipe.batch_size, generator=generator)
    for step, (part, activations) in enumerate(batches):
        way = (place[0] * steps + step) / (place[1] * steps)
        rate = recipe.learning_rate * 0.5 * (1 + np.cos(np.pi * way))
        more_loss, more_right = material.tail.learn(activations, material.dataset.labels[part], recipe, rate=rate)
        loss, right = loss + more_loss, right + more_right
        if not np.isfinite(loss):
            raise ValueError(f"fine-tuning diverged at a learning rate of {rate:.2e}")
        if not goes_on():
            return None
    return right / len(rows), loss / len(rows)
