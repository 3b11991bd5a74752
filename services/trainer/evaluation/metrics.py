"""How good a classifier is, and how sure one may be of it: arithmetic on labels and logits, without TensorFlow."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from services.trainer.fitting.temperature import Labels
from shared.interval import num_independent
from shared.job.findings.scores import ClassScore


def confusion(labels: Labels, predicted: Labels, num_classes: int) -> NDArray[np.int64]:
    """Count images by actual class (rows) and predicted class (columns), ``(num_classes, num_classes)``."""
    counts: NDArray[np.int64] = confusion_matrix(labels, predicted, labels=np.arange(num_classes))
    return counts


def independent(groups: NDArray[np.int64]) -> float:
    """Return how many images without copies say as much as these; see :func:`shared.interval.num_independent`."""
    return num_independent(np.unique(groups, return_counts=True)[1].tolist())


def class_scores(
    labels: Labels, predicted: Labels, classes: Sequence[str], groups: NDArray[np.int64]
) -> tuple[ClassScore, ...]:
    """Return precision, recall and F1 of each class; 0 where nothing was predicted or nothing was there.

    Args:
        labels: What the images are.
        predicted: What they were taken for.
        classes: Names.
        groups: Copies have one number.
    """
    columns = precision_recall_fscore_support(
        labels, predicted, labels=np.arange(len(classes)), average=None, zero_division=0.0
    )
    return tuple(
        ClassScore(
            name=name,
            precision=float(precision),
            recall=float(recall),
            f1=float(f1),
            num_images=int(support),
            num_independent=independent(groups[labels == label]),
        )
        for label, (name, precision, recall, f1, support) in enumerate(zip(classes, *columns, strict=True))
    )


def with_cross_validated(
    scores: Sequence[ClassScore], labels: Labels, right: NDArray[np.bool_]
) -> tuple[ClassScore, ...]:
    """Put beside each class what cross-validation found of it.

    Args:
        scores: One for each class.
        labels: Classes of the images that were cross-validated.
        right: Whether each was taken for what it is.
    """
    totals = np.bincount(labels, minlength=len(scores))
    found = np.bincount(labels, weights=right, minlength=len(scores))
    return tuple(
        replace(each, cross_validated=float(hits / total), num_cross_validated=int(total)) if total else each
        for each, total, hits in zip(scores, totals, found, strict=True)
    )


def balanced_accuracy(scores: Sequence[ClassScore]) -> float:
    """Return the mean recall of the classes that have images: accuracy as if all classes were equally frequent."""
    return float(np.mean([score.recall for score in scores if score.num_images]))


def macro_f1(scores: Sequence[ClassScore]) -> float:
    """Return the mean F1 of the classes that have images."""
    return float(np.mean([score.f1 for score in scores if score.num_images]))


def expected_calibration_error(
    confidence: NDArray[np.float64], correct: NDArray[np.bool_], num_bins: int = 15
) -> float:
    """Return how far confidence is from the share of right answers, averaged over bins of equal width.

    Args:
        confidence: ``(num_images,)``, probability of the predicted class.
        correct: ``(num_images,)``, whether the prediction was right.
        num_bins: Bins between 0 and 1.

    Source: Naeini et al., "Obtaining well calibrated probabilities using Bayesian binning", AAAI 2015.
    """
    bins = np.minimum((confidence * num_bins).astype(np.int64), num_bins - 1)
    gaps = np.bincount(bins, weights=confidence - correct, minlength=num_bins)
    return float(np.abs(gaps).sum() / len(confidence))
