"""Divides images into train, validation and test: by class, by whole groups of near-duplicates, by a seed alone.

Parts that a person made stay as they are; only what they lack is taken from the images to learn from.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from services.trainer.data.copies.across import giving_way, held_higher
from services.trainer.data.copies.groups import alike_groups, is_pure, split_groups
from services.trainer.data.copies.search import Pairs
from services.trainer.data.dataset import Indices, Split
from services.trainer.data.grouping import joined
from shared.errors import UserFault

SPLIT_VERSION = 2
"""Raise it when the same groups and seed give another split; see ``tests/unit/test_data_version.py``."""
HELD_BACK_FRAC = 0.15
"""Share of validation, and of test."""
_NUM_FOLDS = 7
LEARNT, CHOSEN, TESTED = 0, 1, 2
"""What an image serves for, as far as a person said: to learn from, to choose with, to test with."""
_HELD_BACK = (TESTED, CHOSEN)


def split_by_groups(
    labels: NDArray[np.int32], groups: NDArray[np.int64], seed: int, *, held_back: Sequence[int] = _HELD_BACK
) -> Split:
    """Split 70/15/15 within every class; no group straddles, and every class has an image in each part.

    Groups with images of several classes all go to train: pictures whose label is in doubt must judge no network.
    Needs three groups of its own in every class, as :func:`services.trainer.data.copies.groups.split_groups` makes
    them.

    Args:
        labels: ``(num_images,) int32``; images are in an order that does not depend on the archive's.
        groups: ``(num_images,) int64``.
        seed: The same seed and images give the same split.
        held_back: What is taken from the images: both, or one of ``TESTED`` and ``CHOSEN``.
    """
    generator = np.random.default_rng(seed)
    part = np.full(len(labels), LEARNT, np.uint8)
    pure = is_pure(groups, labels)
    for label in range(int(labels.max()) + 1):
        members = np.flatnonzero(labels == label)
        numbers, sizes = np.unique(groups[members[pure[members]]], return_counts=True)
        order = generator.permutation(len(numbers))
        target = max(1, round(HELD_BACK_FRAC * len(members)))
        for chosen, destination in zip(_held_back(sizes[order], target, len(held_back)), held_back, strict=True):
            part[np.isin(groups, numbers[order[chosen]])] = destination
    return _split_of(part)


def split_by_given_groups(
    labels: NDArray[np.int32], groups: NDArray[np.int64], seed: int, *, held_back: Sequence[int] = _HELD_BACK
) -> Split:
    """Split about 70/15/15 by groups that may hold images of several classes; no group straddles.

    Every class is learnt from. One with few groups may have none to be tested by, which the report then says of it.

    Args:
        labels: ``(num_images,) int32``; images are in an order that does not depend on the archive's.
        groups: ``(num_images,) int64``.
        seed: The same seed and images give the same split.
        held_back: As :func:`split_by_groups`.

    Raises:
        UserFault: ``groups_too_few``, if nothing would be left to choose with, or to test with.
    """
    num_groups = len(np.unique(groups))
    if num_groups <= len(held_back):
        raise _too_few(num_groups)
    num_folds = min(_NUM_FOLDS, num_groups, int(np.bincount(labels).max()))
    folds = StratifiedGroupKFold(n_splits=num_folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of classes with few images; the report tells of them
        held_out = [found for _, found in folds.split(np.zeros(len(labels)), labels, groups)]
    part = np.full(len(labels), LEARNT, np.uint8)
    for found, destination in zip(held_out, held_back, strict=False):
        part[found] = destination
    for label in range(int(labels.max()) + 1):
        members = labels == label
        if not (part[members] == LEARNT).any():
            part[np.isin(groups, groups[members])] = LEARNT
    if not all((part == wanted).any() for wanted in held_back):
        raise _too_few(num_groups)
    return _split_of(part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """What must not be learnt from and judged by at once.

    Args:
        pairs: Near-duplicates.
        given: ``(num_images,) int64``: groups that the person wants on one side; ``None``: near-duplicates alone.
    """

    pairs: Pairs
    given: NDArray[np.int64] | None = None

    def groups(self, num_images: int) -> NDArray[np.int64]:
        """Return the number of every image's group."""
        alike = alike_groups(self.pairs, num_images)
        return alike if self.given is None else joined(alike, self.given)

    def among(self, rows: Indices, num_images: int) -> "Alike":
        """Return the same of some of the images, by their positions among these."""
        position = np.full(num_images, -1, np.int64)
        position[rows] = np.arange(len(rows))
        first, second = position[self.pairs.first], position[self.pairs.second]
        inside = (first >= 0) & (second >= 0)
        pairs = Pairs(first=first[inside], second=second[inside], difference=self.pairs.difference[inside])
        return Alike(pairs=pairs, given=None if self.given is None else self.given[rows])


