"""Divides what may be learnt from into folds, each of which is judged by what the others teach. Pure."""

import numpy as np
from numpy.typing import NDArray

NUM_FOLDS = 5


def deal_folds(
    labels: NDArray[np.int32], groups: NDArray[np.int64], *, seed: int, num_folds: int = NUM_FOLDS
) -> NDArray[np.int64]:
    """Return the fold of every image: whole groups of copies, and of every class in each fold about as many.

    Every class is learnt from whichever fold is held out: its groups go to different folds, and where it is nothing but
    copies of one picture they are dealt one by one, as the split itself had to.

    Args:
        labels: ``(num_images,)``, positions of the classes.
        groups: ``(num_images,)``; copies of one another have the same number. One may hold images of several classes.
        seed: The same seed gives the same folds.
        num_folds: At least 2.

    Returns:
        ``(num_images,) int64``, 0 to ``num_folds - 1``; with few images some folds may be empty.
    """
    generator = np.random.default_rng(seed)
    _, first, group_of = np.unique(_torn(labels, groups), return_index=True, return_inverse=True)
    sizes = np.bincount(group_of)
    class_of = labels[first]
    shared = _shared_classes(labels, group_of)
    dealt = np.zeros((num_folds, int(labels.max()) + 1), np.int64)
    fold_of = np.zeros(len(first), np.int64)
    totals = np.zeros(num_folds, np.int64)
    for label in np.unique(class_of):
        members = generator.permutation(np.flatnonzero(class_of == label))
        filled = np.zeros(num_folds, np.int64)
        for group in members[np.argsort(-sizes[members], kind="stable")]:
            classes = shared.get(int(group), _NONE)
            fold = int(np.lexsort((totals, filled, _num_alone(dealt[:, classes])))[0])
            fold_of[group] = fold
            dealt[fold, classes] += 1
            filled[fold] += sizes[group]
            totals[fold] += sizes[group]
    folds: NDArray[np.int64] = fold_of[group_of]
    return folds


_NONE = np.zeros(0, np.int64)


def _shared_classes(labels: NDArray[np.int32], group_of: NDArray[np.int64]) -> dict[int, NDArray[np.int64]]:
    """Return the classes of every group that has one which shares a group with another class; mostly there is none."""
    num_classes = int(labels.max()) + 1
    groups, classes = np.divmod(np.unique(group_of * num_classes + labels), num_classes)
    is_mixed = np.bincount(groups)[groups] > 1
    is_shared = np.isin(classes, classes[is_mixed])
    touched = np.isin(groups, groups[is_shared])
    parts = np.split(classes[touched], np.flatnonzero(np.diff(groups[touched])) + 1)
    return dict(zip(np.unique(groups[touched]).tolist(), parts, strict=False))


def _num_alone(dealt: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return of each fold how many of some classes have all of their groups in it so far.

    Args:
        dealt: ``(num_folds, num_classes)``, groups of each class in each fold.
    """
    totals = dealt.sum(axis=0)
    counts: NDArray[np.int64] = ((dealt == totals) & (totals > 0)).sum(axis=1)
    return counts


def _torn(labels: NDArray[np.int32], groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the groups with every image by itself whose class has one group only."""
    torn = groups.copy()
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        if len(np.unique(groups[members])) == 1:
            torn[members] = groups.max() + 1 + members
    return torn
