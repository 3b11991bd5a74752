"""Which pictures a report has and what each shows, known before any is drawn; and those that need no drawing."""

import base64
import binascii
from collections.abc import Mapping

from services.reporter.report.figures import (
    ACCURACY_BARS,
    CANDIDATE_ACCURACY,
    CANDIDATE_LOSS,
    CERTAINTY,
    CONFUSION,
    GROWTH,
    MOST_SUSPECTS,
    STRENGTHS,
    TUNING,
    Figures,
    Picture,
    mistake_name,
    suspect_name,
)
from services.reporter.report.statistics import matrix_view, trained
from services.reporter.report.wording import percent, short_name
from shared.job.result import Result

_JPEG_START = b"\xff\xd8\xff"


def planned_plots(result: Result) -> Mapping[str, str]:
    """Return the plots that a result has data for: what each shows, by its name."""
    plots = {}
    view = matrix_view(result)
    if view.rows:
        which = f"of {len(result.classes)} classes" if view.is_whole else f"of {len(view.rows)} mixed up most"
        plots[CONFUSION] = (
            f"Confusion matrix {which}: rows are what the photographs show, columns what the model said; "
            f"{percent(result.test.accuracy)} of all lie on the diagonal."
        )
    if result.certainty is not None:
        plots[CERTAINTY] = (
            "Left: share of right answers by share of photographs answered. Right: how often answers are right by how "
            "sure they are."
        )
    if result.growth is not None:
        plots[GROWTH] = "Accuracy by number of photographs learnt from, and what twice as many would bring."
    if result.tuning is not None and result.tuning.history.val_accuracy:
        plots[TUNING] = "Accuracy and loss per epoch of fine-tuning, training and validation."
    done = trained(result)
    if done:
        plots[ACCURACY_BARS] = "Accuracy of the candidates on photographs they had not learnt from, the best on top."
    if any(each.cross_validation is not None for each in done):
        plots[STRENGTHS] = "Accuracy and log loss of every candidate by strength of regularisation."
    if any(each.history.val_accuracy for each in done):
        plots |= {
            CANDIDATE_ACCURACY: "Accuracy per epoch of every candidate.",
            CANDIDATE_LOSS: "Loss per epoch of every candidate.",
        }
    return plots


def undrawn(result: Result) -> Figures:
    """Return the plots of a report none of which was drawn; each is told in words."""
    return {name: Picture(name=name, alt=alt, subtype="png", data=b"") for name, alt in planned_plots(result).items()}


def thumbnails(result: Result) -> list[Picture]:
    """Return the thumbnails that can be read, of mistakes and suspects; one without is told in words."""
    mistakes = result.test.mistakes
    suspects = result.suspects.listed[:MOST_SUSPECTS] if result.suspects is not None else ()
    found = [
        *(_thumbnail(mistake_name(at), each.path, each.thumbnail_jpeg_base64) for at, each in enumerate(mistakes)),
        *(_thumbnail(suspect_name(at), each.path, each.thumbnail_jpeg_base64) for at, each in enumerate(suspects)),
    ]
    return [picture for picture in found if picture is not None]


def _thumbnail(name: str, path: str, jpeg_base64: str) -> Picture | None:
    try:
        data = base64.b64decode(jpeg_base64, validate=True)
    except binascii.Error:
        return None
    if not data.startswith(_JPEG_START):
        return None
    return Picture(name=name, alt=f"The photograph {short_name(path)}", subtype="jpeg", data=data)
