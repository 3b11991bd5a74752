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
        groups: ``(num_images,)``; copies of one another have the same number.
        seed: The same seed gives the same folds.
        num_folds: At least 2.

    Returns:
        ``(num_images,) int64``, 0 to ``num_folds - 1``; with few images some folds may be empty.
    """
    generator = np.random.default_rng(seed)
    _, first, group_of = np.unique(_torn(labels, groups), return_index=True, return_inverse=True)
    sizes = np.bincount(group_of)
    class_of = labels[first]
    fold_of = np.zeros(len(first), np.int64)
    totals = np.zeros(num_folds, np.int64)
    for label in np.unique(class_of):
        members = generator.permutation(np.flatnonzero(class_of == label))
        filled = np.zeros(num_folds, np.int64)
        for group in members[np.argsort(-sizes[members], kind="stable")]:
            fold = int(np.lexsort((totals, filled))[0])
            fold_of[group] = fold
            filled[fold] += sizes[group]
            totals[fold] += sizes[group]
    folds: NDArray[np.int64] = fold_of[group_of]
    return folds


def _torn(labels: NDArray[np.int32], groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the groups with every image by itself whose class has one group only."""
    torn = groups.copy()
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        if len(np.unique(groups[members])) == 1:
            torn[members] = groups.max() + 1 + members
    return torn
