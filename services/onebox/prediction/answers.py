"""What is answered to each picture, and how that is written down for programs. Pure."""

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.client.folder import LeftOut
from services.onebox.prediction.classifier import Prediction
from shared.text.printable import csv_cell

UNSURE = "unsure"
"""Answered instead of a class where that is too improbable."""
UNLIKE = "unlike"
"""Answered instead of a class where the picture is unlike every photograph that the network has seen."""
_DIGITS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One picture and what is answered.

    Args:
        prediction: What the network says.
        unsure_below: Probability below which no class is answered; 0: one always is.
        set_above: Probability from which on a class belongs to the answer set; ``None``: there are no sets.
        knows_strangers: Whether no class is answered of a picture unlike every photograph that the network has seen.
        place: Where the picture was put, if it was.
    """

    prediction: Prediction
    unsure_below: float = 0.0
    set_above: float | None = None
    knows_strangers: bool = True
    place: Path | None = None

    @property
    def is_read(self) -> bool:
        """Tell whether the picture could be read."""
        return self.prediction.error is None

    @property
    def is_unsure(self) -> bool:
        """Tell whether the most probable class is too improbable to be answered."""
        return self.is_read and not self.is_stranger and self.prediction.probability < self.unsure_below

    @property
    def is_stranger(self) -> bool:
        """Tell whether the picture is unlike every photograph that the network has seen."""
        return self.is_read and self.knows_strangers and self.prediction.is_stranger

    @property
    def has_class(self) -> bool:
        """Tell whether a class is answered."""
        return self.is_read and not self.is_unsure and not self.is_stranger

    @property
    def answer_set(self) -> list[str]:
        """Classes that are probable enough, the most probable first and in any case."""
        shares = self.prediction.probabilities
        least = 1.0 if self.set_above is None else self.set_above
        return [name for name, share in shares.items() if share >= least or name == self.prediction.best]

    @property
    def name(self) -> str:
        """What is answered: a class, :data:`UNSURE` or :data:`UNLIKE`; empty where the picture cannot be read."""
        if not self.is_read:
            return ""
        if self.is_stranger:
            return UNLIKE
        return UNSURE if self.is_unsure else self.prediction.best


def heap_beside(answer: str, classes: Sequence[str]) -> str:
    """Return how a folder of answers that are no class is called beside those of the classes."""
    name = answer
    while name in classes:
        name += "_"
    return name


def tally(answers: Sequence[Answer], classes: Sequence[str]) -> Mapping[str, int]:
    """Return how many pictures were answered what, classes in their order, without those that none was."""
    counts = Counter(each.name for each in answers if each.has_class)
    return {name: counts[name] for name in classes if counts[name]}


def json_document(model: Path, answers: Sequence[Answer], left_out: Sequence[LeftOut]) -> dict[str, Any]:
    """Return everything as one document."""
    read = [each for each in answers if each.is_read]
    classes = list(dict.fromkeys(each.prediction.best for each in read))
    return {
        "model": str(model),
        "unsure_below": answers[0].unsure_below if answers else 0.0,
        "summary": {
            "classes": dict(tally(answers, classes)),
            "unsure": sum(each.is_unsure for each in answers),
            "unlike": sum(each.is_stranger for each in answers),
            "unreadable": len(answers) - len(read),
            "passed_over": len(left_out),
        },
        "images": [_entry(each) for each in answers],
        "passed_over": [{"path": each.path, "reason": each.reason} for each in left_out],
    }


def _entry(answer: Answer) -> dict[str, Any]:
    told = answer.prediction
    if told.error is not None:
        return {"path": told.path, "error": told.error, "code": told.code, "fix": told.fix}
    sets = {"answer_set": answer.answer_set} if answer.set_above is not None else {}
    told_distance = {"distance": told.distance, "unlike_above": told.limit} if told.distance is not None else {}
    placed = {"sorted_to": str(answer.place)} if answer.place is not None else {}
    return {
        "path": told.path,
        "class": answer.name,
        "is_unsure": answer.is_unsure,
        "is_unlike": answer.is_stranger,
        "best": told.best,
        "probability": told.probability,
        "probabilities": dict(told.probabilities),
        **told_distance,
        **sets,
        **placed,
    }


def csv_table(answers: Sequence[Answer], classes: Sequence[str]) -> str:
    """Return a row for each picture, for spreadsheets."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    head = ("path", "class", "probability", "best", "error", "sorted_to", *(f"probability of {n}" for n in classes))
    writer.writerow([csv_cell(each) for each in head])
    for each in answers:
        told = each.prediction
        shares = [round(told.probabilities[name], _DIGITS) if each.is_read else "" for name in classes]
        cells = (told.path, each.name, told.best, told.error or "", str(each.place or ""))
        path, name, best, error, place = map(csv_cell, cells)
        probability = round(told.probability, _DIGITS) if each.is_read else ""
        writer.writerow([path, name, probability, best, error, place, *shares])
    return text.getvalue()
