"""What a result says between its numbers: intervals, the level of guessing, the commonest confusions."""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shared.interval import wilson_interval
from shared.job.findings.scores import ClassScore, TestScores
from shared.job.findings.training import CandidateResult
from shared.job.job import TrialState
from shared.job.result import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """One class taken for another.

    Args:
        actual: What the images are.
        predicted: What the network said.
        count: Test images of ``actual`` that were called ``predicted``.
        num_images: Test images of ``actual``.
    """

    actual: str
    predicted: str
    count: int
    num_images: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassRow:
    """One class on the test split with the uncertainty of its recall.

    Args:
        number: Position among the classes, from 1.
        score: Its scores.
        num_right: Images of it that were recognised.
        recall_interval: 95 % Wilson interval of the recall; the whole range where it has no test image.
        num_predicted: Images that were taken for it, rightly or not.
        precision_interval: The same of the precision; the whole range where nothing was taken for it.
        cross_interval: The same of the recall in cross-validation.
    """

    number: int
    score: ClassScore
    num_right: int
    recall_interval: tuple[float, float]
    num_predicted: int
    precision_interval: tuple[float, float]
    cross_interval: tuple[float, float]


MOST_MATRIX_CLASSES = 60
"""Classes up to which the confusion matrix is shown whole: more would fill no screen and no sheet of paper."""
_NUM_MIXED_UP = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixView:
    """As much of the confusion matrix as a person can read.

    Args:
        rows: Positions of the classes that are shown, ascending; none where there is nothing worth showing.
        counts: One row for each, one column for each and, unless the view is whole, one for all other classes.
        is_whole: Whether no class is left out.
    """

    rows: Sequence[int]
    counts: Sequence[Sequence[int]]
    is_whole: bool


def matrix_view(result: Result) -> MatrixView:
    """Return the whole matrix, or of many classes those that are mixed up most with one another."""
    matrix = result.test.confusion_matrix
    if len(matrix) <= MOST_MATRIX_CLASSES:
        return MatrixView(rows=range(len(matrix)), counts=matrix, is_whole=True)
    rows = _mixed_up_most(matrix)
    counts = []
    for actual in rows:
        shown = [matrix[actual][predicted] for predicted in rows]
        counts.append([*shown, sum(matrix[actual]) - sum(shown)])
    return MatrixView(rows=rows, counts=counts, is_whole=False)


def _mixed_up_most(matrix: Sequence[Sequence[int]]) -> list[int]:
    pairs = ((count, actual, predicted) for actual, predicted, count in _confused(matrix))
    chosen: set[int] = set()
    for _, *pair in heapq.nlargest(_NUM_MIXED_UP**2, pairs):
        if len(chosen | set(pair)) <= _NUM_MIXED_UP:
            chosen.update(pair)
    return sorted(chosen)


def _confused(matrix: Sequence[Sequence[int]]) -> Iterator[tuple[int, int, int]]:
    """Yield actual class, predicted class and count of every confusion, by positions."""
    for actual, row in enumerate(matrix):
        for predicted, count in enumerate(row):
            if count and actual != predicted:
                yield actual, predicted, count


def num_right(result: Result) -> int:
    """Return how many test images were recognised."""
    return sum(row[position] for position, row in enumerate(result.test.confusion_matrix))


def commonest_class(result: Result) -> ClassScore:
    """Return the class with most test images: always answering it is the simplest rival of the network."""
    return max(result.test.per_class, key=lambda score: score.num_images)


def guessing_accuracy(result: Result) -> float:
    """Return the accuracy of always answering the commonest class."""
    return commonest_class(result).num_images / max(result.test.num_images, 1)


def counted_images(score: TestScores | ClassScore) -> float:
    """Return what the test images count for once copies among them count for one; results of old do not know."""
    return float(score.num_images) if score.num_independent is None else score.num_independent


def is_test_unseen(result: Result) -> bool:
    """Tell whether no test image has a near-duplicate that was learnt from."""
    return not any(each.num_test_straddling for each in result.duplicates.repeated)


def class_rows(result: Result) -> list[ClassRow]:
    """Return the classes in their order."""
    predicted = [sum(column) for column in zip(*result.test.confusion_matrix, strict=True)]
    # Which groups of copies were taken for a class is not told; so copies count in it as they do in the whole test.
    counting = counted_images(result.test) / max(1, result.test.num_images)
    rows = []
    for position, score in enumerate(result.test.per_class):
        right = result.test.confusion_matrix[position][position]
        rows.append(
            ClassRow(
                number=position + 1,
                score=score,
                num_right=right,
                recall_interval=_interval(right, score.num_images, counted_images(score)),
                num_predicted=predicted[position],
                precision_interval=_interval(right, predicted[position], predicted[position] * counting),
                cross_interval=wilson_interval(
                    (score.cross_validated or 0.0) * score.num_cross_validated * counting,
                    score.num_cross_validated * counting,
                ),
            )
        )
    return rows


def _interval(num_right: int, num_images: int, counted: float) -> tuple[float, float]:
    return wilson_interval(num_right / max(1, num_images) * counted, counted)


def weakest_first(rows: list[ClassRow]) -> list[ClassRow]:
    """Return classes by F1, the weakest first."""
    return sorted(rows, key=lambda row: (row.score.f1, row.number))


def confusions(result: Result) -> list[Confusion]:
    """Return every pair of classes that was confused, the commonest first."""
    found = [
        Confusion(
            actual=result.classes[actual],
            predicted=result.classes[predicted],
            count=count,
            num_images=result.test.per_class[actual].num_images,
        )
        for actual, predicted, count in _confused(result.test.confusion_matrix)
    ]
    return sorted(found, key=lambda each: (-each.count, each.num_images))


def trained(result: Result) -> list[CandidateResult]:
    """Return the candidates that have an accuracy, the best first and the winner before its equals."""
    done = [each for each in result.candidates if each.state is TrialState.DONE and each.val_accuracy is not None]
    return sorted(done, key=lambda each: (-(each.val_accuracy or 0.0), each.name != result.winner))
