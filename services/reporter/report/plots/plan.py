"""Which pictures a report has and what each shows, known before any is drawn; and those that need no drawing."""

import base64
import binascii
from collections.abc import Iterator, Mapping

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
    class_focus_name,
    heat_name,
    hit_name,
    mistake_name,
    suspect_name,
)
from services.reporter.report.statistics import matrix_view, trained
from services.reporter.report.wording import one_line, percent, short_name
from shared.job.findings.focus import Focus
from shared.job.result import Result

_LIT = "bright where it spoke for the answer"
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
    """Return the small pictures that can be read; what is shown without one is told in words."""
    return [each for each in map(_picture, _small_pictures(result)) if each is not None]


def _small_pictures(result: Result) -> Iterator[tuple[str, str, str]]:
    """Yield name, meaning and content of every small picture that the document holds."""
    focus = result.focus or Focus()
    suspects = result.suspects.listed[:MOST_SUSPECTS] if result.suspects is not None else ()
    for position, mistake in enumerate(result.test.mistakes):
        alt = f"The photograph {short_name(mistake.path)}"
        yield mistake_name(position), alt, mistake.thumbnail_jpeg_base64
        yield heat_name(mistake_name(position)), f"{alt}, {_LIT}", mistake.heat_jpeg_base64
    for position, hit in enumerate(focus.hits):
        alt = f"The photograph {short_name(hit.path)}"
        yield hit_name(position), alt, hit.thumbnail_jpeg_base64
        yield heat_name(hit_name(position)), f"{alt}, {_LIT}", hit.heat_jpeg_base64
    for position, suspect in enumerate(suspects):
        yield suspect_name(position), f"The photograph {short_name(suspect.path)}", suspect.thumbnail_jpeg_base64
    for position, of_class in enumerate(focus.classes):
        alt = f"Mean over photographs of {one_line(of_class.name)}, {_LIT}"
        yield class_focus_name(position), alt, of_class.heat_jpeg_base64


def _picture(told: tuple[str, str, str]) -> Picture | None:
    name, alt, content = told
    try:
        data = base64.b64decode(content, validate=True)
    except binascii.Error:
        return None
    return Picture(name=name, alt=alt, subtype="jpeg", data=data) if data.startswith(_JPEG_START) else None
