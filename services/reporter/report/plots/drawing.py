"""Every plot of a report, by its name."""

from collections.abc import Callable, Mapping
from functools import partial

from services.reporter.report.figures import (
    ACCURACY_BARS,
    CANDIDATE_ACCURACY,
    CANDIDATE_LOSS,
    CERTAINTY,
    CONFUSION,
    GROWTH,
    STRENGTHS,
    TUNING,
)
from services.reporter.report.plots.answers.certainty import certainty_plot
from services.reporter.report.plots.answers.growth import growth_plot
from services.reporter.report.plots.bars import accuracy_bars
from services.reporter.report.plots.curves import candidate_curves, tuning_curves
from services.reporter.report.plots.matrix import confusion_matrix
from services.reporter.report.plots.paths import strength_paths
from services.reporter.report.plots.style import DARK, LIGHT, Palette
from shared.job.result import Result

PLOTS: Mapping[str, Callable[[Result, Palette], bytes]] = {
    CERTAINTY: certainty_plot,
    GROWTH: growth_plot,
    TUNING: tuning_curves,
    ACCURACY_BARS: accuracy_bars,
    STRENGTHS: strength_paths,
    CANDIDATE_ACCURACY: candidate_curves,
    CANDIDATE_LOSS: partial(candidate_curves, loss=True),
}
"""Each takes a result that :func:`services.reporter.report.plots.plan.planned_plots` plans it for, and gives a PNG."""
ONLY_MAILED: Mapping[str, Callable[[Result], bytes]] = {CONFUSION: confusion_matrix}
"""Drawn for the mail, which stays light; the page shows the same in another way."""


def drawn(result: Result, name: str) -> tuple[bytes, bytes]:
    """Return a plot as PNGs, for a light and for a dark page; the latter is empty where only mails show it."""
    if name in ONLY_MAILED:
        return ONLY_MAILED[name](result), b""
    return PLOTS[name](result, LIGHT), PLOTS[name](result, DARK)
