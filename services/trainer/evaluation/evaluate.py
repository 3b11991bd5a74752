"""The one reading of the test split."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from services.trainer.data.dataset import Dataset, Images, Indices
from services.trainer.evaluation.metrics import (
    Logits,
    balanced_accuracy,
    class_scores,
    confusion,
    expected_calibration_error,
    fit_temperature,
    macro_f1,
    probabilities,
)
from shared.interval import wilson_interval
from shared.job.result import Calibration, Mistake, TestScores

NUM_MISTAKES = 12
THUMBNAIL_PX = 96
BATCH = 32

LogitsOf = Callable[[Images], Logits]
"""From a batch of squares to scores before the softmax, ``(num_images, num_classes)``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What the test split said.

    Args:
        scores: For the report.
        temperature: Fitted on the validation split; divides the logits in the exported network.
        indices: Positions of the test images in the data set.
        probabilities: Calibrated, ``(num_test_images, num_classes)``.
    """

    scores: TestScores
    temperature: float
    indices: Indices
    probabilities: NDArray[np.float64]


def evaluate(dataset: Dataset, px: int, logits_of: LogitsOf, report: Callable[[int, int], None]) -> Evaluation:
    """Fit the temperature on the validation split, then read the test split.

    Args:
        dataset: The prepared data set.
        px: Side length of the network's input.
        logits_of: The trained network.
        report: Takes images done and images in all.
    """
    held_out = np.concatenate([dataset.split.validation, dataset.split.test])
    images = dataset.images(px)
    batches = []
    for start in range(0, len(held_out), BATCH):
        batches.append(np.asarray(logits_of(np.asarray(images[held_out[start : start + BATCH]])), np.float64))
        report(min(start + BATCH, len(held_out)), len(held_out))
    logits = np.concatenate(batches)
    num_validation = len(dataset.split.validation)
    temperature = fit_temperature(logits[:num_validation], dataset.labels[dataset.split.validation])
    return _read_test(dataset, px, logits[num_validation:], temperature)


def _read_test(dataset: Dataset, px: int, logits: Logits, temperature: float) -> Evaluation:
    indices = dataset.split.test
    labels = dataset.labels[indices]
    calibrated = probabilities(logits, temperature)
    predicted = calibrated.argmax(axis=1)
    correct = predicted == labels
    per_class = class_scores(labels, predicted, dataset.classes)
    calibration = Calibration(
        temperature=temperature,
        error_before=expected_calibration_error(probabilities(logits).max(axis=1), correct),
        error_after=expected_calibration_error(calibrated.max(axis=1), correct),
    )
    scores = TestScores(
        accuracy=float(correct.mean()),
        interval=wilson_interval(int(correct.sum()), len(indices)),
        num_images=len(indices),
        balanced_accuracy=balanced_accuracy(per_class),
        macro_f1=macro_f1(per_class),
        per_class=per_class,
        confusion_matrix=tuple(
            tuple(int(count) for count in row) for row in confusion(labels, predicted, len(dataset.classes))
        ),
        calibration=calibration,
        mistakes=_mistakes(dataset, px, calibrated),
    )
    return Evaluation(scores=scores, temperature=temperature, indices=indices, probabilities=calibrated)


def _mistakes(dataset: Dataset, px: int, calibrated: NDArray[np.float64]) -> tuple[Mistake, ...]:
    """Show what was read wrongly, the most confident first."""
    labels = dataset.labels[dataset.split.test]
    confidence = calibrated.max(axis=1)
    predicted = calibrated.argmax(axis=1)
    wrong = np.flatnonzero(predicted != labels)
    worst = wrong[np.argsort(-confidence[wrong], kind="stable")][:NUM_MISTAKES]
    images = dataset.images(px)
    return tuple(
        Mistake(
            path=dataset.paths[dataset.split.test[position]],
            actual=dataset.classes[labels[position]],
            predicted=dataset.classes[predicted[position]],
            confidence=float(confidence[position]),
            thumbnail_jpeg_base64=_thumbnail(images[dataset.split.test[position]]),
        )
        for position in worst
    )


def _thumbnail(square: NDArray[np.uint8]) -> str:
    image = Image.fromarray(np.asarray(square))
    image.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
    data = BytesIO()
    image.save(data, "JPEG", quality=80)
    return base64.b64encode(data.getvalue()).decode()
