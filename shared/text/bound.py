"""How much of a document is kept and shown: a screenful of names, and how many more there are. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from shared.text.printable import MAX_SHOWN, printable, shortened

MOST_ENTRIES = 30
"""Entries of a list or an object that are named."""
MOST_MESSAGE_CHARS = 3_000
"""Of a message or a fix: a screenful."""
MOST_DETAIL_CHARS = 60_000
"""Of all details together; a document in Firestore may hold a mebibyte, a header of a mail far less."""
_MOST_LEVELS = 8
_MARK = "… and "
_ENTRY_CHARS = 8
"""What a list or an object takes for each of its entries, besides the entry."""


def bounded_message(text: str) -> str:
    """Return a message of which every character is seen, cut where it is longer than a screenful."""
    text = printable(text)
    return text if len(text) <= MOST_MESSAGE_CHARS else f"{text[: MOST_MESSAGE_CHARS - 2].rstrip()} …"


def bounded_details(details: Mapping[str, Any]) -> dict[str, Any]:
    """Return details that point at places, at so many of them as anybody reads.

    Of a longer list the first entries are kept, with a last one such as ``… and 99,970 more``; likewise of an object.
    What fits comes back as it is, so bounding twice changes nothing.

    Args:
        details: JSON values.
    """
    return _Bounding().object_of(details, level=0)


def first_entries(entries: Sequence[Any], most: int) -> list[Any]:
    """Return the first entries of a list, and how many more there are, those included for which it was cut before.

    Args:
        entries: As :func:`bounded_details` leaves them.
        most: Entries to keep, at least 1; one more is kept in place of a line that says "1 more".
    """
    cut = int(entries[-1].removeprefix(_MARK).removesuffix(" more").replace(",", "")) if _is_cut(entries) else 0
    num_entries = len(entries) - bool(cut)
    if not cut and num_entries <= most + 1:
        return list(entries)
    return [*entries[:most], _more(num_entries - min(most, num_entries) + cut)]


def _is_cut(entries: Sequence[Any]) -> bool:
    return (
        bool(entries) and isinstance(entries[-1], str) and re.fullmatch(rf"{_MARK}[\d,]+ more", entries[-1]) is not None
    )


class _Bounding:
    """Goes once through a document, with what is left of its characters."""

    def __init__(self) -> None:
        self._left_chars = MOST_DETAIL_CHARS

    def object_of(self, value: Mapping[str, Any], *, level: int) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for key, entry in value.items():
            if _is_mark(entry):
                kept[key] = entry
                break
            if self._is_over(len(kept), len(value)):
                kept["…"] = _more(len(value) - len(kept))
                break
            kept[self._text(key)] = self._value(entry, level=level + 1)
        return kept

    def _value(self, value: object, *, level: int) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if level > _MOST_LEVELS:
            return "…"
        if isinstance(value, Mapping):
            return self.object_of(value, level=level)
        if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
            return self._list(value, level=level)
        return value

    def _list(self, value: Sequence[Any], *, level: int) -> list[Any]:
        kept: list[Any] = []
        for entry in value:
            if _is_mark(entry):
                kept.append(entry)
                break
            if self._is_over(len(kept), len(value)):
                kept.append(_more(len(value) - len(kept)))
                break
            kept.append(self._value(entry, level=level + 1))
        return kept

    def _is_over(self, num_kept: int, num_all: int) -> bool:
        """Tell whether to name no further entry."""
        self._left_chars -= _ENTRY_CHARS
        return self._left_chars < 0 or (num_kept == MOST_ENTRIES and num_all > MOST_ENTRIES)

    def _text(self, text: str) -> str:
        text = shortened(printable(text), MOST_MESSAGE_CHARS if " " in text else MAX_SHOWN)
        self._left_chars -= len(text)
        return text


def _more(count: int) -> str:
    return f"{_MARK}{count:,} more"


def _is_mark(entry: object) -> bool:
    """Tell whether a document was cut here before."""
    return isinstance(entry, str) and entry.startswith(_MARK)
