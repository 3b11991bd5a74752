"""One recipe of fine-tuning from its first step to its last epoch."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import tensorflow as tf

from services.trainer.data.dataset import LearningSet
from services.trainer.fitting.standard import log_softmax
from services.trainer.screening.features import FeatureStore
from services.trainer.tuning.activations import (
    MirrorImages,
    Source,
    early_of,
    num_batches,
    ordered_batches,
    shuffled_views,
)
from services.trainer.tuning.tail import Tail, TailState
from services.trainer.zoo.head import FEATURES, Reading
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
        mirror: Their mirror images, computed once they are asked for; ``None`` where they never are.
    """

    dataset: LearningSet
    store: FeatureStore
    tail: Tail
    seed: int
    mirror: MirrorImages | None = None

    def sources(self, views: int) -> tuple[Source, ...]:
        """Return what was made of the images in so many views.

        Raises:
            ValueError: If mirror images are asked for and are none of it.
        """
        if views == 1:
            return (self.store,)
        if self.mirror is None:
            raise ValueError("there are no mirror images")
        return (self.store, self.mirror)


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


def reading_of(recipe: Hyperparameters, num_levels: int) -> Reading:
    """Return what the last layer reads by a recipe.

    Args:
        recipe: See there.
        num_levels: That there are.
    """
    return Reading(num_levels=num_levels if recipe.every_level else 1, views=2 if recipe.mirrored else 1)


def judge(material: Material, reading: Reading = FEATURES) -> Rank:
    """Rank the tail as it is now on the validation split, by the mean over the views of each image.

    Args:
        material: See there.
        reading: What the tail's head reads now.
    """
    labels = material.dataset.labels
    rows = material.dataset.split.validation
    right, loss = 0, 0.0
    views = material.sources(reading.views)
    batches = [ordered_batches(source, rows, batch_size=_VALIDATION_BATCH_SIZE) for source in views]
    for same in zip(*batches, strict=True):
        part = same[0][0]
        scores = [
            material.tail.logits(activations, early_of(source, part, reading, material.tail.early_width))
            for source, (_, activations) in zip(views, same, strict=True)
        ]
        logarithms = log_softmax(np.mean(scores, axis=0, dtype=np.float32))
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
    reading = reading_of(recipe, len(material.store.backbone.levels))
    if reading.views > 1 and material.mirror is not None and not material.mirror.compute(lambda: goes_on(0, None)):
        return RecipeFit(hyperparameters=recipe, history=History(), best=None, seconds=time.monotonic() - started)
    material.tail.restart(reading, depth=recipe.depth)
    generator = np.random.default_rng(material.seed)
    ranks: list[Rank] = []
    means: list[tuple[float, float]] = []
    best: TailState | None = None
    while len(ranks) < epochs:
        mean = _epoch(material, recipe, generator, (len(ranks), epochs), lambda: goes_on(len(ranks), None))
        if mean is None:
            break
        means.append(mean)
        ranks.append(judge(material, reading))
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
    rows, tail = material.dataset.split.train, material.tail
    reading = reading_of(recipe, len(material.store.backbone.levels))
    views = material.sources(reading.views)
    steps = num_batches(len(rows), len(views), recipe.batch_size)
    loss, right = 0.0, 0
    batches = shuffled_views(views, rows, batch_size=recipe.batch_size, generator=generator)
    for step, (source, part, activations) in enumerate(batches):
        way = (place[0] * steps + step) / (place[1] * steps)
        rate = recipe.learning_rate * 0.5 * (1 + np.cos(np.pi * way))
        early = early_of(source, part, reading, tail.early_width)
        labels = material.dataset.labels[part]
        more_loss, more_right = tail.learn(activations, labels, recipe, rate=rate, early=early)
        loss, right = loss + more_loss, right + more_right
        if not np.isfinite(loss):
            raise ValueError(f"fine-tuning diverged at a learning rate of {rate:.2e}")
        if not goes_on():
            return None
    return right / len(rows), loss / len(rows)
