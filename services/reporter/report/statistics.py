"""What a result says between its numbers: intervals, the level of guessing, the commonest confusions."""

from dataclasses import dataclass

from shared.interval import wilson_interval
from shared.job.job import TrialState
from shared.job.result import CandidateResult, ClassScore, Result


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
    """

    number: int
    score: ClassScore
    num_right: int
    recall_interval: tuple[float, float]


def num_right(result: Result) -> int:
    """Return how many test images were recognised."""
    return sum(row[position] for position, row in enumerate(result.test.confusion_matrix))


def commonest_class(result: Result) -> ClassScore:
    """Return the class with most test images: always answering it is the simplest rival of the network."""
    return max(result.test.per_class, key=lambda score: score.num_images)


def guessing_accuracy(result: Result) -> float:
    """Return the accuracy of always answering the commonest class."""
    return commonest_class(result).num_images / max(result.test.num_images, 1)


def class_rows(result: Result) -> list[ClassRow]:
    """Return the classes in their order."""
    rows = []
    for position, score in enumerate(result.test.per_class):
        right = result.test.confusion_matrix[position][position]
        interval = wilson_interval(right, score.num_images)
        rows.append(ClassRow(number=position + 1, score=score, num_right=right, recall_interval=interval))
    return rows


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
        for actual, row in enumerate(result.test.confusion_matrix)
        for predicted, count in enumerate(row)
        if count and actual != predicted
    ]
    return sorted(found, key=lambda each: (-each.count, each.num_images))


def trained(result: Result) -> list[CandidateResult]:
    """Return the candidates that have an accuracy, the best first and the winner before its equals."""
    done = [each for each in result.candidates if each.state is TrialState.DONE and each.val_accuracy is not None]
    return sorted(done, key=lambda each: (-(each.val_accuracy or 0.0), each.name != result.winner))
