"""The training run: batches in the background, one compiled step, checkpoints, and an end set by a clock or a count."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tools.pretrain.checkpoint import Standing, load_checkpoint, save_checkpoint
from tools.pretrain.objective import Objective
from tools.pretrain.schedule import Limit, averaging_decay_at, learning_rate_at
from tools.pretrain.view import Batch

PREFETCHED_BATCHES = 3
STEPS_PER_REPORT = 50
LARGEST_GRADIENT_NORM = 5.0
NOT_DECAYED = ("gamma", "beta", "bias", "depthwise")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRecipe:
    """How the weights are moved.

    Attributes:
        batch_size: Views per update.
        peak_learning_rate: Of AdamW, after the warm-up.
        weight_decay: Of AdamW.
        averaging_decay: Of the running mean of the weights that is exported, per update.
        checkpoint_every_s: Training time between checkpoints, seconds.
    """

    batch_size: int = 64
    peak_learning_rate: float = 2e-3
    weight_decay: float = 0.02
    averaging_decay: float = 0.999
    checkpoint_every_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What is said about the run every few steps.

    Attributes:
        step: Updates made in all.
        elapsed_s: Training time in all, seconds.
        progress: Share of the run that is done, 0 to 1.
        learning_rate: Of the last update.
        views_per_s: Speed since the last report.
        parts: Mean parts of the loss since the last report.
    """

    step: int
    elapsed_s: float
    progress: float
    learning_rate: float
    views_per_s: float
    parts: dict[str, float]


class Run:
    """One run in one folder, new or carried on from the checkpoint there."""

    def __init__(
        self, student: keras.Model, objective: Objective, folder: Path, *, recipe: TrainingRecipe, seed: int
    ) -> None:
        self.student = student
        self._objective = objective
        self._folder = folder
        self._recipe = recipe
        self._trained = objective.model.trainable_variables
        self._optimizer = keras.optimizers.AdamW(
            weight_decay=recipe.weight_decay, global_clipnorm=LARGEST_GRADIENT_NORM
        )
        self._optimizer.exclude_from_weight_decay(var_names=list(NOT_DECAYED))
        self._optimizer.build(self._trained)
        self._averages = [tf.Variable(tf.convert_to_tensor(one), trainable=False) for one in student.variables]
        self._groups = {
            "model": objective.model.variables,
            "optimizer": self._optimizer.variables,
            "average": self._averages,
        }
        self.standing = load_checkpoint(folder, self._groups) or Standing(seed=seed)
        self._saved_s = self.standing.elapsed_s
        self._step = tf.function(self._update)

    def train(self, draw: Callable[[int], Batch], *, limit: Limit, on_report: Callable[[Report], None]) -> Standing:
        """Update until `limit`, saving now and then and at the end.

        Args:
            draw: Gives the batch of a step; equal steps get equal batches, so that a run carried on sees what it
                would have seen.
            limit: Where to end; may lie further out than it did in an earlier sitting.
            on_report: Told how it goes.
        """
        batches = prefetched(draw, first_step=self.standing.step)
        parts: list[dict[str, Any]] = []
        progress, since_s = self._progress(limit), self.standing.elapsed_s
        while progress < 1.0:
            started_s = time.monotonic()
            rate = learning_rate_at(progress, peak=self._recipe.peak_learning_rate)
            parts.append(self._advance(next(batches), rate=rate, progress=progress))
            self.standing = self._after(time.monotonic() - started_s)
            progress = self._progress(limit)
            if self.standing.step % STEPS_PER_REPORT == 0 or progress >= 1.0:
                on_report(self._report(parts, rate=rate, progress=progress, since_s=since_s))
                parts, since_s = [], self.standing.elapsed_s
            self._save_when_due()
        self._save()
        return self.standing

    def classify(self, pixels: Any) -> Any:
        """Logits of `(num_images, size_px, size_px, 3) float32` pixels, by the weights of the last update."""
        return self._objective.model(pixels, training=False)["logits"]

    def _progress(self, limit: Limit) -> float:
        return limit.progress(step=self.standing.step, elapsed_s=self.standing.elapsed_s)

    def _after(self, seconds: float) -> Standing:
        standing = self.standing
        return Standing(step=standing.step + 1, elapsed_s=standing.elapsed_s + seconds, seed=standing.seed)

    def _advance(self, batch: Batch, *, rate: float, progress: float) -> dict[str, Any]:
        decay = averaging_decay_at(self.standing.step, longest=self._recipe.averaging_decay)
        self._optimizer.learning_rate.assign(rate)
        parts: dict[str, Any] = self._step(
            tf.constant(batch.pixels),
            tf.constant(batch.labels),
            tf.constant(self._objective.recipe.early_weight_at(progress), tf.float32),
            tf.constant(decay, tf.float32),
        )
        return parts

    def _update(self, pixels: Any, labels: Any, early_weight: Any, decay: Any) -> dict[str, Any]:
        with tf.GradientTape() as tape:
            parts = self._objective.loss(pixels, labels, early_weight)
        gradients = tape.gradient(parts["loss"], [variable.value for variable in self._trained])
        self._optimizer.apply(gradients, self._trained)
        for average, current in zip(self._averages, self.student.variables, strict=True):
            average.assign(average * decay + tf.convert_to_tensor(current) * (1 - decay))
        return parts

    def _report(self, parts: list[dict[str, Any]], *, rate: float, progress: float, since_s: float) -> Report:
        seconds = max(self.standing.elapsed_s - since_s, 1e-9)
        return Report(
            step=self.standing.step,
            elapsed_s=self.standing.elapsed_s,
            progress=progress,
            learning_rate=rate,
            views_per_s=len(parts) * self._recipe.batch_size / seconds,
            parts={name: float(np.mean([one[name] for one in parts])) for name in parts[0]},
        )

    def _save_when_due(self) -> None:
        if self.standing.elapsed_s - self._saved_s >= self._recipe.checkpoint_every_s:
            self._save()
            self._saved_s = self.standing.elapsed_s

    def _save(self) -> None:
        save_checkpoint(self._folder, self.standing, self._groups)


def prefetched(draw: Callable[[int], Batch], *, first_step: int) -> Iterator[Batch]:
    """Batches of step `first_step` onwards, drawn a few ahead in one background thread."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        waiting = [pool.submit(draw, first_step + ahead) for ahead in range(PREFETCHED_BATCHES)]
        step = first_step + PREFETCHED_BATCHES
        while True:
            batch = waiting.pop(0).result()
            waiting.append(pool.submit(draw, step))
            step += 1
            yield batch
