"""The one reading of the test split."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from services.trainer.data.dataset import HeldOut, Indices, LearningSet
from services.trainer.evaluation.lit_picture import thumbnail
from services.trainer.evaluation.metrics import (
    Dependence,
    balanced_accuracy,
    class_scores,
    confusion,
    correlation_within,
    expected_calibration_error,
    macro_f1,
)
from services.trainer.fitting.temperature import Labels, Logits, fit_temperature, probabilities
from shared.interval import wilson_interval
from shared.job.findings.scores import Calibration, Mistake, TestScores

NUM_MISTAKES = 12
"""The surest, which are shown first."""
MOST_MISTAKES, MOST_OF_PAIR = 200, 8
"""Those that are named in all, and of one class taken for one other."""
THUMBNAIL_PX, SMALL_PX = 96, 64
BATCH = 128
"""Images between two reports."""

LogitsOf = Callable[[Indices], Logits]
"""From positions of images to what the trained network says of them before the softmax, ``(n, num_classes)``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Answers to images that the network has not learnt from, and that it was chosen by.

    Args:
        rows: Positions of the images in the data set.
        labels: Their classes.
        probabilities: Calibrated on these, ``(num_images, num_classes)``.
    """

    rows: Indices
    labels: Labels
    probabilities: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of a network before the test.

    Args:
        temperature: Found by cross-validation, where the network has learnt from the validation split.
        right: ``(num_images,)``, whether each image was read rightly by heads that had not learnt from it.
        groups: ``(num_images,)``, what is kept together of these.
    """

    temperature: float | None = None
    right: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))
    groups: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))


