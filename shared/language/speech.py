"""The language that is spoken at the moment, and what is said in it: messages with places by name, never glued parts.

A report asks for some three hundred messages, deep inside what words its sections. So the language is that of the
context, as in every web framework, and not an argument of each of these functions; who writes a document sets it once.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from gettext import NullTranslations

from shared.language.catalogue import REPORT, catalogue_of
from shared.language.number import decimal_in, number_in, percent_in
from shared.wording import rounded_share


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """A language with its messages.

    Args:
        language: Its code.
        messages: What is told in it.
    """

    language: str
    messages: NullTranslations


_ENGLISH = Speech(language="en", messages=NullTranslations())
_SPOKEN: ContextVar[Speech | None] = ContextVar("spoken", default=None)


@contextmanager
def speaking(language: str, messages: NullTranslations | None = None) -> Iterator[None]:
    """Speak a language for a time, in this thread.

    Args:
        language: Code of one of the languages.
        messages: Other ones than those of reports.
    """
    token = _SPOKEN.set(Speech(language=language, messages=messages or catalogue_of(language, REPORT)))
    try:
        yield
    finally:
        _SPOKEN.reset(token)


def _speech() -> Speech:
    return _SPOKEN.get() or _ENGLISH


def spoken() -> str:
    """Return the code of the language that is spoken."""
    return _speech().language


def _(message: str, /, **values: object) -> str:
    """Return a message in the language that is spoken.

    Args:
        message: In English, as the catalogue has it.
        values: For its places.
    """
    text = _speech().messages.gettext(message)
    return text.format(**values) if values else text


def pgettext(context: str, message: str, /, **values: object) -> str:
    """Return a message that English says in the same words as another one.

    Args:
        context: Tells the two apart.
        message: As in :func:`_`.
        values: Likewise.
    """
    text = _speech().messages.pgettext(context, message)
    return text.format(**values) if values else text


def ngettext(one: str, many: str, num: int, /, **values: object) -> str:
    """Return a message that counts; its place ``count`` is the number as the language writes it.

    Args:
        one: In English, for one.
        many: For every other number.
        num: How many.
        values: For further places.
    """
    text = _speech().messages.ngettext(one, many, num)
    return text.format(count=number_in(spoken(), num), **values)


def marked(message: str) -> str:
    """Return a message as it is, for :func:`_` to be told later; so the catalogue has it."""
    return message


def share_told(share: float, decimals: int = 0, *, has_sign: bool = True) -> str:
    """Return ``89 %``; a share short of everything or nothing is never rounded to it: ``99.8 %``, ``over 99.9 %``.

    Args:
        share: 0 to 1.
        decimals: Digits after the point.
        has_sign: Whether the sign of hundredths stands behind it.
    """
    bound, text = rounded_share(share, decimals)
    written = percent_in(spoken(), text) if has_sign else decimal_in(spoken(), text)
    if bound == "under":
        return _("under {share}", share=written)
    return _("over {share}", share=written) if bound else written
