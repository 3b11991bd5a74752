"""A folder that holds what lies in the classes beside it, under any names, would put one picture into two classes."""

from collections.abc import Iterable

import pytest

from shared.archive.rules import plan_archive
from shared.archive.zip_format.directory import Record
from shared.errors import UserFault


def table(**folders: Iterable[int]) -> list[Record]:
    """Return a table of contents: in each folder a file for each content, named differently in every folder."""
    names = [
        (f"{folder}/{folder}{at}.jpg", content) for folder, held in folders.items() for at, content in enumerate(held)
    ]
    return [
        Record(name, size_bytes=900, packed_bytes=900, offset=1000 * number, crc=content)
        for number, (name, content) in enumerate(names)
    ]


CATS, DOGS, COWS = range(1, 7), range(11, 17), range(21, 27)
HALF_OF_BOTH = [1, 2, 3, 11, 12, 13]
OTHERS = range(91, 99)


@pytest.mark.parametrize(
    "everything",
    [
        [*CATS, *DOGS],
        HALF_OF_BOTH,  # a third of all pictures
        [*HALF_OF_BOTH, *OTHERS[:6]],  # half of it lies in the classes
    ],
    ids=["all", "half_of_each", "half_of_itself"],
)
def test_a_folder_of_what_lies_in_the_classes_is_to_be_left_out_wherever_it_stands(everything: list[int]) -> None:
    for folders in (
        {"cats": CATS, "dogs": DOGS, "everything": everything},
        {"everything": everything, "cats": CATS, "dogs": DOGS},
    ):
        with pytest.raises(UserFault) as caught:
            plan_archive(table(**folders))
        fault = caught.value.fault
        assert (fault.code, fault.details["folders"]) == ("archive_second_copy", ["everything"])
        assert "a second copy of the photographs in 'cats' and 'dogs'" in fault.message
        assert fault.fix == "Leave 'everything' out of the zip."


@pytest.mark.parametrize(
    "folders",
    [
        {"cats": CATS, "dogs": DOGS, "mixed": [1, 2, 3, 11, 12, 91]},
        {"cats": CATS, "dogs": DOGS, "cows": COWS, "mixed": HALF_OF_BOTH},
        {"cats": CATS, "dogs": DOGS, "mixed": [*HALF_OF_BOTH, *OTHERS[:7]]},
        {"cats": CATS, "dogs": DOGS, "mixed": [*CATS, *OTHERS]},
        {"cats": CATS, "mixed": [*CATS, 91]},
        {"cats": [0] * 6, "dogs": [0] * 6, "mixed": [0] * 12},
    ],
    ids=[
        "less_than_half_of_a_class",
        "a_quarter_of_all",
        "less_than_half_of_itself",
        "one_class",
        "two_classes",
        "no_checksums",
    ],
)
def test_a_class_that_shares_less_with_others_stays_a_class(folders: dict[str, Iterable[int]]) -> None:
    assert set(plan_archive(table(**folders)).classes) == set(folders)


def test_of_three_classes_those_are_named_that_lie_in_the_folder_of_all() -> None:
    with pytest.raises(UserFault, match="in 'cats' and 'dogs'"):
        plan_archive(table(cats=CATS, dogs=DOGS, cows=COWS, everything=[*CATS, *DOGS, 21]))
