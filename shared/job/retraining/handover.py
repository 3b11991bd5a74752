"""What a job hands on to one that is trained again from its archive: what served for what, what the test said.

The second job keeps this beside its archive, so that it needs nothing of the first one's any more: that may be deleted
meanwhile, and what was handed on goes with the second one's photographs.
"""

import csv
import hashlib
import io
import json
import zipfile
from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

from shared.errors import Fault, UserFault
from shared.job.findings.comparison import Corrected
from shared.job.retraining.correction import Correction, digest_of
from shared.job.retraining.pairing import Answer
from shared.layout import PREDICTIONS_TABLE, SPLITS_TABLE
from shared.text.printable import from_csv_cell

TRAIN, VALIDATION, TEST = "train", "validation", "test"
_MOST_NAMED = 5
UNREADABLE = (KeyError, ValueError, csv.Error, zipfile.BadZipFile, EOFError, NotImplementedError)
"""What a damaged ``model.zip``, or one of another program, ends in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """What lies in ``model.zip`` about the photographs of a job; see ``docs/result.md``.

    Args:
        parts: What every file served for, such as ``train``, by path; ``left out`` where it was not used.
        classes: The class of every file that served for something, by path.
        answers: About every test photograph, by path.
    """

    parts: Mapping[str, str]
    classes: Mapping[str, str]
    answers: Mapping[str, Answer]


def read_tables(zipped: IO[bytes]) -> Tables:
    """Read the tables of a ``model.zip``, row by row.

    Raises:
        OSError: If the file cannot be read.
        LookupError, ValueError, csv.Error, zipfile.BadZipFile: As :data:`UNREADABLE` has them.
    """
    with zipfile.ZipFile(zipped) as archive:
        answers = {
            from_csv_cell(row["path"]): Answer(
                actual=from_csv_cell(row["class"]), predicted=from_csv_cell(row["predicted"])
            )
            for row in _rows(archive, PREDICTIONS_TABLE)
        }
        parts, classes = {}, {}
        for row in _rows(archive, SPLITS_TABLE):
            path = from_csv_cell(row["path"])
            parts[path] = row["split"]
            if row.get("class"):  # what was left out has none
                classes[path] = from_csv_cell(row["class"])
    return Tables(parts=parts, classes=classes, answers=answers)


def _rows(archive: zipfile.ZipFile, name: str) -> Iterator[dict[str, str]]:
    with archive.open(name) as file, io.TextIOWrapper(file, encoding="utf-8", newline="") as text:
        yield from csv.DictReader(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """All that a training needs to know of the one before it.

    Args:
        job_id: Of the first job.
        winner: Its backbone.
        corrections: What the person said of its photographs.
        earlier_corrections: Those that the first job was itself trained with; the archive is as it was sent.
        parts: What each photograph that served for something served for, by path.
        said: What its network said of the test photographs, by path.
    """

    job_id: str
    winner: str
    corrections: tuple[Correction, ...]
    parts: Mapping[str, str]
    said: Mapping[str, str]
    earlier_corrections: tuple[Correction, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256, hexadecimal, of all that decides which photograph serves for what, and as what."""
        all_moves = [Correction(path=path, move_to=target) for path, target in self.moves.items()]
        told = [digest_of(all_moves), sorted(self.parts.items())]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()

    @property
    def moves(self) -> dict[str, str | None]:
        """The class that each corrected photograph shows, by path; ``None``: it is left out."""
        return {each.path: each.move_to for each in (*self.earlier_corrections, *self.corrections)}

    @property
    def corrected(self) -> Corrected:
        """How many photographs are corrected, and how many of them are test photographs."""
        moved = [each.path for each in self.corrections if each.move_to is not None]
        left_out = [each.path for each in self.corrections if each.move_to is None]
        return Corrected(
            job_id=self.job_id,
            num_moved=len(moved),
            num_left_out=len(left_out),
            num_test_moved=sum(self.parts.get(path) == TEST for path in moved),
            num_test_left_out=sum(self.parts.get(path) == TEST for path in left_out),
        )


