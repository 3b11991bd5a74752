"""Which names the installed fonts can draw, so that no plot shows empty boxes instead of letters."""

import unicodedata
from functools import cache

from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

from shared.language.speech import _

BASE = "DejaVu Sans"
# Scripts that DejaVu Sans lacks, on the systems that bring them; matplotlib falls back from one family to the next.
_FURTHER = (
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
    "WenQuanYi Zen Hei",
    "Hiragino Sans",
    "PingFang SC",
    "Apple SD Gothic Neo",
    "Yu Gothic",
    "Microsoft YaHei",
    "Malgun Gothic",
    "Arial Unicode MS",
)


@cache
def families() -> tuple[str, ...]:
    """Return the installed font families to draw with, in the order of preference."""
    installed = {entry.name for entry in font_manager.fontManager.ttflist}
    return (BASE, *(name for name in _FURTHER if name in installed))


@cache
def _letters(family: str) -> frozenset[int]:
    return frozenset(FT2Font(font_manager.findfont(family)).get_charmap())


def can_draw(text: str) -> bool:
    """Tell whether every character of a text has a shape in one of the fonts."""
    return all(any(ord(char) in _letters(family) for family in families()) for char in text)


def label(name: str, position: int, *, max_chars: int = 22) -> str:
    """Return a class name fit for an axis: shortened, or ``no. 7`` where no installed font has its script.

    Args:
        name: The class.
        position: Its position among the classes, from 0; tables of the report show it counted from 1.
        max_chars: Longest label, in characters.
    """
    # macOS zips carry decomposed names; composed ones keep accents on their letters.
    composed = unicodedata.normalize("NFC", " ".join(name.split()))
    if not composed or not can_draw(composed):
        return _("no. {number}", number=position + 1)
    if len(composed) > max_chars:
        composed = f"{composed[: max_chars - 8]}…{composed[-7:]}"
    # A dollar sign would start mathematics.
    return composed.replace("$", r"\$")
