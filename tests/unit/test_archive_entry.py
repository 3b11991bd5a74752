"""An entry as people know it: where it lies, whether its name leaves it out, and which names nobody tells apart."""

import pytest

from shared.archive.entry import Aside, aside, clash_key, has_control_characters, read_entry
from shared.archive.zip_format.directory import Record


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("cats\\1.jpg", "cats/1.jpg"),
        ("cats/black\\white.jpg", "cats/black\\white.jpg"),  # a character of the name
        ("a/b/c/../d/1.jpg", "a/b/d/1.jpg"),
        ("a/b/c/../../d/1.jpg", "a/d/1.jpg"),
        ("../../cats/1.jpg", "cats/1.jpg"),
        ("./cats//1.jpg", "cats/1.jpg"),
        ("C:\\cats\\1.jpg", "cats/1.jpg"),
    ],
)
def test_a_name_leads_where_its_author_meant_and_never_outside(name: str, path: str) -> None:
    assert read_entry(0, Record(name)).path == path


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("cats/1.jpg", None),
        ("cats/1.large.jpg", None),
        ("cats/photograph", None),
        ("cats/zip", None),  # a name without an ending, not an ending
        ("cats/.1.jpg.icloud", Aside.PLACEHOLDER),
        ("cats/1.icloud", None),
        ("cats/.1.jpg", Aside.SYSTEM),
        (".thumbnails/1.jpg", Aside.SYSTEM),
        ("cats/THUMBS.DB", Aside.SYSTEM),
        ("cats/more.v2.ZIP", Aside.NESTED),
        ("cats/notes.old.TXT", Aside.NOT_IMAGE),
    ],
)
def test_what_is_surely_no_photograph_is_left_out_by_its_name(name: str, reason: Aside | None) -> None:
    assert aside(read_entry(0, Record(name)), max_entry_bytes=10) is reason


def test_a_file_may_be_as_large_as_allowed_and_not_a_byte_larger() -> None:
    large, larger = (read_entry(0, Record("cats/1.jpg", size_bytes=size)) for size in (10, 11))
    assert aside(large, max_entry_bytes=10) is None
    assert aside(larger, max_entry_bytes=10) is Aside.TOO_BIG


@pytest.mark.parametrize(
    "names",
    [
        ("Cats", "cats"),
        ("black  cats", "black cats"),
        (" cats", "cats "),
        ("cats.", "cats"),
        ("cats. .", "cats"),
        ("\uff43\uff41\uff54\uff53", "cats"),
        ("K\u00e4fer", "Ka\u0308fer"),
        ("STRASSE", "stra\u00dfe"),
    ],
)
def test_names_that_nobody_could_tell_apart_are_one(names: tuple[str, str]) -> None:
    first, second = map(clash_key, names)
    assert first == second


@pytest.mark.parametrize(
    "names", [("black cats", "blackcats"), ("cats", "dogs"), (".cats", "cats"), ("...", "cats"), ("..", "."), ("x", "")]
)
def test_names_that_differ_to_the_eye_stay_two(names: tuple[str, str]) -> None:
    first, second = map(clash_key, names)
    assert first != second


@pytest.mark.parametrize("character", ["\n", "\t", "\x7f", "\u2028", "\u2029"])
def test_a_line_cannot_be_broken_by_a_name_of_a_class(character: str) -> None:
    assert has_control_characters(f"ca{character}ts")
    assert not has_control_characters("K\u00e4fer \u732b")
