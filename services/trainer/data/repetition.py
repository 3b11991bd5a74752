"""How much a data set repeats itself, and what its split had to tear apart. Pure."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.trainer.data.copies.groups import is_pure, straddles
from services.trainer.data.dataset import Split, rows_of
from shared.job.findings.photographs import Duplicates, RepeatedClass

NUM_EXAMPLES = 5
NUM_PATHS = 3
"""Groups that are named, and paths of each."""
_MOSTLY = 0.5
_TEST = 2


def near_duplicates(
    groups: NDArray[np.int64], labels: NDArray[np.int32], split: Split, *, paths: Sequence[str], classes: Sequence[str]
) -> Duplicates:
    """Return what there is to tell of near-duplicates in the split; of identical pictures this knows nothing.

    Args:
        groups: ``(num_images,) int64``, one number for near-duplicates.
        labels: ``(num_images,) int32``.
        split: Of the images; one that is in no part does not count.
        paths: Of the images.
        classes: Names; the position is the label.
    """
    rows = rows_of(split)
    parts = np.zeros(len(labels), np.uint8)
    parts[split.validation], parts[split.test] = 1, _TEST
    groups, labels, parts, paths = groups[rows], labels[rows], parts[rows], [paths[row] for row in rows]
    _, position, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    is_mixed = ~is_pure(position, labels)
    return Duplicates(
        exact=0,
        near_groups=int((sizes > 1).sum()),
        num_near=int(sizes[sizes > 1].sum()),
        mixed_groups=len(np.unique(position[is_mixed])),
        examples=_examples(position, sizes, is_mixed, paths),
        repeated=_repeated(position, labels, parts, classes),
    )


def _examples(
    groups: NDArray[np.int64], sizes: NDArray[np.int64], is_mixed: NDArray[np.bool_], paths: Sequence[str]
) -> tuple[tuple[str, ...], ...]:
    """Name a few groups: those of several classes first, then the largest."""
    mixed = np.zeros(len(sizes), bool)
    mixed[groups[is_mixed]] = True
    shown = np.lexsort((-sizes, ~mixed))[:NUM_EXAMPLES]
    members = [np.flatnonzero(groups == number) for number in shown if sizes[number] > 1]
    return tuple(tuple(paths[row] for row in rows[:NUM_PATHS]) for rows in members)


def _repeated(
    groups: NDArray[np.int64], labels: NDArray[np.int32], parts: NDArray[np.uint8], classes: Sequence[str]
) -> tuple[RepeatedClass, ...]:
    is_torn = straddles(groups, parts)
    told = []
    for label, name in enumerate(classes):
        inside = labels == label
        largest = int(np.unique(groups[inside], return_counts=True)[1].max())
        torn = inside & is_torn
        if torn.any() or largest > _MOSTLY * inside.sum():
            told.append(
                RepeatedClass(
                    name=name,
                    num_images=int(inside.sum()),
                    largest_group=largest,
                    num_straddling=int(torn.sum()),
                    num_test_straddling=int((torn & (parts == _TEST)).sum()),
                )
            )
    return tuple(told)