def hand_over(
    tables: Tables, corrections: Sequence[Correction], *, job_id: str, winner: str, before: Handover | None = None
) -> Handover:
    """Check corrections against the photographs that a job used, and return what a second one is handed.

    Args:
        tables: Of the first job.
        corrections: Those that change nothing are passed over.
        job_id: Of the first job.
        winner: Its backbone.
        before: What that job was handed itself, if it was trained again from another.

    Raises:
        UserFault: ``correction_unknown_path``, ``correction_unknown_class`` or ``corrections_invalid``.
    """
    classes = sorted(set(tables.classes.values()))
    corrections = [_as_sent(each, tables.classes, classes) for each in corrections]
    unknown = [each.path for each in corrections if each.path not in tables.classes]
    if unknown:
        raise _unknown_paths(unknown, [path for path in unknown if path in tables.parts])
    targets = {each.move_to for each in corrections if each.move_to is not None}
    if not targets <= set(classes):
        raise _unknown_class(sorted(targets - set(classes)), classes)
    telling = tuple(each for each in corrections if each.move_to != tables.classes[each.path])
    if not telling:
        message, fix = "Every photograph named lies in that class already.", "Name the class that each really shows."
        raise UserFault("corrections_invalid", message, fix=fix, details={"field": "corrections"})
    handover = Handover(
        job_id=job_id,
        winner=winner,
        corrections=telling,
        parts={path: tables.parts[path] for path in tables.classes},
        said={path: answer.predicted for path, answer in tables.answers.items()},
        earlier_corrections=() if before is None else (*before.earlier_corrections, *before.corrections),
    )
    _check_enough(handover, tables.classes)
    return handover


def _as_sent(correction: Correction, paths: Container[str], classes: Container[str]) -> Correction:
    """Return a correction with names as the archive has them, also where they come from a report or a table."""
    path, target = correction.path, correction.move_to
    return Correction(
        path=path if path in paths else from_csv_cell(path),
        move_to=target if target is None or target in classes else from_csv_cell(target),
    )


def _check_enough(handover: Handover, class_of: Mapping[str, str]) -> None:
    """Make sure that every class is still learnt from, and that something is left to choose and to test with."""
    moves = {each.path: each.move_to for each in handover.corrections}
    left, classes = Counter[tuple[str, str]](), sorted(set(class_of.values()))
    for path, part in handover.parts.items():
        target = moves.get(path, class_of[path])
        if target is not None:
            left[part, target] += 1
    empty = [name for name in classes if not left[TRAIN, name]]
    bare = [part for part in (VALIDATION, TEST) if not any(left[part, name] for name in classes)]
    if empty or bare:
        what = f"nothing to learn {empty[0]!r} from" if empty else f"no photographs for {bare[0]}"
        raise UserFault(
            "corrections_invalid",
            f"The corrections leave {what}.",
            fix="Correct fewer photographs, or send an archive with more of them.",
            details={"field": "corrections", "classes": empty},
        )


def _unknown_paths(paths: Sequence[str], left_out: Sequence[str]) -> UserFault:
    named = ", ".join(repr(path) for path in paths[:_MOST_NAMED])
    others = f" and {len(paths) - _MOST_NAMED:,} more" if len(paths) > _MOST_NAMED else ""
    message = f"The first job used no photographs of these paths: {named}{others}."
    if left_out:
        message += f" It had left out {left_out[0]!r}, as its report tells."
    fix = "Use paths as splits.csv in model.zip has them."
    details = {"field": "corrections", "paths": list(paths[:_MOST_NAMED]), "count": len(paths)}
    return UserFault.of(Fault(code="correction_unknown_path", message=message, fix=fix, details=details))


def _unknown_class(names: Sequence[str], classes: Sequence[str]) -> UserFault:
    details = {"field": "corrections", "classes": list(names[:_MOST_NAMED]), "count": len(names)}
    known = ", ".join(classes[:20]) + (" …" if len(classes) > 20 else "")  # noqa: PLR2004 - a few lines
    message = f"There is no class {names[0]!r}."
    return UserFault.of(
        Fault(code="correction_unknown_class", message=message, fix=f"Use one of: {known}.", details=details)
    )
