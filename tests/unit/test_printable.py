"""Names from outside are seen and act on nothing, wherever they are shown."""

import csv
import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.text.printable import MAX_SHOWN, csv_cell, printable, printable_name, quoted, shortened

ESCAPE_SEQUENCE = "\x1b]0;owned\x07\x1b[2Jcat"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("cat", "cat"),
        (ESCAPE_SEQUENCE, r"\x1b]0;owned\x07\x1b[2Jcat"),
        ("a\u202egpj.exe", r"a\u202egpj.exe"),
        ("line\nbreak\r\ttab", r"line\x0abreak\x0d\x09tab"),
        ("zero\u200bwidth\ufeff\u2060", r"zero\u200bwidth\ufeff\u2060"),
        ("\u2066isolated\u2069 \u061c\u200f", r"\u2066isolated\u2069 \u061c\u200f"),
        ("C1 \x9b2J", r"C1 \u009b2J"),
        ("no text \udc8f\udcbc", r"no text \x8f\xbc"),
        ("half a pair \ud83d", r"half a pair \ud83d"),
        ("tag \U000e0041", r"tag \U000e0041"),
        ("blank \u3164\u2800", r"blank \u3164\u2800"),
        ("\ufffe\ufdd0", r"\ufffe\ufdd0"),
        ("cat\u200ddog", r"cat\u200ddog"),
        ("\x7f\x80", r"\x7f\u0080"),
        ("\udc7f\udc80\udcff\udd00", r"\udc7f\x80\xff\udd00"),
        ("\uffff\U0001ffff", r"\uffff\U0001ffff"),
    ],
)
def test_what_acts_or_shows_nothing_is_written_out(name: str, shown: str) -> None:
    assert printable_name(name) == shown


@pytest.mark.parametrize(
    "name",
    [
        "Äpfel und Birnen",
        "cafe\u0301",
        "松",
        "ソファ",
        "\u0645\u06cc\u200c\u062e",
        "क\u094d\u200dष",
        "👩\u200d👩\u200d👧",
        "❤\ufe0f",
        "a b",
        "\u00a0",
    ],
)
def test_what_people_write_stays_as_it_is(name: str) -> None:
    assert printable_name(name) == printable(name) == name


def test_a_text_keeps_its_lines_and_nothing_else_that_acts() -> None:
    assert printable("one\n\ttwo\r\x1b[A") == "one\n\ttwo\\x0d\\x1b[A"


@given(st.text(st.characters()))
def test_nothing_printable_acts_on_a_terminal_and_doing_it_twice_changes_nothing(name: str) -> None:
    shown = printable_name(name)
    assert not {unicodedata.category(char) for char in shown} & {"Cc", "Cs", "Zl", "Zp"}
    assert all(unicodedata.category(char) != "Cf" or char in "\u200c\u200d" for char in shown)
    assert printable_name(shown) == shown
    assert len(shown.encode("utf-8")) >= len(name)


@given(st.binary(max_size=12), st.binary(max_size=12))
def test_names_of_other_bytes_stay_other_names(one: bytes, other: bytes) -> None:
    first, second = (name.replace(b"\\", b"/").decode("utf-8", "surrogateescape") for name in (one, other))
    assert (printable_name(first) == printable_name(second)) == (first == second)


@pytest.mark.parametrize(
    "text", ["=HYPERLINK(1)", "+1+cmd", "-2+3", "@SUM(1)", "\tcat", "\t=1", "\r=1", "\uff1d1", "  =1"]
)
def test_no_spreadsheet_takes_a_name_for_a_formula(text: str) -> None:
    cell = csv_cell(text)
    assert cell.startswith("'")
    assert "\t" not in cell
    sheet = io.StringIO()
    csv.writer(sheet).writerow([cell, "b"])
    assert next(csv.reader(io.StringIO(sheet.getvalue()))) == [cell, "b"]


@pytest.mark.parametrize("text", ["cat", "-5", "+3.2", "-1e-05", "-12 %", "a=b", "X=1", "1-2", ""])
def test_numbers_and_names_stay_as_they_are_in_a_table(text: str) -> None:
    assert csv_cell(text) == text


def test_a_name_without_end_is_shown_by_its_two_ends() -> None:
    name = "a" * 70_000 + ".jpg"
    assert len(shortened(name)) == MAX_SHOWN
    assert shortened(name).endswith(".jpg")
    assert len(quoted(name)) <= MAX_SHOWN
    assert quoted("cat\n") == r"'cat\x0a'"
