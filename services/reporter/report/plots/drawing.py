"""Every plot of a report, by its name."""

from collections.abc import Callable, Mapping
from functools import partial

from services.reporter.report.figures import (
    ACCURACY_BARS,
    CANDIDATE_ACCURACY,
    CANDIDATE_LOSS,
    CONFUSION,
    STRENGTHS,
    TUNING,
)
from services.reporter.report.plots.bars import accuracy_bars
from services.reporter.report.plots.curves import candidate_curves, tuning_curves
from services.reporter.report.plots.matrix import confusion_matrix
from services.reporter.report.plots.paths import strength_paths
from shared.job.result import Result

PLOTS: Mapping[str, Callable[[Result], bytes]] = {
    CONFUSION: confusion_matrix,
    TUNING: tuning_curves,
    ACCURACY_BARS: accuracy_bars,
    STRENGTHS: strength_paths,
    CANDIDATE_ACCURACY: candidate_curves,
    CANDIDATE_LOSS: partial(candidate_curves, loss=True),
}
"""Each takes a result that :func:`services.reporter.report.plots.plan.planned_plots` plans it for, and gives a PNG."""
