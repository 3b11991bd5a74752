"""Numbers, lengths and moments as people read them."""

import unicodedata
from datetime import datetime

from shared.text.printable import printable, shortened
from shared.wording import duration

NBSP = "\u00a0"
NONE = "\u2013"
"""Stands in a table where there is nothing to tell: an en dash."""
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def percent(share: float, decimals: int = 0) -> str:
    """Return ``89 %``; a share short of everything or nothing is never rounded to it: ``99.8 %``.

    Args:
        share: 0 to 1.
        decimals: Digits after the point.
    """
    share = round(share, 9)  # what arithmetic adds beyond is not a share of any number of photographs
    text = f"{share * 100:.{decimals}f}"
    is_rounded_away = (float(text) >= 100 and share < 1) or (float(text) <= 0 and share > 0)  # noqa: PLR2004
    if is_rounded_away and decimals < 3:  # noqa: PLR2004
        return percent(share, decimals + 1)
    return f"{text}{NBSP}%"


def span(interval: tuple[float, float]) -> str:
    """Return ``between 84 % and 93 %``."""
    return f"between {percent(interval[0])} and {percent(interval[1])}"


def number(value: int) -> str:
    """Return ``3,231,939``."""
    return f"{value:,}"


def took(seconds: float) -> str:
    """Return ``0.8 s``, ``48 s``, ``2 min 14 s`` or ``1 h 05 min``, never broken over two lines."""
    return duration(seconds, tenths=True).replace(" ", NBSP)


def moment(when: datetime) -> str:
    """Return ``30 November 2026, 18:49 UTC``; English whatever the locale of this process."""
    return f"{when.day}{NBSP}{_MONTHS[when.month - 1]} {when.year}, {when:%H:%M}{NBSP}UTC"


def quoted(name: str) -> str:
    """Return a class name in quotation marks, on one line and not endless."""
    return f"“{shortened(one_line(name), 60)}”"


def one_line(text: str) -> str:
    """Return a text on one line, printable."""
    return " ".join(printable(text).split())


def width(text: str) -> int:
    """Return how many columns a terminal uses for a text: two for wide characters, none for combining marks."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )
