"""Put a run together from its recipe: the student, its teachers, and what they are shown."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tools.pretrain.cache import ImageCache, split_cache
from tools.pretrain.objective import Objective
from tools.pretrain.recipe import Recipe
from tools.pretrain.student import build_fused
from tools.pretrain.teacher import Teacher, quarter_teacher, second_teacher
from tools.pretrain.training import Run
from tools.pretrain.view import Batch, centred_batch, draw_batch

CALIBRATION_BATCHES = 12
CALIBRATION_BATCH_SIZE = 64
VALIDATION_BATCH_SIZE = 100


def begin(cache: ImageCache, folder: Path, recipe: Recipe) -> Run:
    """Build the run of `recipe` in `folder`, with the weights of its checkpoint when there is one."""
    keras.utils.set_random_seed(recipe.seed)
    teachers = _teachers(recipe)
    if teachers:
        shown = [batch.pixels for batch in _calibration_batches(cache, recipe)]
        for teacher in teachers:
            teacher.calibrate(shown)
    student = build_fused(recipe.views.size_px)
    objective = Objective(student, teachers, num_classes=len(cache.class_names), recipe=recipe.objective)
    return Run(student, objective, folder, recipe=recipe.training, seed=recipe.seed)


def batch_drawer(cache: ImageCache, recipe: Recipe) -> Callable[[int], Batch]:
    """Return the function that draws the batch of a step from the training part."""
    positions = split_cache(cache, seed=recipe.seed).training

    def draw(step: int) -> Batch:
        generator = np.random.default_rng([recipe.seed, step])
        batch_size = recipe.training.batch_size
        return draw_batch(cache, positions, recipe=recipe.views, batch_size=batch_size, generator=generator)

    return draw


def validation_accuracy(run: Run, cache: ImageCache, recipe: Recipe) -> float:
    """Share of the photographs kept aside whose class the run's classifier names, 0 to 1."""
    positions = split_cache(cache, seed=recipe.seed).validation
    correct = 0
    for start in range(0, len(positions), VALIDATION_BATCH_SIZE):
        chosen = positions[start : start + VALIDATION_BATCH_SIZE]
        logits: Any = run.classify(centred_batch(cache.images[chosen], recipe.views.size_px))
        correct += int(np.sum(np.argmax(logits, axis=1) == cache.labels[chosen]))
    return correct / len(positions)


def _teachers(recipe: Recipe) -> list[Teacher]:
    size_px, teachers = recipe.views.size_px, []
    if recipe.quarter_teacher is not None:
        teachers.append(quarter_teacher(recipe.quarter_teacher, size_px))
    if recipe.second_teacher is not None:
        teachers.append(second_teacher(recipe.second_teacher, size_px, share=recipe.second_share))
    return teachers


def _calibration_batches(cache: ImageCache, recipe: Recipe) -> list[Batch]:
    positions = split_cache(cache, seed=recipe.seed).training
    return [
        draw_batch(
            cache,
            positions,
            recipe=recipe.views,
            batch_size=CALIBRATION_BATCH_SIZE,
            generator=np.random.default_rng([recipe.seed + 1, number]),
        )
        for number in range(CALIBRATION_BATCHES)
    ]
