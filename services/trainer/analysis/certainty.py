"""How sure the network must be: thresholds, answer sets, stated against true. Pure."""

import math

import numpy as np
from numpy.typing import NDArray

from services.trainer.fitting.out_of_fold import Doubles
from services.trainer.fitting.temperature import Labels
from shared.interval import wilson_interval
from shared.job.findings.certainty import AnswerSets, Coverage, ReliabilityBin

TARGETS = (0.95, 0.9)
"""Shares of right answers that a threshold is recommended for, the more wanted first."""
LEAST_ANSWERED = 0.2
"""A threshold above which fewer are answered is none that helps."""
SET_LEVEL = 0.9
_GRID = tuple(round(step / 100, 2) for step in (0, *range(20, 100)))
_SHOWN = tuple(round(step / 100, 2) for step in (0, *range(30, 100, 5), 97, 99))
_MOST_BINS = 10
_LEAST_IN_BIN = 12


def coverage_at(threshold: float, confidence: Doubles, right: NDArray[np.bool_], weight: float = 1.0) -> Coverage:
    """Return what becomes of answers above a threshold.

    Args:
        threshold: Least probability of the best class.
        confidence: Of the best class, image by image.
        right: Whether it is the right one.
        weight: What an image counts for, since copies count for less.
    """
    answered = confidence >= threshold
    num_answered, num_right = int(answered.sum()), int((answered & right).sum())
    return Coverage(
        threshold=threshold,
        answered=num_answered / max(1, len(right)),
        right=num_right / num_answered if num_answered else 1.0,
        interval=wilson_interval(num_right * weight, num_answered * weight),
    )


def coverage_curve(
    confidence: Doubles, right: NDArray[np.bool_], weight: float = 1.0, *, and_at: float | None = None
) -> tuple[Coverage, ...]:
    """Return coverage against accuracy, by ascending threshold, one more among them; see :func:`coverage_at`."""
    thresholds = sorted({*_SHOWN, *([] if and_at is None else [and_at])})
    return tuple(coverage_at(threshold, confidence, right, weight) for threshold in thresholds)


def recommend(confidence: Doubles, right: NDArray[np.bool_], weight: float = 1.0) -> tuple[float | None, float]:
    """Return the lowest threshold above which answers are reliable, and how reliable; see :func:`coverage_at`.

    Returns:
        A threshold with the share of answers that are right above it, at least, by the lower end of the interval; 0
        where every answer is as reliable; ``None`` with the lowest share asked for where no threshold helps.
    """
    curve = [coverage_at(threshold, confidence, right, weight) for threshold in _GRID]
    for target in TARGETS:
        for each in curve:
            if each.interval[0] >= target and each.answered >= LEAST_ANSWERED:
                return each.threshold, target
    return None, TARGETS[-1]


def answer_sets(
    calibration: tuple[Doubles, Labels, NDArray[np.int64]], other: tuple[Doubles, Labels]
) -> AnswerSets | None:
    """Return from which probability on a class belongs to the answer, by split conformal prediction.

    Args:
        calibration: Probabilities, classes and groups of copies of images that the network has not learnt from, as the
            test's; of each group one image counts.
        other: Probabilities and classes of other images, which say how large sets are.

    Returns:
        ``None`` where there are too few images for the level.

    Source: Vovk, Gammerman, Shafer, "Algorithmic learning in a random world", 2005; Sadinle, Lei, Wasserman, "Least
    ambiguous set-valued classifiers", JASA 114, 2019.
    """
    probabilities, labels, groups = calibration
    first = np.unique(groups, return_index=True)[1]
    given = np.sort(probabilities[first, labels[first]])[::-1]
    rank = math.ceil((len(given) + 1) * SET_LEVEL)
    if rank > len(given):
        return None
    least = float(given[rank - 1])
    shares, classes = other
    inside = shares >= least
    inside[np.arange(len(shares)), shares.argmax(axis=1)] = True
    return AnswerSets(
        level=SET_LEVEL,
        least_probability=least,
        mean_size=float(inside.sum(axis=1).mean()),
        covered=float(inside[np.arange(len(shares)), classes].mean()),
    )


def reliability(confidence: Doubles, right: NDArray[np.bool_], weight: float = 1.0) -> tuple[ReliabilityBin, ...]:
    """Return stated against true probabilities in bins of as many images each; see :func:`coverage_at`."""
    num_bins = max(1, min(_MOST_BINS, len(right) // _LEAST_IN_BIN))
    parts = np.array_split(np.argsort(confidence, kind="stable"), num_bins)
    return tuple(
        ReliabilityBin(
            num_images=len(part),
            stated=float(confidence[part].mean()),
            right=float(right[part].mean()),
            interval=wilson_interval(float(right[part].sum()) * weight, len(part) * weight),
        )
        for part in parts
        if len(part)
    )