_NOTHING = Known()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What the test split said.

    Args:
        scores: For the report.
        temperature: Fitted on images that the network has not learnt from; divides the logits in the exported network.
        indices: Positions of the test images in the data set.
        labels: Their classes.
        groups: Their groups of near-duplicates, by number.
        given_groups: As :attr:`services.trainer.data.dataset.LearningSet.given_groups`.
        correlation: How much images that the person wants together are right or wrong together.
        probabilities: Calibrated, ``(num_test_images, num_classes)``.
        validation: Answers to the validation split, where they were needed to calibrate.
    """

    scores: TestScores
    temperature: float
    indices: Indices
    labels: Labels
    groups: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    validation: Judged | None = None
    given_groups: NDArray[np.int64] | None = None
    correlation: float = 0.0


def evaluate(
    learning: LearningSet,
    held_out: HeldOut,
    px: int,
    logits_of: LogitsOf,
    report: Callable[[int, int], None],
    *,
    known: Known = _NOTHING,
) -> Evaluation:
    """Fit the temperature on the validation split where it is not known yet, then read the test split.

    Args:
        learning: Images, paths, and the classes of the validation split.
        held_out: The classes of the test split; opened here.
        px: Side length of the squares that mistakes are shown from.
        logits_of: The trained network.
        report: Takes images done and images in all.
        known: Of the network, by cross-validation.

    Raises:
        AlreadyOpened: If the test split was read before.
    """
    temperature = known.temperature
    validation = learning.split.validation if temperature is None else learning.split.validation[:0]
    total = len(validation) + len(held_out.rows)
    judged = None
    if temperature is None:
        of_validation = _logits(logits_of, validation, lambda done: report(done, total))
        labels = learning.labels[validation]
        temperature = fit_temperature(of_validation, labels)
        judged = Judged(rows=validation, labels=labels, probabilities=probabilities(of_validation, temperature))
        if not len(known.right):
            right = of_validation.argmax(axis=1) == labels
            known = Known(right=right, groups=learning.kept_together[validation])
    of_test = _logits(logits_of, held_out.rows, lambda done: report(len(validation) + done, total))
    known = replace(known, temperature=temperature)
    return replace(_read_test(learning, held_out, px, of_test, known), validation=judged)


def _logits(logits_of: LogitsOf, rows: Indices, report: Callable[[int], None]) -> Logits:
    parts = []
    for start in range(0, len(rows), BATCH):
        parts.append(np.asarray(logits_of(rows[start : start + BATCH]), np.float64))
        report(min(start + BATCH, len(rows)))
    return np.concatenate(parts)


def _read_test(learning: LearningSet, held_out: HeldOut, px: int, logits: Logits, known: Known) -> Evaluation:
    labels, temperature = held_out.open(), known.temperature or 1.0
    calibrated = probabilities(logits, temperature)
    predicted = calibrated.argmax(axis=1)
    correct = predicted == labels
    dependence = _dependence(held_out, correct, known)
    per_class = class_scores(labels, predicted, learning.classes, dependence)
    counted, accuracy = dependence.num_independent, float(correct.mean())
    calibration = Calibration(
        temperature=temperature,
        error_before=expected_calibration_error(probabilities(logits).max(axis=1), correct),
        error_after=expected_calibration_error(calibrated.max(axis=1), correct),
    )
    scores = TestScores(
        accuracy=accuracy,
        interval=wilson_interval(accuracy * counted, counted),
        num_images=len(labels),
        balanced_accuracy=balanced_accuracy(per_class),
        macro_f1=macro_f1(per_class),
        per_class=per_class,
        confusion_matrix=tuple(
            tuple(int(count) for count in row) for row in confusion(labels, predicted, len(learning.classes))
        ),
        calibration=calibration,
        mistakes=_mistakes(learning, held_out.rows, px, labels, calibrated),
        num_independent=counted,
    )
    return Evaluation(
        scores=scores,
        temperature=temperature,
        indices=held_out.rows,
        labels=labels,
        groups=held_out.groups,
        given_groups=held_out.given_groups,
        correlation=dependence.correlation,
        probabilities=calibrated,
    )


def _dependence(held_out: HeldOut, correct: NDArray[np.bool_], known: Known) -> Dependence:
    """Return what of the test is right or wrong together; how much, the test alone has too few groups to tell."""
    given = held_out.given_groups
    if given is None:
        return Dependence(copies=held_out.groups)
    right, groups = np.concatenate([known.right, correct]), np.concatenate([known.groups, given])
    return Dependence(copies=held_out.groups, given=given, correlation=correlation_within(right, groups))


def _mistakes(
    learning: LearningSet, rows: Indices, px: int, labels: Labels, calibrated: NDArray[np.float64]
) -> tuple[Mistake, ...]:
    """Show what was read wrongly, the most confident first."""
    confidence = calibrated.max(axis=1)
    predicted = calibrated.argmax(axis=1)
    wrong = np.flatnonzero(predicted != labels)
    surest = wrong[np.argsort(-confidence[wrong], kind="stable")]
    worst = _spread(surest, labels, predicted)
    images = learning.images(px)
    return tuple(
        Mistake(
            path=learning.paths[rows[position]],
            actual=learning.classes[labels[position]],
            predicted=learning.classes[predicted[position]],
            confidence=float(confidence[position]),
            thumbnail_jpeg_base64=thumbnail(
                images[rows[position]], THUMBNAIL_PX if place < NUM_MISTAKES else SMALL_PX, quality=75
            ),
        )
        for place, position in enumerate(worst)
    )


def _spread(surest: Indices, labels: Labels, predicted: Indices) -> list[int]:
    """Return the surest mistakes, then a few of every pair of classes, as many as a document bears."""
    chosen: list[int] = surest[:NUM_MISTAKES].tolist()
    taken = Counter((int(labels[each]), int(predicted[each])) for each in chosen)
    for position in surest[NUM_MISTAKES:].tolist():
        pair = int(labels[position]), int(predicted[position])
        if len(chosen) < MOST_MISTAKES and taken[pair] < MOST_OF_PAIR:
            chosen.append(position)
            taken[pair] += 1
    return chosen
