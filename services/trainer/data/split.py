"""Divides images into train, validation and test: by class, by whole groups of near-duplicates, by a seed alone."""

import warnings

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from services.trainer.data.copies.groups import is_pure
from services.trainer.data.dataset import Split
from shared.errors import UserFault

SPLIT_VERSION = 2
"""Raise it when the same groups and seed give another split; see ``tests/unit/test_data_version.py``."""
HELD_BACK_FRAC = 0.15
"""Share of validation, and of test."""
_NUM_FOLDS, _FEWEST_GROUPS = 7, 3
_TRAIN, _VALIDATION, _TEST = 0, 1, 2


def split_by_groups(labels: NDArray[np.int32], groups: NDArray[np.int64], seed: int) -> Split:
    """Split 70/15/15 within every class; no group straddles, and every class has an image in each part.

    Groups with images of several classes all go to train: pictures whose label is in doubt must judge no network.
    Needs three groups of its own in every class, as :func:`services.trainer.data.copies.groups.split_groups` makes
    them.

    Args:
        labels: ``(num_images,) int32``; images are in an order that does not depend on the archive's.
        groups: ``(num_images,) int64``.
        seed: The same seed and images give the same split.
    """
    generator = np.random.default_rng(seed)
    part = np.full(len(labels), _TRAIN, np.int8)
    pure = is_pure(groups, labels)
    for label in range(int(labels.max()) + 1):
        members = np.flatnonzero(labels == label)
        numbers, sizes = np.unique(groups[members[pure[members]]], return_counts=True)
        order = generator.permutation(len(numbers))
        target = max(1, round(HELD_BACK_FRAC * len(members)))
        for chosen, destination in zip(_held_back(sizes[order], target), (_TEST, _VALIDATION), strict=True):
            part[np.isin(groups, numbers[order[chosen]])] = destination
    return Split(
        train=np.flatnonzero(part == _TRAIN),
        validation=np.flatnonzero(part == _VALIDATION),
        test=np.flatnonzero(part == _TEST),
    )


def split_by_given_groups(labels: NDArray[np.int32], groups: NDArray[np.int64], seed: int) -> Split:
    """Split about 70/15/15 by groups that may hold images of several classes; no group straddles.

    Every class is learnt from. One with few groups may have none to be tested by, which the report then says of it.

    Args:
        labels: ``(num_images,) int32``; images are in an order that does not depend on the archive's.
        groups: ``(num_images,) int64``.
        seed: The same seed and images give the same split.

    Raises:
        UserFault: ``groups_too_few``, if nothing would be left to choose with, or to test with.
    """
    num_groups = len(np.unique(groups))
    if num_groups < _FEWEST_GROUPS:
        raise _too_few(num_groups)
    folds = StratifiedGroupKFold(n_splits=min(_NUM_FOLDS, num_groups), shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of classes with few images; the report tells of them
        held_out = [found for _, found in folds.split(np.zeros(len(labels)), labels, groups)]
    part = np.full(len(labels), _TRAIN, np.int8)
    part[held_out[0]], part[held_out[1]] = _TEST, _VALIDATION
    for label in range(int(labels.max()) + 1):
        members = labels == label
        if not (part[members] == _TRAIN).any():
            part[np.isin(groups, groups[members])] = _TRAIN
    if not (part == _VALIDATION).any() or not (part == _TEST).any():
        raise _too_few(num_groups)
    return Split(
        train=np.flatnonzero(part == _TRAIN),
        validation=np.flatnonzero(part == _VALIDATION),
        test=np.flatnonzero(part == _TEST),
    )


def _too_few(num_groups: int) -> UserFault:
    return UserFault(
        "groups_too_few",
        f"What is to stay together makes {num_groups} groups: too few for photographs to learn from, to choose with "
        "and to test with, with every class in the first.",
        fix="Choose another rule for group_by that makes more groups, or leave it out.",
        details={"num_groups": num_groups},
    )


def _held_back(sizes: NDArray[np.int64], target: int) -> tuple[list[int], list[int]]:
    """Choose groups for two parts, in turn, each of at most ``target`` images but never empty."""
    parts: tuple[list[int], list[int]] = ([], [])
    filled = [0, 0]
    left = []
    for position, size in enumerate(sizes.tolist()):
        part = int(filled[1] < filled[0])
        if filled[part] + size <= target:
            parts[part].append(position)
            filled[part] += size
        else:
            left.append(position)
    left.sort(key=lambda position: -sizes[position])
    for chosen in parts:
        if not chosen:
            chosen.append(left.pop())
    return parts
