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
from shared.language.speech import _

_JPEG_START = b"\xff\xd8\xff"


def planned_plots(result: Result) -> Mapping[str, str]:
    """Return the plots that a result has data for: what each shows, by its name."""
    plots = {}
    view = matrix_view(result)
    if view.rows:
        plots[CONFUSION] = _matrix(result, len(view.rows), is_whole=view.is_whole)
    if result.certainty is not None:
        plots[CERTAINTY] = _(
            "Left: share of right answers by share of photographs answered. Right: how often answers are right by how "
            "sure they are."
        )
    if result.growth is not None:
        plots[GROWTH] = _("Accuracy by number of photographs learnt from, and what twice as many would bring.")
    if result.tuning is not None and result.tuning.history.val_accuracy:
        plots[TUNING] = _("Accuracy and loss per epoch of fine-tuning, training and validation.")
    done = trained(result)
    if done:
        plots[ACCURACY_BARS] = _("Accuracy of the candidates on photographs they had not learnt from, the best on top.")
    if any(each.cross_validation is not None for each in done):
        plots[STRENGTHS] = _("Accuracy and log loss of every candidate by strength of regularisation.")
    if any(each.history.val_accuracy for each in done):
        plots |= {
            CANDIDATE_ACCURACY: _("Accuracy per epoch of every candidate."),
            CANDIDATE_LOSS: _("Loss per epoch of every candidate."),
        }
    return plots


def _matrix(result: Result, num_shown: int, *, is_whole: bool) -> str:
    accuracy = percent(result.test.accuracy)
    if is_whole:
        return _(
            "Confusion matrix of {num} classes: rows are what the photographs show, columns what the model said; "
            "{accuracy} of all lie on the diagonal.",
            num=num_shown,
            accuracy=accuracy,
        )
    return _(
        "Confusion matrix of the {num} classes that are mixed up most: rows are what the photographs show, columns "
        "what the model said; {accuracy} of all lie on the diagonal.",
        num=num_shown,
        accuracy=accuracy,
    )


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
        name = mistake_name(position)
        yield name, _photograph(mistake.path), mistake.thumbnail_jpeg_base64
        yield heat_name(name), _lit(mistake.path), mistake.heat_jpeg_base64
    for position, hit in enumerate(focus.hits):
        name = hit_name(position)
        yield name, _photograph(hit.path), hit.thumbnail_jpeg_base64
        yield heat_name(name), _lit(hit.path), hit.heat_jpeg_base64
    for position, suspect in enumerate(suspects):
        yield suspect_name(position), _photograph(suspect.path), suspect.thumbnail_jpeg_base64
    for position, of_class in enumerate(focus.classes):
        alt = _("Mean over photographs of {name}, bright where it spoke for the answer", name=one_line(of_class.name))
        yield class_focus_name(position), alt, of_class.heat_jpeg_base64


def _photograph(path: str) -> str:
    return _("The photograph {path}", path=short_name(path))


def _lit(path: str) -> str:
    return _("The photograph {path}, bright where it spoke for the answer", path=short_name(path))


def _picture(told: tuple[str, str, str]) -> Picture | None:
    name, alt, content = told
    try:
        data = base64.b64decode(content, validate=True)
    except binascii.Error:
        return None
    return Picture(name=name, alt=alt, subtype="jpeg", data=data) if data.startswith(_JPEG_START) else None
