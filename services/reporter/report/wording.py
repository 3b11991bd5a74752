"""Numbers, lengths and moments as people read them."""

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime

from shared.text.printable import printable, shortened
from shared.wording import duration

_LINKED = re.compile(
    r"(?:\b(?:https?|ftp|mailto|tel|sms):)"
    r"|(?:\bwww\.)"
    r"|(?<=\w)\.(?=(?:com|net|org|info|biz|io|app|dev|xyz|top|shop|site|online|link|click|live|ru|cn|de|eu|uk|fr|me|co|tk)\b)",
    re.IGNORECASE,
)
"""After what mail programs begin a link or recognise a host."""
_LONGEST_NAME = 90
_MOST_NAMED = 25
"""Classes of which a matrix shows the names."""
NBSP = "\u00a0"
NONE = "\u2013"
"""Stands in a table where there is nothing to tell: an en dash."""
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def percent(share: float, decimals: int = 0) -> str:
    """Return ``89 %``; a share short of everything or nothing is never rounded to it: ``99.8 %``, ``over 99.9 %``.

    Args:
        share: 0 to 1.
        decimals: Digits after the point.
    """
    share = round(share, 9)  # what arithmetic adds beyond is not a share of any number of photographs
    text = f"{share * 100:.{decimals}f}"
    is_rounded_away = (float(text) >= 100 and share < 1) or (float(text) <= 0 and share > 0)  # noqa: PLR2004
    if is_rounded_away and decimals < 3:  # noqa: PLR2004
        return percent(share, decimals + 1)
    if is_rounded_away:
        text = "under 0.1" if share < 0.5 else "over 99.9"  # noqa: PLR2004
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
    """Return a text on one line, printable, in which no mail program finds an address to make a link of.

    Names of folders and files come from whoever made the archive, and the mail goes to an address of their choice: it
    must not carry a stranger's link in our name. ``https://x.example.com`` becomes ``https: //x.example. com``.
    """
    return _LINKED.sub(r"\g<0> ", " ".join(printable(text).split()))


def short_name(name: str) -> str:
    """Return the name of a class or file as it stands in a list or table: on one line, and no page of words."""
    return shortened(one_line(name), _LONGEST_NAME)


def numbered(name: str, position: int) -> str:
    """Return the name of a class with its number: ``4. ants``, and ``3 (no. 4)`` where the name itself begins with one.

    Args:
        name: Fit to be shown.
        position: Among the classes, from 1.
    """
    return f"{name} (no. {position})" if name[:1].isdigit() else f"{position}. {name}"


def are_numbered(classes: Sequence[str]) -> bool:
    """Tell whether a matrix may show classes by their numbers: of very many, or of scripts that plots cannot draw."""
    return len(classes) > _MOST_NAMED or not all(name.isascii() for name in classes)


def width(text: str) -> int:
    """Return how many columns a terminal uses for a text: two for wide characters, none for combining marks."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )
