"""What a person says of photographs in the wrong folder: move it to a class, or leave it out. Pure."""

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.errors import Fault, UserFault
from shared.text.printable import from_csv_cell

MAX_CORRECTIONS = 10_000
"""More than anybody sorts by hand; whoever has more sorts folders."""
MAX_CHARACTERS = 4_096
"""Longest path and name of a class; no file system has longer paths."""
_PATH, _TARGET = "path", "move_to"
_FIX = 'Send {"corrections": [{"path": "cats/7.jpg", "move_to": "dogs"}, …]}; null in "move_to" leaves it out.'
_TABLE_FIX = 'Save the list on the page of the job, or write a table with the columns "path" and "move_to".'


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What is to become of one photograph.

    Args:
        path: In the archive.
        move_to: The class that it shows; ``None``: it is left out.
    """

    path: str
    move_to: str | None = None


def read_corrections(value: object) -> tuple[Correction, ...]:
    """Read corrections from JSON values, in the order of paths.

    Args:
        value: A list of objects with ``path`` and ``move_to``.

    Raises:
        UserFault: ``corrections_invalid``.
    """
    if not isinstance(value, list) or not value:
        raise _invalid("There are no corrections; a list of at least one was expected.", _FIX)
    return _checked([_read(each, position) for position, each in enumerate(value, start=1)], _FIX)


def read_table(text: str) -> tuple[Correction, ...]:
    """Read corrections from the table that the page of a job saves: CSV with the columns ``path`` and ``move_to``.

    Raises:
        UserFault: ``corrections_invalid``.
    """
    try:
        reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
        rows = list(reader)
    except csv.Error as error:
        raise _invalid(f"The table cannot be read: {error}.", _TABLE_FIX) from error
    if not {_PATH, _TARGET} <= set(reader.fieldnames or ()):
        raise _invalid("The table has no columns named path and move_to.", _TABLE_FIX)
    read = [
        Correction(path=from_csv_cell(row[_PATH] or ""), move_to=from_csv_cell(row[_TARGET] or "") or None)
        for row in rows
    ]
    if not read:
        raise _invalid("There are no corrections in the table.", _TABLE_FIX)
    return _checked(read, _TABLE_FIX)


def digest_of(corrections: Sequence[Correction]) -> str:
    """Return the SHA-256 of corrections, hexadecimal: equal for the same ones in whichever order."""
    told = sorted((each.path, each.move_to is None, each.move_to or "") for each in corrections)
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _read(value: object, position: int) -> Correction:
    if not isinstance(value, Mapping) or set(value) - {_PATH, _TARGET, "filed_as"} or _TARGET not in value:
        raise _invalid(f'Correction {position} is no object with "path" and "move_to".', _FIX)
    path, target = value.get(_PATH), value[_TARGET]
    if not isinstance(path, str) or not (target is None or isinstance(target, str)):
        raise _invalid(f'"path" of correction {position} must be text, "move_to" text or null.', _FIX)
    return Correction(path=path, move_to=target)


def _checked(corrections: Sequence[Correction], fix: str) -> tuple[Correction, ...]:
    if len(corrections) > MAX_CORRECTIONS:
        message = f"There are {len(corrections):,} corrections; at most {MAX_CORRECTIONS:,} are taken."
        raise _invalid(message, "Correct the folders themselves, and send the archive again.")
    of_path: dict[str, Correction] = {}
    for position, each in enumerate(corrections, start=1):
        said = (each.path,) if each.move_to is None else (each.path, each.move_to)
        if not all(0 < len(text) <= MAX_CHARACTERS for text in said):
            raise _invalid(f"Path or class of correction {position} is empty, or longer than any can be.", fix)
        if of_path.setdefault(each.path, each) != each:
            raise _invalid(f"{each.path!r} is corrected in two ways.", "Name every photograph once.")
    return tuple(of_path[path] for path in sorted(of_path))


def _invalid(message: str, fix: str) -> UserFault:
    return UserFault.of(Fault(code="corrections_invalid", message=message, fix=fix, details={"field": "corrections"}))
