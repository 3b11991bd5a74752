r"""Names from outside, made fit to be shown on a terminal, in a log, a mail, a page, a list or a table. Pure.

Anybody may name a file or a folder, and whoever reads the name is somebody else. What would act on a terminal instead
of being seen, turn the order of what stands beside it, or show nothing at all, is written out as an escape: ``\x1b``,
``\u202e``. It is not dropped, so that names that differ go on to differ, and the person can find the file.

::

    printable(text)      lines and tabs stay: for whole texts
    printable_name(name) on one line: for names
    quoted(name)         'name', on one line and of bounded length: inside a sentence
    csv_cell(name)       no spreadsheet takes it for a formula
    from_csv_cell(cell)  the name again
"""

import re
import sys
import unicodedata

MAX_SHOWN = 200
"""Characters of a name that are shown; a zip may hold names of 65,535."""
_MAX_QUOTED = 80
_UNSEEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_UNSEEN_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks that are blank: the grapheme joiner, Hangul fillers, Khmer inherent vowels, blank Braille."""
_JOINERS = "\u200c\u200d"
"""Spelling in Persian and in Indic scripts, and part of many emoji; between other characters they only disguise."""
_FORMULA_STARTS = "=+-@\uff1d\uff0b\uff0d\uff20\t\r"
_ESCAPED = re.compile(r"\\x([0-9a-f]{2})|\\u([0-9a-f]{4})|\\U([0-9a-f]{8})")
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)*(?:[eE][+-]?\d+)?\s?%?")


def printable(text: str) -> str:
    """Return a text of which every character is seen, and acts on nothing; line ends and tabs stay.

    Args:
        text: From anywhere; bytes that are no text may be in it as Python's ``surrogateescape`` leaves them.
    """
    return text if _is_plain(text) else _written_out(text, stay="\n\t")


def printable_name(name: str) -> str:
    """Return a name on one line, of which every character is seen."""
    return name if _is_plain(name) else _written_out(name, stay="")


def shortened(text: str, max_chars: int = MAX_SHOWN) -> str:
    """Return a text cut in its middle, where names and paths differ least.

    Args:
        text: Of any length.
        max_chars: Of what is returned.
    """
    if len(text) <= max_chars:
        return text
    tail = max_chars * 2 // 3
    return f"{text[: max_chars - tail - 1]}…{text[-tail:]}"


def quoted(name: str) -> str:
    """Return a name as it stands in a sentence: in quotation marks, on one line, not endless."""
    return f"'{shortened(printable_name(name), _MAX_QUOTED)}'"


def csv_cell(text: str) -> str:
    """Return a text that spreadsheets show and do not compute, for a writer such as :class:`csv.writer` to quote.

    What begins like a formula gets an apostrophe before it, which spreadsheets hide, and one more where it has one;
    plain numbers stay as they are.

    Source: OWASP, CSV Injection.
    """
    if text.lstrip(" '").startswith(tuple(_FORMULA_STARTS)) and not _NUMBER.fullmatch(text):
        return f"'{printable_name(text)}"
    return printable_name(text)


def from_csv_cell(cell: str) -> str:
    """Return the name that :func:`csv_cell` made a cell of; what it cannot have made stays as it is."""
    bare = cell.removeprefix("'")
    for name in (_ESCAPED.sub(_unescape, bare), bare):
        if name != cell and csv_cell(name) == cell:
            return name
    return cell


def _is_plain(text: str) -> bool:
    """Tell whether every character is seen, as far as a quick look can tell."""
    return text.isprintable() and _UNSEEN_LETTERS.isdisjoint(text)


def _written_out(text: str, *, stay: str) -> str:
    return "".join(
        char if char in stay or not _is_unseen(text, position) else _escape(char) for position, char in enumerate(text)
    )


def _is_unseen(text: str, position: int) -> bool:
    char = text[position]
    if char in _JOINERS:
        return not (_is_joined(text[position - 1 : position]) and _is_joined(text[position + 1 : position + 2]))
    code = ord(char)
    is_no_character = code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF  # noqa: PLR2004 - Unicode's own numbers
    return is_no_character or char in _UNSEEN_LETTERS or unicodedata.category(char) in _UNSEEN_CATEGORIES


def _is_joined(char: str) -> bool:
    return not char.isascii() and not char.isspace() and char not in _JOINERS


def _escape(char: str) -> str:
    r"""Return ``\xff`` for a control character or a byte that is no text, ``\u202e`` for all else."""
    code = ord(char)
    if code < 0x80:  # noqa: PLR2004
        return f"\\x{code:02x}"
    if 0xDC80 <= code <= 0xDCFF:  # noqa: PLR2004 - a byte, as surrogateescape writes it
        return f"\\x{code - 0xDC00:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004


def _unescape(found: re.Match[str]) -> str:
    byte, short, long = found.groups()
    code = int(byte or short or long, 16)
    if byte and code >= 0x80:  # noqa: PLR2004
        return chr(code + 0xDC00)
    return chr(code) if code <= sys.maxunicode else found[0]
