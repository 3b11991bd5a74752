"""Names of files that begin with a class, where no folder says one: told, and only where they surely do."""

import pytest

from shared.archive.entry import read_entry
from shared.archive.structure.file_name import class_hint
from tests.archive_listing import fault, files, records


@pytest.mark.parametrize("folder", ["train", "photos", "."])
def test_where_file_names_begin_with_the_class_the_fix_says_so(folder: str) -> None:
    names = [f"{folder}/{name}.{number}.jpg" for name in ("cat", "dog") for number in range(6)]
    found = fault(*names, *(files("test1") if folder == "train" else []))
    assert found.fix.endswith("seem to begin with the class, 'cat' and 'dog': sort by it.")


@pytest.mark.parametrize("names", [("IMG_", "DSC_"), ("cat",), ("", "_")])
def test_what_cameras_write_is_no_class(names: tuple[str, ...]) -> None:
    found = fault(*[f"photos/{name}{number}.jpg" for name in names for number in range(6)])
    assert "seem to begin" not in found.fix


def test_what_an_action_camera_calls_its_files_is_no_class() -> None:
    names = [f"all/{head}{number}.JPG" for head in ("GOPR00", "GX01") for number in range(9)]
    assert "begin with the class" not in fault(*names).fix


def hint_of(numbers: dict[str, int]) -> str:
    """Return what is said of so many files whose names begin so."""
    names = [f"{head}{number}.jpg" for head, most in numbers.items() for number in range(most)]
    return class_hint(read_entry(index, record) for index, record in enumerate(records(names)))


@pytest.mark.parametrize(
    "numbers",
    [
        {"cat": 5, "dog": 5},
        {"cat (": 5, "dog - ": 5},
        {"cat": 9, "dog": 9, "": 2},
        {"cat": 5, "dog": 5, "owl": 1},
    ],
    ids=["fewest", "with marks between", "most of them", "one alone"],
)
def test_classes_that_nearly_all_names_begin_with_are_told_without_the_marks_behind(numbers: dict[str, int]) -> None:
    assert hint_of(numbers) == " The names of the files seem to begin with the class, 'cat' and 'dog': sort by it."


@pytest.mark.parametrize(
    "numbers",
    [{"cat": 5, "dog": 4}, {"cat": 9, "dog": 9, "": 3}, {"cat": 50}, {}],
    ids=["too few", "too many without", "one class", "no file"],
)
def test_names_that_begin_with_a_class_now_and_then_say_nothing(numbers: dict[str, int]) -> None:
    assert hint_of(numbers) == ""


def test_names_of_two_hundred_classes_are_told_and_of_more_they_are_names_of_things() -> None:
    heads = [f"z{chr(97 + number // 26)}{chr(97 + number % 26)}" for number in range(201)]
    assert "and 195 more" in hint_of(dict.fromkeys(heads[:200], 5))
    assert hint_of(dict.fromkeys(heads, 5)) == ""
