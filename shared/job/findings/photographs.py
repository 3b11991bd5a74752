"""What became of the photographs: how many there were, what was left out, what are copies of one another."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnParts:
    """The split that a person made, by the names of its folders.

    Args:
        train: To learn from.
        validation: To choose with; empty where there was none, and some were taken from those to learn from.
        test: To test with; likewise.
    """

    train: tuple[str, ...]
    validation: tuple[str, ...] = ()
    test: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Images in each split, after quarantine and duplicates.

    Args:
        train: To learn from.
        validation: To choose with.
        test: To test with.
        validation_independent: What the validation split counts for where it holds copies; see
            :attr:`TestScores.num_independent`.
        group_by: The rule by which photographs stayed together on one side; empty: near-identical ones alone.
        num_groups: How many groups that made.
        own_split: The parts that the person made, where these were used; ``None``: the product made the split.
    """

    train: int
    validation: int
    test: int
    validation_independent: float | None = None
    group_by: str = ""
    num_groups: int | None = None
    own_split: OwnParts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassFiles:
    """Which photographs of a class served for what; of very many only some are named, those of the test first.

    Args:
        name: Of the class.
        test: Paths of those that it was tested with.
        validation: Of those that were chosen with.
        train: Of those that it learnt from.
        num_more: How many are not named.
    """

    name: str
    test: tuple[str, ...] = ()
    validation: tuple[str, ...] = ()
    train: tuple[str, ...] = ()
    num_more: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """A file that was left out, by its path in the archive, with a stable code, the reason and what mends it."""

    path: str
    code: str
    reason: str
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelConflict:
    """The same picture filed under several classes; none of the copies was used."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatedClass:
    """A class that is mostly near-duplicates of one picture, or whose near-duplicates had to be torn apart.

    Args:
        name: Of the class.
        num_images: Of it, in all parts of the split.
        largest_group: So many of these are near-duplicates of one another.
        num_straddling: So many have near-duplicates in another part of the split, since all else would have left a
            class without a test.
        num_test_straddling: The same among its test images: of these the network has learnt, or been chosen by, others
            that hardly differ.
    """

    name: str
    num_images: int
    largest_group: int
    num_straddling: int
    num_test_straddling: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicates:
    """What the search for copies found.

    Args:
        exact: Copies dropped because an identical picture of the same class was kept.
        near_groups: Groups of near-duplicates; a group straddles the split only in the classes of ``repeated``.
        conflicts: Identical pictures in several classes; of very many the first.
        num_conflicts: How many there are; older results list all of them.
        num_near: Images in these groups; older results do not know.
        mixed_groups: Groups of near-duplicates with images of several classes; they are learnt from only.
        examples: A few groups, by some of their paths.
        repeated: Classes that are mostly one picture or straddle the split.
        num_given_way: Photographs left out because a copy of each is in a part of the person's own split that judges
            the network; named with the files that were left out.
    """

    exact: int
    near_groups: int
    conflicts: tuple[LabelConflict, ...] = ()
    num_conflicts: int | None = None
    num_near: int | None = None
    mixed_groups: int | None = None
    examples: tuple[tuple[str, ...], ...] = ()
    repeated: tuple[RepeatedClass, ...] = ()
    num_given_way: int = 0
