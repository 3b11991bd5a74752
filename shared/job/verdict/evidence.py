"""What a verdict rests on, taken from a result. Pure."""

import math
from dataclasses import dataclass

from shared.interval import wilson_interval
from shared.job.findings.verdict import Neighbours
from shared.job.result import Result

_CHANCE = 0.05
_MEAN_DEVIATION = 0.8
"""Mean distance from the mean of a normal distribution, in standard deviations: the root of 2 / pi."""
_NUM_BINS = 15
"""Of the expected calibration error in a result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassEvidence:
    """One class in the test.

    Args:
        name: Of the class.
        recall: Share of its photographs that was found.
        low: Lower end of the 95 % interval of that share.
        high: Upper end.
        num_images: Its test photographs.
    """

    name: str
    recall: float
    low: float
    high: float
    num_images: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a verdict rests on.

    Args:
        accuracy: Share of test photographs that is read rightly.
        low: Lower end of its 95 % interval.
        guessing: Share that is right for whoever always answers the commonest class.
        classes: Each of them.
        calibration_error: How far stated probabilities are from what came true, on average, beyond chance.
        neighbours: The comparison with nearest photographs, if there was one.
        is_unseen: Whether no test photograph has a copy among those that were learnt from.
        is_as_delivered: Whether the delivered file reads uploaded photographs as well as the test says.
    """

    accuracy: float
    low: float
    guessing: float
    classes: tuple[ClassEvidence, ...]
    calibration_error: float
    neighbours: Neighbours | None = None
    is_unseen: bool = True
    is_as_delivered: bool = True


def clear_calibration_error(measured: float, accuracy: float, num_images: float) -> float:
    """Return how much of a calibration error is more than what true probabilities show in a test so small.

    In each of the bins, the share that is right misses its expectation by 0.8 standard deviations on average.

    Args:
        measured: Expected calibration error, 0 to 1.
        accuracy: Share of images read rightly.
        num_images: What they count for.
    """
    by_chance = _MEAN_DEVIATION * math.sqrt(accuracy * (1 - accuracy) * _NUM_BINS / max(1.0, num_images))
    return max(0.0, measured - by_chance)


def evidence_of(result: Result, neighbours: Neighbours | None = None) -> Evidence:
    """Return what a result has to say, of whichever version it is.

    Args:
        result: The document.
        neighbours: The comparison with nearest photographs, where the result does not have it yet.
    """
    test, uploaded = result.test, result.as_uploaded
    counted_in_all = float(test.num_images) if test.num_independent is None else test.num_independent
    classes = []
    for score in test.per_class:
        counted = float(score.num_images) if score.num_independent is None else score.num_independent
        low, high = wilson_interval(score.recall * counted, counted)
        classes.append(
            ClassEvidence(name=score.name, recall=score.recall, low=low, high=high, num_images=score.num_images)
        )
    known = neighbours if result.verdict is None else result.verdict.neighbours
    return Evidence(
        accuracy=test.accuracy,
        low=test.interval[0],
        guessing=max(score.num_images for score in test.per_class) / max(1, test.num_images),
        classes=tuple(classes),
        calibration_error=clear_calibration_error(test.calibration.error_after, test.accuracy, counted_in_all),
        neighbours=known,
        is_unseen=not any(each.num_test_straddling for each in result.duplicates.repeated),
        is_as_delivered=uploaded is None or uploaded.p_value >= _CHANCE or uploaded.accuracy >= uploaded.test_accuracy,
    )
