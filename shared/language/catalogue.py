"""The languages that there are, and their catalogues of messages. English messages are their own keys."""

import gettext
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path


class Language(StrEnum):
    """What a person is written to in."""

    ENGLISH = "en"
    GERMAN = "de"
    FRENCH = "fr"


LANGUAGES: Mapping[str, str] = {"en": "English", "de": "Deutsch", "fr": "Français"}
"""By code, as each calls itself."""
PAGE, REPORT = "messages", "report"
"""Catalogues: of pages, scripts and faults; of reports, mails and cards, which no browser has to load."""
FOLDER = Path(__file__).parent / "catalogues"


@cache
def catalogue_of(language: str, domain: str = PAGE) -> gettext.NullTranslations:
    """Return the messages of a language; English ones are their own.

    Args:
        language: Code of one of the languages.
        domain: Which of the catalogues.
    """
    return gettext.translation(domain, FOLDER, [language], fallback=True)
