"""How much a data set repeats itself, what its split had to tear apart, and what came of a person's own. Pure."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.trainer.data.copies.groups import is_pure, straddles
from services.trainer.data.dataset import Dataset, Split, rows_of
from shared.job.findings.photographs import Duplicates, RepeatedClass
from shared.job.result import Remark
from shared.wording import count, quoted_names

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


def remarks_on_own_split(dataset: Dataset) -> tuple[Remark, ...]:
    """Return what became of a split that the person made; nothing where there was none."""
    own, split = dataset.own, dataset.split
    if own is None:
        return ()
    learnt_from = quoted_names(own.train)
    if not own.validation and not own.test:
        message = f"Of your parts only {learnt_from} could be used, so convtailor made its own split of it: "
    else:
        message = "Your own split was used: "
    message += (
        f"{count(len(split.train), 'photograph')} to learn from ({learnt_from}), "
        f"{len(split.validation):,} to choose with ({_whence(own.validation, learnt_from)}), "
        f"{len(split.test):,} to test with ({_whence(own.test, learnt_from)})."
    )
    given_way = dataset.duplicates.num_given_way
    if given_way:
        message += (
            f" {count(given_way, 'photograph')} of your parts {'was' if given_way == 1 else 'were'} left out, since a "
            "part that judges the network has copies: it must not be judged by what it has learnt."
        )
    untested = sorted({*range(len(dataset.classes))} - {*dataset.labels[split.test].tolist()})
    if untested:
        message += f" Nothing tests {quoted_names([dataset.classes[label] for label in untested])}."
    if not own.validation and not own.test:
        return (Remark(code="own_split_made", message=message, fix=_ADD_TEST),)
    return (Remark(code="own_split_used", message=message, fix=_MIX),)


_ADD_TEST = (
    "To have it tested with photographs that you choose, add a folder 'test' with class folders of the same names "
    "inside. If you need none, all is well."
)
_MIX = "To have your parts put together and split anew, send the zip again with split=new (--split new)."


def _whence(folders: Sequence[str], learnt_from: str) -> str:
    return quoted_names(folders) if folders else f"taken from {learnt_from}"
