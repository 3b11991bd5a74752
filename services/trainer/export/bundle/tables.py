"""The tables of a delivery, for spreadsheets: which file served for what, and what the network said in the test."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.trainer.data.dataset import Indices, LearningSet
from shared.job.findings.photographs import ClassFiles, Quarantined
from shared.job.findings.suspects import Suspects
from shared.text.printable import csv_cell

_DIGITS = 6
MOST_LISTED_CHARACTERS = 400_000
"""Of all paths in the listing of a report: some ten thousand photographs."""


def split_table(
    learning: LearningSet, test_labels: NDArray[np.integer[Any]], quarantined: Sequence[Quarantined]
) -> str:
    """Return which file of the archive served for what, in the order of paths.

    Args:
        learning: See there.
        test_labels: Classes of its test split.
        quarantined: Files that were left out.
    """
    labels = _labels(learning, test_labels)
    used = [
        (learning.paths[position], learning.classes[labels[position]], name, "")
        for name, positions in _parts(learning).items()
        for position in positions
    ]
    left_out = [(each.path, "", "left out", each.code) for each in quarantined]
    return _table(("path", "class", "split", "why"), sorted([*used, *left_out]))


def _labels(learning: LearningSet, test_labels: NDArray[np.integer[Any]]) -> NDArray[np.int32]:
    labels = learning.labels.copy()
    labels[learning.split.test] = test_labels
    return labels


def _parts(learning: LearningSet) -> dict[str, Indices]:
    """Return the parts of the split by name, the one that people ask about most first."""
    split = learning.split
    return {"test": split.test, "validation": split.validation, "train": split.train}


def split_listing(
    learning: LearningSet, test_labels: NDArray[np.integer[Any]], *, most_characters: int = MOST_LISTED_CHARACTERS
) -> tuple[ClassFiles, ...]:
    """Return the same class by class, for a report: paths as far as there is room, those of the test before others.

    Args:
        learning: See there.
        test_labels: Classes of its test split.
        most_characters: Of all paths together.
    """
    labels = _labels(learning, test_labels)
    named: dict[tuple[int, str], list[str]] = {}
    num_named = np.zeros(len(learning.classes), np.int64)
    for part, positions in _parts(learning).items():
        for position in sorted(positions.tolist(), key=learning.paths.__getitem__):
            path = learning.paths[position]
            most_characters -= len(path)
            if most_characters < 0:
                break
            named.setdefault((int(labels[position]), part), []).append(path)
            num_named[labels[position]] += 1
    used = np.concatenate(list(_parts(learning).values()))
    num_more = np.bincount(labels[used], minlength=len(learning.classes)) - num_named
    return tuple(
        ClassFiles(
            name=name,
            test=tuple(named.get((label, "test"), ())),
            validation=tuple(named.get((label, "validation"), ())),
            train=tuple(named.get((label, "train"), ())),
            num_more=int(num_more[label]),
        )
        for label, name in enumerate(learning.classes)
    )


def prediction_table(
    learning: LearningSet, indices: Indices, labels: NDArray[np.integer[Any]], probabilities: NDArray[np.float64]
) -> str:
    """Return what the network said of every test image.

    Args:
        learning: See there.
        indices: The test images.
        labels: Their classes.
        probabilities: ``(num_images, num_classes)``.
    """
    classes, predicted = learning.classes, probabilities.argmax(axis=1)
    rows = (
        (
            learning.paths[index],
            classes[label],
            classes[found],
            "yes" if found == label else "no",
            *(round(float(value), _DIGITS) for value in (given[found], *given)),
        )
        for index, label, found, given in zip(indices, labels, predicted, probabilities, strict=True)
    )
    head = ("path", "class", "predicted", "right", "probability", *(f"probability of {name}" for name in classes))
    return _table(head, rows)


def suspect_table(suspects: Suspects | None) -> str:
    """Return which photographs may lie in the wrong folder, the most doubtful first, then those filed twice.

    Args:
        suspects: ``None`` where there were no answers to tell it from.
    """
    found = suspects or Suspects(num_examined=0, num_likely=0)
    rows: list[tuple[str | float, ...]] = [
        (
            each.path,
            each.filed_as,
            each.looks_like,
            round(each.probability, _DIGITS),
            round(each.filed_probability, _DIGITS),
            "likely" if position < found.num_likely else "perhaps",
        )
        for position, each in enumerate(found.listed)
    ]
    rows += [
        (path, name, "", "", "", f"near-copies in several classes, group {number}")
        for number, twins in enumerate(found.twins, start=1)
        for path, name in zip(twins.paths, twins.classes, strict=True)
    ]
    head = ("path", "filed as", "looks like", "probability", "probability of its folder", "why")
    return _table(head, rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str | float]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in (head, *rows):
        writer.writerow([csv_cell(cell) if isinstance(cell, str) else cell for cell in row])
    return text.getvalue()
