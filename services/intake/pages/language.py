"""Which language a page speaks, and the words of its scripts; of answers of the API, faults alone are translated."""

from collections.abc import Mapping
from functools import cache

from werkzeug.datastructures import LanguageAccept

from shared.language.catalogue import LANGUAGES, catalogue_of

_CONTEXT = "\x04"
"""Ends the context of a message in a compiled catalogue."""


def chosen_language(wanted: str | None, accepted: LanguageAccept) -> str:
    """Return the code of the language to speak.

    Args:
        wanted: What the person chose, if anything.
        accepted: What the browser says.
    """
    if wanted is not None and wanted in LANGUAGES:
        return wanted
    return accepted.best_match(list(LANGUAGES), default="en") or "en"


@cache
def words_of(language: str) -> Mapping[str, object]:
    """Return a catalogue for scripts: the message, or its forms for one and for many, by the English message.

    What has a context is told by the server alone.
    """
    known = getattr(catalogue_of(language), "_catalog", {})
    words: dict[str, object] = {}
    for message, told in known.items():
        if _CONTEXT in (message[0] if isinstance(message, tuple) else message):
            continue
        if isinstance(message, tuple):
            words[message[0]] = [*_forms(words.get(message[0])), told]
        elif message:
            words[message] = told
    return words


def _forms(known: object) -> list[object]:
    return known if isinstance(known, list) else []
