"""Numbers and names as each language writes them. Pure.

Three languages need a table of four signs; the library that knows all of them, Babel, brings 30 MB of others.
"""

_NARROW, NBSP = "\u202f", "\u00a0"
_THOUSANDS = {"de": ".", "fr": _NARROW}
_BEFORE_PERCENT = {"fr": _NARROW}
_QUOTES = {"de": "„{}“", "fr": f"«{NBSP}{{}}{NBSP}»"}


def number_in(language: str, value: int) -> str:
    """Return ``3,231,939``, ``3.231.939`` or the same with narrow spaces."""
    return f"{value:,}".replace(",", _THOUSANDS.get(language, ","))


def decimal_in(language: str, text: str) -> str:
    """Return a number that Python wrote, without marks between thousands, with the comma of the language.

    Args:
        language: Code of one of the languages.
        text: Such as ``0.35`` or ``+1.2``.
    """
    return text.replace(".", ",") if language in _THOUSANDS else text


def percent_in(language: str, text: str) -> str:
    """Return a number that Python wrote with the sign of hundredths, never broken over two lines."""
    return f"{decimal_in(language, text)}{_BEFORE_PERCENT.get(language, NBSP)}%"


def quoted_in(language: str, name: object, otherwise: str = "'{}'") -> str:
    """Return a name in the marks of the language.

    Args:
        language: Code of one of the languages.
        name: Fit to be shown.
        otherwise: The marks of English.
    """
    return _QUOTES.get(language, otherwise).format(name)
