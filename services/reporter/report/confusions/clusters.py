"""Groups of classes that are mixed up with one another: what can be read of a matrix of hundreds of classes."""

from collections.abc import Sequence
from dataclasses import dataclass

MOST_CLUSTERS, MOST_MEMBERS = 6, 8
_FEWEST_TOGETHER = 2
"""One photograph says nothing about two classes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Classes that are mixed up.

    Args:
        members: Their positions, ascending.
        num_mixed_up: Test images of one of them that were taken for another of them.
        num_images: Test images of all of them.
    """

    members: tuple[int, ...]
    num_mixed_up: int
    num_images: int


def clusters(matrix: Sequence[Sequence[int]]) -> list[Cluster]:
    """Return the groups with most mistakes among themselves, the worst first, none of more than eight classes.

    Pairs are joined in the order of how many photographs they share wrongly, both ways together, as single-linkage
    clustering does, until a group would become too large to be looked at.

    Args:
        matrix: Counts; rows are actual, columns predicted classes.
    """
    group_of = {position: {position} for position in range(len(matrix))}
    for together, first, second in _pairs(matrix):
        if together < _FEWEST_TOGETHER:
            break
        joined = group_of[first] | group_of[second]
        if len(joined) <= MOST_MEMBERS:
            group_of |= dict.fromkeys(joined, joined)
    groups = {min(group): group for group in group_of.values() if len(group) > 1}
    found = [_cluster(matrix, sorted(group)) for group in groups.values()]
    return sorted(found, key=lambda each: (-each.num_mixed_up, each.members))[:MOST_CLUSTERS]


def _pairs(matrix: Sequence[Sequence[int]]) -> list[tuple[int, int, int]]:
    """Return how many photographs each pair of classes shares wrongly, most first."""
    found: dict[tuple[int, int], int] = {}
    for actual, row in enumerate(matrix):
        for predicted, count in enumerate(row):
            if count and actual != predicted:
                pair = (min(actual, predicted), max(actual, predicted))
                found[pair] = found.get(pair, 0) + count
    return sorted(((count, *pair) for pair, count in found.items()), key=lambda each: (-each[0], each[1:]))


def _cluster(matrix: Sequence[Sequence[int]], members: Sequence[int]) -> Cluster:
    return Cluster(
        members=tuple(members),
        num_mixed_up=sum(matrix[one][other] for one in members for other in members if one != other),
        num_images=sum(sum(matrix[one]) for one in members),
    )
