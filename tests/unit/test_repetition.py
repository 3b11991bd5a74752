"""What is told of copies is what the split did with them."""

import numpy as np
from numpy.typing import NDArray

from services.trainer.data.copies.groups import alike_groups, split_groups
from services.trainer.data.copies.search import Pairs
from services.trainer.data.repetition import near_duplicates
from services.trainer.data.split import split_by_groups
from shared.job.findings.photographs import Duplicates


def told_of(groups_of_alike: list[list[int]], labels: NDArray[np.int32]) -> tuple[Duplicates, NDArray[np.uint8]]:
    """Split images of which some are alike as prepare does; return what is told, and the part of every image."""
    ends = [(rows[0], row) for rows in groups_of_alike for row in rows[1:]]
    first, second = np.array(ends, np.int64).reshape(-1, 2).T
    pairs = Pairs(first=first, second=second, difference=np.full(len(first), 0.1, np.float32))
    split = split_by_groups(labels, split_groups(pairs, labels), seed=0)
    part = np.zeros(len(labels), np.uint8)
    part[split.validation], part[split.test] = 1, 2
    paths = [f"{label}/{row}.jpg" for row, label in enumerate(labels)]
    groups = alike_groups(pairs, len(labels))
    return near_duplicates(groups, labels, split, paths=paths, classes=["a", "b"]), part


def labels_of(*sizes: int) -> NDArray[np.int32]:
    return np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)


def test_a_class_of_one_burst_alone_is_torn_and_said_to_be() -> None:
    found, part = told_of([list(range(66))], labels_of(66, 40))
    (torn,) = found.repeated
    assert (torn.name, torn.num_images, torn.largest_group, torn.num_straddling) == ("a", 66, 66, 66)
    assert torn.num_test_straddling == (part[:66] == 2).sum() > 0


def test_a_burst_with_enough_beside_it_is_learnt_from_whole() -> None:
    found, part = told_of([list(range(54))], labels_of(66, 40))
    assert set(part[:54].tolist()) == {0}
    assert {*part[54:66].tolist()} >= {1, 2}
    (lump,) = found.repeated
    assert (lump.name, lump.largest_group, lump.num_straddling, lump.num_test_straddling) == ("a", 54, 0, 0)


def test_copies_that_lie_in_two_classes_are_counted_and_only_learnt_from() -> None:
    found, part = told_of([[0, 1, 40], [2, 3]], labels_of(30, 30))
    assert (found.near_groups, found.num_near, found.mixed_groups, found.repeated) == (2, 5, 1, ())
    assert {*part[[0, 1, 40]].tolist()} == {0}
    assert found.examples == (("0/0.jpg", "0/1.jpg", "1/40.jpg"), ("0/2.jpg", "0/3.jpg"))


def test_examples_stay_few_however_many_there_are() -> None:
    found, _ = told_of([list(range(start, start + 10)) for start in range(0, 400, 10)], labels_of(400, 40))
    assert found.near_groups == 40
    assert [len(paths) for paths in found.examples] == [3] * 5


def test_where_nothing_is_alike_there_is_nothing_to_tell() -> None:
    found, _ = told_of([], labels_of(20, 20))
    assert found == Duplicates(exact=0, near_groups=0, num_near=0, mixed_groups=0)
