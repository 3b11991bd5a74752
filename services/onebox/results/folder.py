"""What a folder of results holds: the document, and the tables that lie in ``model.zip``."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from services.client.fault import UsageFault
from shared.job.result import Result
from shared.job.retraining.handover import UNREADABLE, Tables, read_tables
from shared.job.retraining.pairing import Answer
from shared.json_codec import from_json
from shared.layout import FILE_NAMES, Artefact

_RESULT = FILE_NAMES[Artefact.RESULT]


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """A folder of results.

    Args:
        folder: Where.
        result: ``result.json``.
        answers: About every test photograph, by its path in the archive; empty where ``model.zip`` is missing.
        parts: What every file served for, such as ``train``, by path; likewise.
    """

    folder: Path
    result: Result
    answers: Mapping[str, Answer]
    parts: Mapping[str, str]


def read_results(folder: Path) -> Results:
    """Read what ``convtailor run`` or ``fetch`` left in a folder.

    Raises:
        UsageFault: ``results_not_found`` or ``result_unreadable``.
    """
    path = folder / _RESULT if folder.is_dir() else folder
    if not path.is_file():
        raise UsageFault(
            "results_not_found",
            f"There is no {_RESULT} in {folder}.",
            fix="Name the folder that `convtailor run --out` or `convtailor fetch` filled.",
            details={"path": str(path)},
        )
    try:
        result = from_json(Result, json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, ValidationError) as error:
        raise UsageFault(
            "result_unreadable",
            f"{path} is no result of convtailor, or damaged ({type(error).__name__}).",
            fix="Fetch it again, or name the folder of another run.",
            details={"path": str(path)},
        ) from error
    tables = _tables(path.parent / FILE_NAMES[Artefact.MODEL_ZIP])
    return Results(
        folder=path.parent,
        result=result,
        answers=tables.answers,
        parts=tables.parts,
    )


def _tables(zipped: Path) -> Tables:
    """Return the tables of a delivery; empty ones where it is missing or damaged, which costs a comparison."""
    try:
        with zipped.open("rb") as file:
            return read_tables(file)
    except (OSError, *UNREADABLE):
        return Tables(parts={}, classes={}, answers={})
