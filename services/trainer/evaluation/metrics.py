"""How good a classifier is, and how sure one may be of it: arithmetic on labels and logits, without TensorFlow."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependence:
    """Which images are right or wrong together: copies always, what the person wants together more or less.

    Args:
        copies: ``(num_images,)``; near-duplicates have one number.
        given: ``(num_images,)``; these, and what the person wants together, such as all of one site, have one number;
            ``None`` where that is the same.
        correlation: Of two images that are together and no copies, 0 to 1; see :func:`correlation_within`.
    """

    copies: NDArray[np.int64]
    given: NDArray[np.int64] | None = None
    correlation: float = 0.0

    def of(self, chosen: NDArray[np.bool_]) -> "Dependence":
        """Return the same of some of the images."""
        return replace(self, copies=self.copies[chosen], given=None if self.given is None else self.given[chosen])

    @property
    def num_independent(self) -> float:
        """How many images say as much that are all alone: Kish's effective size, for both kinds of correlation."""
        alike = _num_independent(self.copies)
        if self.given is None or not len(self.copies):
            return alike
        # The variance of a mean over correlated images is that of an independent one, divided by these sizes.
        return 1 / (self.correlation / _num_independent(self.given) + (1 - self.correlation) / alike)


def _num_independent(groups: NDArray[np.int64]) -> float:
    return num_independent(np.unique(groups, return_counts=True)[1].tolist())


def correlation_within(right: NDArray[np.bool_], groups: NDArray[np.int64]) -> float:
    """Return how much images of one group are right or wrong together: 0 like any two, 1 always.

    Args:
        right: ``(num_images,)``, whether each was read rightly.
        groups: ``(num_images,)``; what is together has one number.

    Returns:
        1 where one group is all there is: nobody knows how the next one will do. 0 where every image is right.

    Source: the estimator by analysis of variance of Ridout, Demétrio and Firth, "Estimating intraclass correlation for
    binary data", Biometrics 55, 1999.
    """
    _, member_of = np.unique(groups, return_inverse=True)
    sizes = np.bincount(member_of).astype(np.float64)
    num_groups, num_images = len(sizes), len(right)
    if num_groups < 2:  # noqa: PLR2004 - nothing to compare
        return 1.0
    if num_images == num_groups:
        return 0.0
    shares = np.bincount(member_of, weights=right) / sizes
    between = float((sizes * np.square(shares - right.mean())).sum()) / (num_groups - 1)
    within = float((sizes * shares * (1 - shares)).sum()) / (num_images - num_groups)
    typical = (num_images - float(np.square(sizes).sum()) / num_images) / (num_groups - 1)
    total = between + (typical - 1) * within
    return 0.0 if total <= 0 else float(np.clip((between - within) / total, 0.0, 1.0))


def class_scores(
    labels: Labels, predicted: Labels, classes: Sequence[str], dependence: Dependence
) -> tuple[ClassScore, ...]:
    """Return precision, recall and F1 of each class; 0 where nothing was predicted or nothing was there.

    Args:
        labels: What the images are.
        predicted: What they were taken for.
        classes: Names.
        dependence: Which of them are right or wrong together.
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
            num_independent=dependence.of(labels == label).num_independent,
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
