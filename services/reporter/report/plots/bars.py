"""The candidates as bars."""

from collections.abc import Sequence

from matplotlib import rc_context
from matplotlib.figure import Figure

from services.reporter.report.plots.style import LIGHT, WIDTH_IN, Palette, percent_axis, style, to_png
from services.reporter.report.statistics import trained
from services.reporter.report.wording import percent
from shared.interval import wilson_interval
from shared.job.findings.training import CandidateResult
from shared.job.result import Result
from shared.language.speech import _, ngettext


def accuracy_bars(result: Result, palette: Palette = LIGHT) -> bytes:
    """Draw the accuracy by which candidates were compared, with its 95 % interval, the winner coloured."""
    candidates = trained(result)[::-1]
    with rc_context(style(palette)):
        figure = Figure(figsize=(WIDTH_IN, 0.9 + 0.3 * len(candidates)), layout="constrained")
        axes = figure.subplots()
        for row, each in enumerate(candidates):
            accuracy = each.val_accuracy or 0.0
            counted = _counted(result, each)
            low, high = wilson_interval(accuracy * counted, counted)
            won = each.name == result.winner
            axes.barh(row, accuracy, height=0.62, color=palette.accent if won else palette.rest)
            axes.plot(
                [low, high], [row, row], color=palette.ink, linewidth=1.1, solid_capstyle="butt", marker="|", ms=5
            )
            axes.text(1.02, row, percent(accuracy, 1), va="center", fontweight="bold" if won else "normal")
        names = axes.set_yticks(range(len(candidates)), [each.name for each in candidates])
        for tick, each in zip(names, candidates, strict=True):
            tick.label1.set(color=palette.ink, fontweight="bold" if each.name == result.winner else "normal")
        axes.set(xlim=(0, 1.12), ylim=(-0.6, len(candidates) - 0.4))
        axes.grid(visible=False, axis="y")
        percent_axis(axes.xaxis)
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1.0])
        lines = (_judged_by(result, candidates), _("thin lines: 95\u00a0% interval"))
        axes.set_xlabel("\n".join(lines))
        return to_png(figure, palette)


def _counted(result: Result, candidate: CandidateResult) -> float:
    """Return the photographs that a candidate was judged by, or what they count for."""
    if candidate.cross_validation is not None:
        return candidate.cross_validation.num_independent
    return result.counts.validation_independent or float(result.counts.validation)


def _judged_by(result: Result, candidates: Sequence[CandidateResult]) -> str:
    judged = candidates[-1].cross_validation
    if judged is not None:
        return ngettext(
            "right on {count} photograph of training and validation",
            "right on {count} photographs of training and validation",
            judged.num_images,
        )
    return ngettext(
        "right on {count} validation photograph", "right on {count} validation photographs", result.counts.validation
    )
