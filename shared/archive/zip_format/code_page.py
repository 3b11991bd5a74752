"""Finds the code page in which the names of an archive or a folder were written, where nothing says which it was.

Zip knows two: UTF-8, where a flag is set, and code page 437. Windows and many programs write the page of their country
instead, without a word. All names were written by one program, so one page is chosen for all of them: the one under
which they read most like names. Every byte means something in most pages, so "can be decoded" says little; what decides
is whether letters stand together as in writing. Whatever is chosen, names that differ go on to differ.
"""

import unicodedata
from collections.abc import Collection, Iterable
from itertools import islice

from shared.archive.zip_format.writing import GAP, is_of_one_language, worth_of
from shared.text.printable import printable_name

_UTF8 = "utf-8"
_LONG_IN_UTF8 = "\u0800"
"""From here on a character takes three bytes or more, which other pages form by chance hardly ever; two they do."""
_PAGES = {
    _UTF8: 0.6,
    "cp437": 0.0,
    "cp850": 0.0,
    "cp1252": 0.0,
    "cp852": 0.0,
    "cp1250": 0.0,
    "cp857": 0.0,
    "cp1254": 0.0,
    "cp866": 0.0,
    "cp1251": 0.0,
    "koi8_r": -0.15,
    "mac_roman": -0.15,
    "cp737": -0.05,
    "cp1253": -0.05,
    "cp1255": 0.0,
    "cp862": 0.0,
    "cp1256": 0.0,
    "cp720": -0.05,
    "cp874": 0.0,
    "cp932": 0.05,
    "gb18030": 0.05,
    "cp950": 0.05,
    "cp949": 0.05,
    "euc_jp": -0.05,
}
"""Pages tried, of equals the earlier, and how much commoner than others each is among the archives of today."""
_MOST_JUDGED = 2_000
"""Names that decide; an archive repeats itself."""
_ONE_LANGUAGE = 0.15
"""Worth of it that all letters beyond English stand in the alphabet of one language."""
_LEAST_SCORE = 0.0
"""Below this no page makes sense of the names; they are told byte by byte."""


def page_of(raw_names: Iterable[bytes]) -> str | None:
    """Return Python's name of the code page in which names were written, ``None`` where none makes sense of them.

    Args:
        raw_names: Paths of one archive or folder, as for :func:`names_of`.
    """
    parts = dict.fromkeys(part for raw in raw_names for part in raw.split(b"/") if not part.isascii())
    judged = list(islice(parts, _MOST_JUDGED))
    return _best_page(judged) if judged else "ascii"


def names_of(raw_names: Iterable[bytes], *, page: str | None = None, beside: Iterable[str] = ()) -> dict[bytes, str]:
    """Return the paths that bytes stand for; parts of paths that differ in bytes differ in text.

    Args:
        raw_names: All paths of one archive or folder whose page nobody tells, with ``/`` between their parts,
            which is half of a character in none of the pages.
        page: As :func:`page_of` told it; asked anew unless given.
        beside: Paths that are text and other folders and files, though they may be spelled alike.
    """
    raw_names = list(raw_names)
    parts = list(dict.fromkeys(part for raw in raw_names for part in raw.split(b"/")))
    if not parts:
        return {}
    page = page or page_of(raw_names)
    taken = {_composed(part) for name in beside if not name.isascii() for part in name.split("/")}
    named: dict[bytes, str] = {}
    for part in parts:
        text = _decoded(part, page)
        if text is None or (page != _UTF8 and not part.isascii() and _composed(text) in taken):
            text = _told_by_byte(part)
        taken.add(_composed(text))
        named[part] = text
    return {raw: "/".join(named[part] for part in raw.split(b"/")) for raw in raw_names}


def _best_page(raw_names: Collection[bytes]) -> str | None:
    """Return the page under which names read best, ``None`` where none makes sense of them."""
    in_utf8 = [_decoded(raw, _UTF8) for raw in raw_names]
    if None not in in_utf8 and max(map(max, filter(None, in_utf8))) >= _LONG_IN_UTF8:
        return _UTF8
    scores = {page: score + prior for page, prior in _PAGES.items() if (score := _score(raw_names, page)) is not None}
    best = max(scores, key=scores.__getitem__)
    return best if scores[best] > _LEAST_SCORE else None


def _decoded(raw: bytes, page: str | None) -> str | None:
    if page is None:
        return None
    try:
        return raw.decode(page)
    except UnicodeDecodeError:
        return None


def _told_by_byte(raw: bytes) -> str:
    r"""Return ``caf\xe9`` for bytes that are no text: readable, and no other name's."""
    return printable_name(raw.decode("ascii", "surrogateescape"))


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _score(raw_names: Collection[bytes], page: str) -> float | None:
    """Return how much names under a page read like names, about -1 to 1; ``None`` where they cannot be decoded."""
    total, num_letters = 0.0, 0
    spoken: set[str] = set()
    for raw in raw_names:
        name = _decoded(raw, page)
        if name is None:
            return None
        for position, char in enumerate(name):
            if char == "\\" and not name[position - 1 : position].isascii():
                total += GAP  # half of a character of two bytes
            elif not char.isascii():
                total += worth_of(char, name[position - 1 : position], name[position + 1 : position + 2])
                num_letters += 1
            spoken.update(name.replace("İ", "ı").lower())
    if not num_letters:
        return None
    return total / num_letters + _ONE_LANGUAGE * (page != _UTF8 and is_of_one_language(spoken))
