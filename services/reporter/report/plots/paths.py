"""How candidates were judged along the strengths of regularisation."""

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from services.reporter.report.plots.style import ACCENT, FAINT, MUTED, WIDTH_IN, style, to_png
from services.reporter.report.statistics import trained
from shared.job.findings.training import CandidateResult, CrossValidation
from shared.job.result import Result

_MOST_NAMED = 6


def strength_paths(result: Result) -> bytes:
    """Draw accuracy and log loss of every candidate that was cross-validated, over the strengths that were tried."""
    judged = [(each, each.cross_validation) for each in trained(result)[::-1] if each.cross_validation is not None]
    with rc_context(style()):
        figure = Figure(figsize=(WIDTH_IN, 2.7), layout="constrained")
        accuracy, loss = figure.subplots(1, 2)
        for candidate, validation in judged:
            look = _look(candidate, won=candidate.name == result.winner, is_named=len(judged) <= _MOST_NAMED)
            _draw(accuracy, validation, [step.accuracy for step in validation.path], look)
            _draw(loss, validation, [step.log_loss for step in validation.path], look)
        accuracy.set_title("accuracy", loc="left")
        accuracy.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        loss.set_title("log loss", loc="left")
        for axes in (accuracy, loss):
            axes.set_xscale("log")
            axes.invert_xaxis()
        handles, labels = accuracy.get_legend_handles_labels()
        figure.legend(handles[::-1], labels[::-1], loc="outside upper left", ncols=3, handlelength=1.8)
        figure.supxlabel("strength of regularisation, from strong to weak", fontsize=8.5, color=MUTED)
        return to_png(figure)


def _look(candidate: CandidateResult, *, won: bool, is_named: bool) -> dict[str, object]:
    """Return how the lines of a candidate look; of many only the winner's has a name."""
    label = candidate.name if is_named or won else "_"
    return {
        "color": ACCENT if won else (MUTED if is_named else FAINT),
        "linewidth": 1.8 if won else 1.1,
        "label": label,
    }


def _draw(axes: Axes, validation: CrossValidation, values: list[float], look: dict[str, object]) -> None:
    """Draw one line, with a ring at the strength that was chosen."""
    strengths = [step.strength for step in validation.path]
    axes.plot(strengths, values, marker="o", markersize=2.5, **look)  # type: ignore[arg-type]
    chosen = strengths.index(validation.strength)
    axes.plot([strengths[chosen]], [values[chosen]], "o", ms=6, mfc="white", mec=look["color"], mew=1.5)