def split_alike(labels: NDArray[np.int32], alike: Alike, seed: int, *, held_back: Sequence[int] = _HELD_BACK) -> Split:
    """Split with what is alike on one side, as far as every class keeps something in each part.

    Args:
        labels: ``(num_images,) int32``.
        alike: What stays together.
        seed: The same seed and images give the same split.
        held_back: As :func:`split_by_groups`.

    Raises:
        UserFault: ``groups_too_few``.
    """
    if alike.given is None:
        return split_by_groups(labels, split_groups(alike.pairs, labels), seed, held_back=held_back)
    return split_by_given_groups(labels, alike.groups(len(labels)), seed, held_back=held_back)


def split_as_made(labels: NDArray[np.int32], alike: Alike, rank: NDArray[np.uint8], seed: int, *, least: int) -> Split:
    """Return the split that a person made; what it lacks is taken from the images to learn from.

    An image whose copy a higher part holds is in no part: what judges a network must not be learnt from. Of the test
    nothing is ever taken away.

    Args:
        labels: ``(num_images,) int32``.
        alike: What stays together.
        rank: ``(num_images,) uint8``: ``LEARNT``, ``CHOSEN`` or ``TESTED``.
        seed: The same seed and images give the same split.
        least: Images that every class needs to learn from.

    Raises:
        UserFault: ``groups_too_few``, if what the person wants together leaves too little to learn from.
    """
    groups = alike.groups(len(labels))
    is_left_out = giving_way(groups, labels, rank, least=least)
    if alike.given is not None and (held_higher(groups, rank) & ~is_left_out).any():
        raise _too_little()
    part, wanted = rank.copy(), [each for each in _HELD_BACK if not (rank == each).any()]
    rows = np.flatnonzero((rank == LEARNT) & ~is_left_out)
    if wanted:
        found = split_alike(labels[rows], alike.among(rows, len(labels)), seed, held_back=wanted)
        part[rows[found.validation]], part[rows[found.test]] = CHOSEN, TESTED
    part[is_left_out] = _NOTHING
    return _split_of(part)


_NOTHING = 255


def _split_of(part: NDArray[np.uint8]) -> Split:
    return Split(
        train=np.flatnonzero(part == LEARNT),
        validation=np.flatnonzero(part == CHOSEN),
        test=np.flatnonzero(part == TESTED),
    )


def _too_little() -> UserFault:
    return UserFault(
        "groups_too_few",
        "What group_by keeps together lies on both sides of your own split, and too little would be left to learn from "
        "if everything that belongs to a photograph of your test were left out.",
        fix="Let each of these groups lie in one part of your split, or leave group_by out; or give the option "
        "split=new (--split new), and convtailor makes a split that keeps them together.",
    )


def _too_few(num_groups: int) -> UserFault:
    return UserFault(
        "groups_too_few",
        f"What is to stay together makes {num_groups} groups: too few for photographs to learn from, to choose with "
        "and to test with, with every class in the first.",
        fix="Choose another rule for group_by that makes more groups, or leave it out.",
        details={"num_groups": num_groups},
    )


def _held_back(sizes: NDArray[np.int64], target: int, num_parts: int) -> list[list[int]]:
    """Choose groups for some parts, in turn, each of at most ``target`` images but never empty."""
    parts: list[list[int]] = [[] for _ in range(num_parts)]
    filled = [0] * num_parts
    left = []
    for position, size in enumerate(sizes.tolist()):
        part = filled.index(min(filled))
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
