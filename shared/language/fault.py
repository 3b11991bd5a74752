"""What the server says of a fault, in the language of the one who asks: by its code and its details, never its words.

English is what the code itself says. A catalogue has, under the code, a sentence for what is wrong and one for what to
do, and under the name of a detail what that is called; so a fault that was stored long ago is told like one of today.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shared.errors import Fault
from shared.language.catalogue import catalogue_of
from shared.language.number import decimal_in, number_in, quoted_in
from shared.text.bound import first_entries

MESSAGE, FIX, DETAIL, FILE = "fault", "fix", "detail", "file"
"""Contexts of the catalogue: by the code of a fault, by the name of a detail, by the code of a file's fault."""
DETAILS = (
    *("classes", "folders", "others", "files", "reasons", "field", "format", "count", "max_count", "max_bytes"),
    *("bytes", "min_images", "budget_minutes", "needed_bytes", "best_bytes", "retry_after_s", "incident", "use"),
)
"""Details that are told, in this order; the others are for programs."""
_MOST_NAMED = 6
_ADDRESS = "email"
"""The field that its sentences name themselves."""
_MINUTE_S, _HOUR_S = 60, 3600
_HUNDRED = 100
_BYTES = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def told_in(language: str, fault: Fault) -> Fault:
    """Return a fault with its message and fix in a language; itself where the language has none for its code.

    Args:
        language: Code of one of the languages.
        fault: As the server says it; where several things are wrong, each in ``details.faults``.
    """
    parts = [each for each in fault.details.get("faults", ()) if isinstance(each, Mapping)]
    single = [told for each in parts if (told := _told(language, each)) is not None]
    if not parts or len(single) < len(parts):
        single = [told] if (told := _told(language, {"code": fault.code, "details": fault.details})) else []
    if not single:
        return fault
    message = " ".join(message for message, _ in single)
    fix = " ".join(dict.fromkeys(fix for _, fix in single))
    return Fault(code=fault.code, message=message, fix=fix, details=fault.details)


def _told(language: str, fault: Mapping[str, Any]) -> tuple[str, str] | None:
    catalogue, code = catalogue_of(language), str(fault.get("code", ""))
    message, fix = catalogue.pgettext(MESSAGE, code), catalogue.pgettext(FIX, code)
    if code in (message, fix):
        return None
    details = fault.get("details")
    places = list(_places(language, details if isinstance(details, Mapping) else {}))
    return (f"{message} {'; '.join(places)}." if places else message), fix


def _places(language: str, details: Mapping[str, Any]) -> Iterator[str]:
    catalogue = catalogue_of(language)
    for name in DETAILS:
        value = details.get(name)
        if value not in (None, "", [], {}, _ADDRESS):
            shown = _files(language, value) if name == "reasons" else _shown(language, name, value)
            separator = "\u00a0: " if language == "fr" else ": "
            yield f"{catalogue.pgettext(DETAIL, name)}{separator}{shown}"


def _shown(language: str, name: str, value: object) -> str:
    if isinstance(value, Mapping):
        named = [f"{quoted_in(language, key)} ({_number(language, number)})" for key, number in value.items()]
        return _listed(named)
    if isinstance(value, Sequence) and not isinstance(value, str):
        texts = first_entries(value, _MOST_NAMED)
        return _listed([_named(language, each) for each in texts])
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _measured(language, name, value)
    return str(value) if name in ("incident", "format") else quoted_in(language, value)


def _named(language: str, entry: object) -> str:
    """Return a name, or names that belong together, such as those of classes that clash."""
    names = entry if isinstance(entry, Sequence) and not isinstance(entry, str) else [entry]
    return " / ".join("…" if str(each).startswith("…") else quoted_in(language, each) for each in names)


def _files(language: str, value: object) -> str:
    """Return why files cannot be used, by how many."""
    catalogue = catalogue_of(language)
    if not isinstance(value, Mapping):
        return str(value)
    return _listed([f"{number} × {catalogue.pgettext(FILE, str(code))}" for code, number in value.items()])


def _measured(language: str, name: str, value: float) -> str:
    if name.endswith("bytes"):
        size, unit = next((pair for pair in _BYTES if value >= pair[0]), _BYTES[-1])
        return f"{_number(language, _rounded(value / size))} {unit}{'o' if language == 'fr' else 'B'}"
    if name.endswith("_s"):
        size, unit = (_HOUR_S, "h") if value >= _HOUR_S else (_MINUTE_S, "min") if value >= _MINUTE_S else (1, "s")
        return f"{_number(language, max(1, math.ceil(value / size)))} {unit}"
    return _number(language, value)


def _rounded(value: float) -> float:
    """Return a number of which three digits are told, or all before the point."""
    return round(value) if value >= _HUNDRED else float(f"{value:.3g}")


def _number(language: str, value: object) -> str:
    if isinstance(value, int):
        return number_in(language, value)
    return decimal_in(language, f"{value:g}") if isinstance(value, float) else str(value)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names if len(names) <= _MOST_NAMED else [*names[:_MOST_NAMED], "…"])
