"""The tables of a delivery, for spreadsheets: which file served for what, and what the network said in the test."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.trainer.data.dataset import Indices, LearningSet
from shared.job.findings.photographs import Quarantined
from shared.text.printable import csv_cell

_DIGITS = 6


def split_table(
    learning: LearningSet, test_labels: NDArray[np.integer[Any]], quarantined: Sequence[Quarantined]
) -> str:
    """Return which file of the archive served for what, in the order of paths.

    Args:
        learning: See there.
        test_labels: Classes of its test split.
        quarantined: Files that were left out.
    """
    labels, split = learning.labels.copy(), learning.split
    labels[split.test] = test_labels
    parts = {"train": split.train, "validation": split.validation, "test": split.test}
    used = [
        (learning.paths[position], learning.classes[labels[position]], name, "")
        for name, positions in parts.items()
        for position in positions
    ]
    left_out = [(each.path, "", "left out", each.code) for each in quarantined]
    return _table(("path", "class", "split", "why"), sorted([*used, *left_out]))


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


def _table(head: Sequence[str], rows: Iterable[Sequence[str | float]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in (head, *rows):
        writer.writerow([csv_cell(cell) if isinstance(cell, str) else cell for cell in row])
    return text.getvalue()
