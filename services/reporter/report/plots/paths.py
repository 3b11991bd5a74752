"""How candidates were judged along the strengths of regularisation."""

from collections.abc import Sequence

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from services.reporter.report.plots.style import LIGHT, WIDTH_IN, Palette, percent_axis, style, to_png
from services.reporter.report.statistics import trained
from shared.job.findings.training import CandidateResult, CrossValidation
from shared.job.result import Result
from shared.language.speech import _

_MOST_NAMED = 6
_DECADE = 10.0


def strength_paths(result: Result, palette: Palette = LIGHT) -> bytes:
    """Draw accuracy and log loss of every candidate that was cross-validated, over the strengths that were tried."""
    judged = [(each, each.cross_validation) for each in trained(result)[::-1] if each.cross_validation is not None]
    with rc_context(style(palette)):
        tried = [step.strength for each in judged for step in each[1].path]
        figure = Figure(figsize=(WIDTH_IN, 2.7), layout="constrained")
        accuracy, loss = figure.subplots(1, 2)
        for candidate, validation in judged:
            is_named = len(judged) <= _MOST_NAMED
            look = _look(candidate, palette, won=candidate.name == result.winner, is_named=is_named)
            _draw(accuracy, validation, [step.accuracy for step in validation.path], look)
            _draw(loss, validation, [step.log_loss for step in validation.path], look)
        accuracy.set_title(_("accuracy"), loc="left")
        percent_axis(accuracy.yaxis)
        loss.set_title(_("log loss"), loc="left")
        for axes in (accuracy, loss):
            scale_strengths(axes, tried)
        handles, labels = accuracy.get_legend_handles_labels()
        figure.legend(handles[::-1], labels[::-1], loc="outside upper left", ncols=3, handlelength=1.8)
        figure.supxlabel(_("strength of regularisation, from strong to weak"), fontsize=8.5, color=palette.muted)
        return to_png(figure, palette)


def scale_strengths(axes: Axes, strengths: Sequence[float]) -> None:
    """Lay strengths out from strong to weak, such that two of the ticks or more have labels.

    Args:
        axes: Strengths are drawn along its x.
        strengths: At least one.
    """
    axes.set_xscale("log")
    axes.invert_xaxis()
    if max(strengths) > _DECADE * min(strengths):
        axes.minorticks_off()  # without labels here, and laying them out takes longest


def _look(candidate: CandidateResult, palette: Palette, *, won: bool, is_named: bool) -> dict[str, object]:
    """Return how the lines of a candidate look; of many only the winner's has a name."""
    label = candidate.name if is_named or won else "_"
    return {
        "color": palette.accent if won else (palette.muted if is_named else palette.faint),
        "linewidth": 1.8 if won else 1.1,
        "label": label,
    }


def _draw(axes: Axes, validation: CrossValidation, values: list[float], look: dict[str, object]) -> None:
    """Draw one line, with a ring at the strength that was chosen."""
    strengths = [step.strength for step in validation.path]
    axes.plot(strengths, values, marker="o", markersize=2.5, **look)  # type: ignore[arg-type]
    chosen = strengths.index(validation.strength)
    axes.plot([strengths[chosen]], [values[chosen]], "o", ms=6, mfc="none", mec=look["color"], mew=1.5)
