"""Every picture of one report: the plots and the thumbnails of mistakes."""

import base64
import binascii

from services.reporter.report.figures import (
    ACCURACY_BARS,
    CANDIDATE_ACCURACY,
    CANDIDATE_LOSS,
    CONFUSION,
    MOST_MISTAKES,
    TUNING,
    Figures,
    Picture,
    mistake_name,
)
from services.reporter.report.plots.bars import accuracy_bars
from services.reporter.report.plots.curves import candidate_curves, tuning_curves
from services.reporter.report.plots.matrix import confusion_matrix
from services.reporter.report.statistics import trained
from services.reporter.report.wording import one_line, percent
from shared.job.result import Result

_JPEG_START = b"\xff\xd8\xff"


def draw_figures(result: Result) -> Figures:
    """Draw everything that the result has data for."""
    matrix_alt = (
        f"Confusion matrix of {len(result.classes)} classes: rows are what the photographs show, columns what the "
        f"model said; {percent(result.test.accuracy)} lie on the diagonal."
    )
    plots: dict[str, tuple[bytes | None, str]] = {
        CONFUSION: (confusion_matrix(result), matrix_alt),
        TUNING: (tuning_curves(result), "Accuracy and loss per epoch of fine-tuning, training and validation."),
    }
    if trained(result):
        plots |= {
            ACCURACY_BARS: (accuracy_bars(result), "Validation accuracy of the candidates, the best on top."),
            CANDIDATE_ACCURACY: (candidate_curves(result), "Accuracy per epoch of every candidate."),
            CANDIDATE_LOSS: (candidate_curves(result, loss=True), "Loss per epoch of every candidate."),
        }
    pictures = [
        Picture(name=name, alt=alt, subtype="png", data=data) for name, (data, alt) in plots.items() if data is not None
    ]
    return {picture.name: picture for picture in [*pictures, *_thumbnails(result)]}


def _thumbnails(result: Result) -> list[Picture]:
    """Return the thumbnails that can be read; a mistake without one is told in words."""
    pictures = []
    for position, mistake in enumerate(result.test.mistakes[:MOST_MISTAKES]):
        try:
            data = base64.b64decode(mistake.thumbnail_jpeg_base64, validate=True)
        except binascii.Error:
            continue
        if data.startswith(_JPEG_START):
            alt = f"The photograph {one_line(mistake.path)}"
            pictures.append(Picture(name=mistake_name(position), alt=alt, subtype="jpeg", data=data))
    return pictures
