"""The split holds its promises for every mixture of classes and groups."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from services.trainer.data.copies.across import giving_way
from services.trainer.data.copies.groups import is_pure, split_groups
from services.trainer.data.copies.search import Pairs
from services.trainer.data.dataset import Split
from services.trainer.data.split import Alike, split_by_given_groups, split_by_groups


@st.composite
def data_sets(draw: st.DrawFn) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Classes of 5 to 60 images and any pairs of near-duplicates, grouped as prepare does."""
    sizes = draw(st.lists(st.integers(5, 60), min_size=2, max_size=5))
    labels = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    end = st.integers(0, len(labels) - 1)
    pairs = draw(st.lists(st.tuples(end, end, st.sampled_from([0.01, 0.03, 0.06, 0.1, 0.15])), max_size=80))
    first, second, difference = np.array(pairs, np.float64).reshape(-1, 3).T
    found = Pairs(first=first.astype(np.int64), second=second.astype(np.int64), difference=difference)
    return labels, split_groups(found, labels)


def parts(split: Split) -> tuple[NDArray[np.int64], ...]:
    return split.train, split.validation, split.test


@settings(derandomize=True, deadline=None)
@given(data_sets(), st.integers(0, 2**31 - 1))
def test_every_class_is_everywhere_every_group_in_one_place(
    data_set: tuple[NDArray[np.int32], NDArray[np.int64]], seed: int
) -> None:
    labels, groups = data_set
    split = split_by_groups(labels, groups, seed)
    assert sorted(np.concatenate(parts(split)).tolist()) == list(range(len(labels)))
    for part in parts(split):
        assert set(labels[part].tolist()) == set(labels.tolist())
        assert np.all(np.diff(part) > 0)
    for number in np.unique(groups):
        assert sum(bool(np.any(groups[part] == number)) for part in parts(split)) == 1
    doubtful = np.flatnonzero(~is_pure(groups, labels))
    assert set(doubtful.tolist()) <= set(split.train.tolist())


@settings(derandomize=True, deadline=None)
@given(st.lists(st.integers(5, 200), min_size=2, max_size=4), st.integers(0, 1000))
def test_shares_are_70_15_15_in_every_class(sizes: list[int], seed: int) -> None:
    labels = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    split = split_by_groups(labels, np.arange(len(labels)), seed)
    for label, size in enumerate(sizes):
        held_back = max(1, round(0.15 * size))
        counts = [int((labels[part] == label).sum()) for part in parts(split)]
        assert counts == [size - 2 * held_back, held_back, held_back]


def test_the_seed_alone_decides() -> None:
    labels = np.repeat(np.arange(3, dtype=np.int32), 40)
    groups = np.arange(120)
    first, again, other = (split_by_groups(labels, groups, seed) for seed in (1, 1, 2))
    assert all(np.array_equal(one, two) for one, two in zip(parts(first), parts(again), strict=True))
    assert not np.array_equal(first.test, other.test)


@pytest.mark.parametrize("seed", range(10))
def test_a_class_of_which_all_is_kept_together_is_learnt_from_whatever_the_seed(seed: int) -> None:
    labels = np.repeat(np.arange(10), [60, 60, *[6] * 8]).astype(np.int32)
    split = split_by_given_groups(labels, np.arange(len(labels)) // 6, seed)
    assert np.isin(np.flatnonzero(labels >= 2), split.train).all()
    assert sorted(np.concatenate(parts(split)).tolist()) == list(range(len(labels)))
    assert all(set(labels[part].tolist()) >= {0, 1} for part in parts(split)), "no other class is learnt from instead"


def test_what_is_alike_among_some_images_has_nothing_to_do_with_the_others() -> None:
    pairs = Pairs(first=np.array([0, 2, 4]), second=np.array([3, 5, 1]), difference=np.array([0.1, 0.2, 0.3]))
    alike = Alike(pairs=pairs, given=np.array([7, 7, 8, 8, 9, 9]))
    among = alike.among(np.array([1, 2, 4, 5]), 6)
    assert (among.pairs.first.tolist(), among.pairs.second.tolist()) == ([1, 2], [3, 0])
    assert among.pairs.difference.tolist() == [0.2, 0.3]
    assert among.given is not None
    assert among.given.tolist() == [7, 8, 9, 9]


def left_out(copied: tuple[int, ...], rank: int, *, least: int, num: int = 4) -> list[bool]:
    """Return which of a class's images of a part give way where so many of them are copies of test images."""
    groups = np.concatenate([np.arange(num), [each if each in copied else num + each for each in range(num)]])
    ranks = np.repeat([rank, 2], num).astype(np.uint8)
    return giving_way(groups, np.zeros(2 * num, np.int32), ranks, least=least)[:num].tolist()


def test_copies_give_way_to_a_test_unless_a_class_would_keep_too_little() -> None:
    assert left_out((0,), 0, least=2) == [True, False, False, False]
    assert left_out((0, 1), 0, least=2) == [True, True, False, False], "half of them are enough"
    assert left_out((0, 1), 0, least=3) == [False] * 4, "of what is learnt from so many are needed"
    assert left_out((0, 1, 2), 0, least=1) == [False] * 4, "less than half is not"
    assert left_out((0,), 1, least=9, num=2) == [True, False], "to choose with, one is enough"


def test_what_a_class_keeps_of_one_part_says_nothing_of_other_classes_and_parts() -> None:
    groups = np.array([0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 4])
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 1], np.int32)
    rank = np.array([0] * 8 + [2] * 4, np.uint8)
    gives = giving_way(groups, labels, rank, least=2)
    assert np.flatnonzero(gives).tolist() == [4], "of class 0, three of four would go"
