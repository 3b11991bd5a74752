"""Which photographs are shown with where the network looked: mistakes, a few hits, the mean of every class."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

import keras
import numpy as np
from numpy.typing import NDArray

from services.trainer.data.dataset import Indices, LearningSet
from services.trainer.evaluation.evaluate import NUM_MISTAKES, THUMBNAIL_PX, Evaluation
from services.trainer.evaluation.heat_maps import HeatMaps
from services.trainer.evaluation.lit_picture import lit, thumbnail
from services.trainer.fitting.temperature import Labels
from shared.job.findings.focus import ClassFocus, Focus, Hit
from shared.job.findings.scores import Mistake

logger = logging.getLogger(__name__)

NUM_HITS, NUM_CLASSES, NUM_OF_CLASS = 8, 12, 4
_LONGEST_S = 6.0
"""Seconds, at most: about as long as the delivery is being verified, which goes on meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """An image whose map is wanted: its position in the test, and the class of whose score the map is."""

    position: int
    label: int


def look(
    model: keras.Model, evaluation: Evaluation, learning: LearningSet, px: int, monotonic: Callable[[], float]
) -> tuple[tuple[Mistake, ...], Focus]:
    """Return the mistakes with where the network looked, and the same of hits and classes, as far as there is time.

    Args:
        model: As it will be delivered.
        evaluation: What the test said.
        learning: Images and paths.
        px: Side of the squares that the network sees.
        monotonic: Seconds on a clock that nobody sets.
    """
    mistakes = evaluation.scores.mistakes
    try:
        maps = HeatMaps(model)
    except ValueError as reason:
        logger.info("no heat maps", extra={"reason": str(reason)})
        return mistakes, Focus()
    predicted = evaluation.probabilities.argmax(axis=1)
    by_path = {learning.paths[row]: position for position, row in enumerate(evaluation.indices.tolist())}
    wrong = [by_path[each.path] for each in mistakes[:NUM_MISTAKES]]
    hits, classes = _hits(evaluation, predicted), _of_classes(evaluation.labels)
    wanted = [_Shown(position=each, label=int(predicted[each])) for each in wrong + hits]
    wanted += [_Shown(position=each, label=label) for label, members in classes for each in members]
    images = learning.images(px)
    rows = evaluation.indices[[each.position for each in wanted]]
    labels = np.array([each.label for each in wanted], np.int64)
    found = maps.of(images, rows, labels, until=monotonic() + _LONGEST_S, monotonic=monotonic)
    lit_up = [lit(images[row], heat, THUMBNAIL_PX) for row, heat in zip(rows[: len(wrong + hits)], found, strict=False)]
    shown = tuple(
        replace(each, heat_jpeg_base64=heat) for each, heat in zip(mistakes, lit_up[: len(wrong)], strict=False)
    )
    focus = Focus(
        hits=tuple(
            _hit(learning, evaluation, position, images, heat)
            for position, heat in zip(hits, lit_up[len(wrong) :], strict=False)
        ),
        classes=tuple(_class_means(learning, evaluation, classes, images, found[len(wrong + hits) :])),
    )
    return (*shown, *mistakes[len(shown) :]), focus


def _hits(evaluation: Evaluation, predicted: NDArray[np.int64]) -> list[int]:
    """Return the surest right answers, one of a class."""
    right = np.flatnonzero(predicted == evaluation.labels)
    order = right[np.argsort(-evaluation.probabilities.max(axis=1)[right], kind="stable")]
    first = {int(evaluation.labels[position]): int(position) for position in order[::-1]}
    return [position for position in order.tolist() if first[int(evaluation.labels[position])] == position][:NUM_HITS]


def _of_classes(labels: Labels) -> list[tuple[int, Indices]]:
    """Return the first test images of the classes that have most."""
    sizes = np.bincount(labels)
    chosen = np.argsort(-sizes, kind="stable")[:NUM_CLASSES]
    return [(int(label), np.flatnonzero(labels == label)[:NUM_OF_CLASS]) for label in sorted(chosen) if sizes[label]]


def _hit(learning: LearningSet, evaluation: Evaluation, position: int, images: NDArray[np.uint8], heat: str) -> Hit:
    row = evaluation.indices[position]
    return Hit(
        path=learning.paths[row],
        actual=learning.classes[evaluation.labels[position]],
        confidence=float(evaluation.probabilities[position].max()),
        thumbnail_jpeg_base64=thumbnail(images[row], THUMBNAIL_PX),
        heat_jpeg_base64=heat,
    )


def _class_means(
    learning: LearningSet,
    evaluation: Evaluation,
    classes: list[tuple[int, Indices]],
    images: NDArray[np.uint8],
    found: NDArray[np.float32],
) -> list[ClassFocus]:
    told, start = [], 0
    for label, members in classes:
        heats = found[start : start + len(members)]
        start += len(members)
        if len(heats) < len(members):
            break
        mean = np.mean([np.asarray(images[row], np.float32) for row in evaluation.indices[members]], axis=0)
        picture = lit(mean.astype(np.uint8), heats.mean(axis=0), THUMBNAIL_PX)
        told.append(ClassFocus(name=learning.classes[label], num_images=len(members), heat_jpeg_base64=picture))
    return told
