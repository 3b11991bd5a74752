"""A split that cannot be used as it is: told what was found and what to zip instead, in words and in details."""

from typing import Any

import pytest

from shared.archive.structure.own_split import nothing_left_fault
from tests.archive_listing import fault, files, plan

TOLD: dict[str, tuple[list[str], str, str, dict[str, Any]]] = {
    "a part without classes": (
        files("val/cats", "val/dogs", "test/inner"),
        "'val' holds the classes 'cats' and 'dogs'. In 'test' there are no class folders (6 photographs). Such parts",
        "Zip the folder 'val' alone. Leave 'test' out. Part of",
        {"folders": ["val", "test"], "classes": ["cats", "dogs"]},
    ),
    "a part whose only class lies deeper": (
        files("val/cats", "val/dogs", "test/inner/cats"),
        "'val' and 'test' hold the same classes, 'cats' and 'dogs'. Such parts",
        "Put what 'val' and 'test' hold of a class, such as 'cats', into one folder",
        {"folders": ["val", "test"], "classes": ["cats", "dogs"]},
    ),
    "a part whose photographs lie beside its class": (
        files("val/cats", "val/dogs", "test", "test/cats"),
        "'val' holds the classes 'cats' and 'dogs'. In 'test' there are no class folders (12 photographs). Such parts",
        "Zip the folder 'val' alone. Leave 'test' out. Part of",
        {"folders": ["val", "test"], "classes": ["cats", "dogs"]},
    ),
    "other classes in each part": (
        files("val/a", "val/b", "test/c", "test/d"),
        "'test' and 'val' hold class folders, such as 'c' and 'd'. Such parts",
        "Put what 'test' and 'val' hold of a class, such as 'c', into one folder",
        {"folders": ["test", "val"], "classes": ["c", "d"]},
    ),
    "documents beside": (
        files("val/cats", "val/dogs", "test/cats", "test/dogs", "results"),
        "'val' and 'test' hold the same classes, 'cats' and 'dogs'. Such parts",
        (
            "Put what 'test' and 'val' hold of a class, such as 'cats', into one folder named for it, likewise for "
            "every other class, and zip these folders. Leave 'results' out. Part of"
        ),
        {"folders": ["val", "test"], "classes": ["cats", "dogs"], "others": ["results"]},
    ),
    "one to learn from in each of several": (
        files(*[f"fold{n}/{s}/{c}" for n in (1, 2) for s in ("val", "train") for c in "ab"]),
        "'train' and 'val' hold the same classes, 'a' and 'b'. Such parts",
        (
            "Zip the folder 'fold1/train' alone, and keep 'fold1/val' to try the network on. Or, to use all of them, "
            "put what 'fold1/train' and 'fold1/val' hold of a class, such as 'a', into one folder"
        ),
        {"folders": ["fold1/train", "fold1/val"], "classes": ["a", "b"]},
    ),
    "none to learn from, in a folder": (
        files("input/val/a", "input/val/b", "input/test/a", "input/test/b"),
        "'val' and 'test' hold the same classes, 'a' and 'b'. Such parts",
        "Put what 'input/test' and 'input/val' hold of a class, such as 'a', into one folder",
        {"folders": ["input/val", "input/test"], "classes": ["a", "b"]},
    ),
    "one that may be anything beside the parts": (
        files("train/a", "train/b", "test/a", "odd"),
        "beside these lies 'odd': whether it is to learn from",
        "Leave 'odd' out of the zip, or move its photographs into",
        {"folders": ["test", "train"], "classes": ["a", "b"], "others": ["odd"]},
    ),
    "several that may be anything beside the parts": (
        files("train/a", "train/b", "test/a", "odd", "strange"),
        "beside these lie 'odd' and 'strange': whether these are to learn from",
        "Leave 'odd' and 'strange' out of the zip, or move their photographs into",
        {"folders": ["test", "train"], "classes": ["a", "b"], "others": ["odd", "strange"]},
    ),
    "one beside the folder of the parts": (
        files("pets/train/a", "pets/train/b", "pets/test/a", "odd"),
        "Beside it lies 'odd' with 6 pictures, of which",
        "Zip the folder 'pets' alone, or leave 'odd' out of the zip",
        {"folders": ["pets/test", "pets/train"], "classes": ["a", "b"], "others": ["odd"]},
    ),
    "several beside the folder of the parts": (
        files("pets/train/a", "pets/train/b", "pets/test/a", "odd", "strange"),
        "Beside it lie 'odd' and 'strange' with 12 pictures, of which",
        "Zip the folder 'pets' alone, or leave 'odd' and 'strange' out of the zip",
        {"folders": ["pets/test", "pets/train"], "classes": ["a", "b"], "others": ["odd", "strange"]},
    ),
    "no classes": (
        files("train", "test"),
        "'test' and 'train', with no class folders inside",
        (
            "Make one folder for each class, named for it, put the photographs of that class into it, and zip these "
            "folders; convtailor makes its own split. Photographs whose class nobody knows, as often in 'test', stay "
            "out."
        ),
        {"folders": ["test", "train"]},
    ),
}


@pytest.mark.parametrize(("names", "message", "fix", "details"), TOLD.values(), ids=TOLD)
def test_who_sends_a_split_is_told_what_it_is_and_what_to_zip(
    names: list[str], message: str, fix: str, details: dict[str, Any]
) -> None:
    found = fault(*names)
    assert found.code == "archive_already_split"
    assert found.message.startswith("The zip is split into parts already")
    assert message in found.message
    assert found.fix.startswith(fix)
    assert {name: value for name, value in found.details.items() if name != "faults"} == details


def test_a_part_of_which_nothing_is_left_is_told_with_the_reason() -> None:
    unread, copies = nothing_left_fault(["test"]), nothing_left_fault(["val", "dev"], are_copies=True)
    assert unread.message.endswith("photographs in 'test' can be used.")
    assert copies.message.endswith("'val' and 'dev' can be used: they are in the part to test with too.")
    assert (unread.code, copies.code) == ("archive_already_split", "archive_already_split")
    assert unread.details == {"folders": ["test"]}
    assert copies.details == {"folders": ["val", "dev"]}


@pytest.mark.parametrize("beside", ["docs", "images", "unlabeled"])
def test_parts_without_classes_are_told_beside_a_folder_that_is_no_class_either(beside: str) -> None:
    assert fault(*files("train", "test", beside)).code == "archive_already_split"


def test_train_and_test_beside_a_class_may_be_classes() -> None:
    assert set(plan(*files("train", "test", "roses")).classes) == {"train", "test", "roses"}
