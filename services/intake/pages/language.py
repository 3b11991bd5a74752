"""Which language a page speaks, and its catalogue of messages; of answers of the API, faults alone are translated."""

import gettext
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from werkzeug.datastructures import LanguageAccept

LANGUAGES: Mapping[str, str] = {"en": "English", "de": "Deutsch", "fr": "Français"}
"""By code, as each calls itself; the messages in templates and scripts are English."""
_FOLDER = Path(__file__).parent / "catalogues"
_DOMAIN = "messages"
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
def catalogue_of(language: str) -> gettext.NullTranslations:
    """Return the messages of a language; English ones are their own."""
    return gettext.translation(_DOMAIN, _FOLDER, [language], fallback=True)


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
