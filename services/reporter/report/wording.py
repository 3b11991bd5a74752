"""Numbers, lengths, moments and lists as people read them, in the language that is spoken."""

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime

from shared.language.number import NBSP, decimal_in, number_in, quoted_in
from shared.language.speech import _, marked, ngettext, share_told, spoken
from shared.text.printable import printable, shortened
from shared.wording import amount, duration

_LINKED = re.compile(
    r"(?:\b(?:https?|ftp|mailto|tel|sms):)"
    r"|(?:\bwww\.)"
    r"|(?<=\w)\.(?=(?:com|net|org|info|biz|io|app|dev|xyz|top|shop|site|online|link|click|live|ru|cn|de|eu|uk|fr|me|co|tk)\b)",
    re.IGNORECASE,
)
"""After what mail programs begin a link or recognise a host."""
_LEFTWARD = re.compile(
    "[{0}][{0}\u200c\u200d]*(?:[ _-]+[{0}][{0}\u200c\u200d]*)*".format(
        "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff"
    )
)
"""Words of scripts that are written from right to left, Hebrew and Arabic among them."""
_LONGEST_NAME = 90
_MOST_NAMED = 25
"""Classes of which a matrix shows the names."""
NONE = "\u2013"
"""Stands in a table where there is nothing to tell: an en dash."""
_MONTHS = (
    *(marked("January"), marked("February"), marked("March"), marked("April"), marked("May"), marked("June")),
    *(marked("July"), marked("August"), marked("September"), marked("October"), marked("November")),
    marked("December"),
)


def percent(share: float, decimals: int = 0) -> str:
    """Return ``89 %``; a share short of everything or nothing is never rounded to it: ``99.8 %``, ``over 99.9 %``.

    Args:
        share: 0 to 1.
        decimals: Digits after the point.
    """
    return share_told(share, decimals)


def hundredths(share: float, decimals: int = 0) -> str:
    """Return the same without its sign."""
    return share_told(share, decimals, has_sign=False)


def span(interval: tuple[float, float]) -> str:
    """Return ``between 84 % and 93 %``."""
    return _("between {low} and {high}", low=percent(interval[0]), high=percent(interval[1]))


def number(value: int) -> str:
    """Return ``3,231,939``."""
    return number_in(spoken(), value)


def decimal(value: float, digits: str) -> str:
    """Return a number with the comma of the language.

    Args:
        value: Below a thousand, so that nothing marks thousands.
        digits: As Python's formats name them, such as ``+.1f``.
    """
    return decimal_in(spoken(), f"{value:{digits}}")


def took(seconds: float) -> str:
    """Return ``0.8 s``, ``48 s``, ``2 min 14 s`` or ``1 h 05 min``, never broken over two lines."""
    return decimal_in(spoken(), duration(seconds, tenths=True)).replace(" ", NBSP)


def spending(seconds: float, cost: float | None) -> str:
    """Return time and, where it is known, what it costs: ``3 min 05 s at a cost of 1.20``.

    Args:
        seconds: Of a machine.
        cost: In whatever currency.
    """
    if cost is None:
        return duration(seconds)
    return _("{time} at a cost of {cost}", time=duration(seconds), cost=decimal_in(spoken(), amount(cost)))


def moment(when: datetime) -> str:
    """Return ``30 November 2026, 18:49 UTC``; in the language that is spoken, whatever the locale of this process."""
    day = "1er" if spoken() == "fr" and when.day == 1 else str(when.day)
    told = _(
        "{day} {month} {year}, {time} UTC",
        day=day,
        month=_(_MONTHS[when.month - 1]),
        year=when.year,
        time=f"{when:%H:%M}",
    )
    return told.replace(" ", NBSP, 1)[:-4] + f"{NBSP}UTC"


def photographs(num: int) -> str:
    """Return ``1 photograph`` or ``2,000 photographs``."""
    return ngettext("{count} photograph", "{count} photographs", num)


def enumeration(names: Sequence[str], *, most: int = 6) -> str:
    """Return ``a``, ``a and b``, ``a, b and c`` or ``a, b and 99,970 more``: a list that never outgrows a sentence.

    Args:
        names: At least one.
        most: Names shown at most, the rest counted.
    """
    left = len(names) - most + 1
    shown = list(names) if left <= 1 else [*names[: most - 1], ngettext("{count} more", "{count} more", left)]
    if len(shown) == 1:
        return shown[0]
    return _("{names} and {last}", names=", ".join(shown[:-1]), last=shown[-1])


def beside(parts: Sequence[str]) -> str:
    """Return parts of a sentence that stand on their own, at least one, as ``a; b; c``."""
    told = parts[0]
    for part in parts[1:]:
        told = _("{first}; {second}", first=told, second=part)
    return told


def quoted(name: str) -> str:
    """Return a class name in quotation marks, on one line and not endless."""
    return quoted_in(spoken(), shortened(one_line(name), 60), "“{}”")


def one_line(text: str) -> str:
    """Return a text on one line, printable, in which no mail program finds an address to make a link of.

    Names of folders and files come from whoever made the archive, and the mail goes to an address of their choice: it
    must not carry a stranger's link in our name. ``https://x.example.com`` becomes ``https: //x.example. com``.
    """
    return unlinked(" ".join(printable(text).split()))


def unlinked(text: str) -> str:
    """Return a text of our own that holds a name from the archive, as :func:`one_line` does it, but with its spaces."""
    return _LINKED.sub(r"\g<0> ", text)


def isolated(text: str) -> str:
    """Return a text in which words that are written from right to left keep their direction to themselves.

    Else numbers beside an Arabic name change sides with it, and a list of such names is read backwards: the order of
    the labels, and every row of a table in a mail of text.

    Source: Unicode Bidirectional Algorithm, UAX 9: first strong isolate and its end, U+2068 and U+2069.
    """
    return text if text.isascii() else _LEFTWARD.sub("\u2068\\g<0>\u2069", text)


def short_name(name: str) -> str:
    """Return the name of a class or file as it stands in a list or table: on one line, and no page of words."""
    return shortened(one_line(name), _LONGEST_NAME)


def numbered(name: str, position: int) -> str:
    """Return the name of a class with its number: ``4. ants``, and ``3 (no. 4)`` where the name itself begins with one.

    Args:
        name: Fit to be shown.
        position: Among the classes, from 1.
    """
    if name[:1].isdigit():
        return _("{name} (no. {number})", name=name, number=position)
    return f"{position}. {name}"


def are_numbered(classes: Sequence[str]) -> bool:
    """Tell whether a matrix may show classes by their numbers: of very many, or of scripts that plots cannot draw."""
    return len(classes) > _MOST_NAMED or not all(name.isascii() for name in classes)


def width(text: str) -> int:
    """Return how many columns a terminal uses for a text: two for wide characters, none for combining marks."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )
