"""How sure the network must be: what a threshold leaves, and stated against true probabilities."""

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from services.reporter.report.plots.style import LIGHT, WIDTH_IN, Palette, percent_axis, style, to_png
from services.reporter.report.wording import percent
from shared.job.findings.certainty import Certainty
from shared.job.result import Result
from shared.language.speech import _

_ROOM_FOR_LABEL_FRAC = 0.4


def certainty_plot(result: Result, palette: Palette = LIGHT) -> bytes:
    """Draw coverage against accuracy, and the reliability diagram, both with their 95 % intervals.

    Raises:
        ValueError: If the result says nothing of them.
    """
    certainty = result.certainty
    if certainty is None:
        raise ValueError("received a result without thresholds, expected some")
    with rc_context(style(palette)):
        figure = Figure(figsize=(WIDTH_IN, 2.9), layout="constrained")
        coverage, reliability = figure.subplots(1, 2)
        _draw_coverage(coverage, certainty, palette)
        _draw_reliability(reliability, certainty, palette)
        return to_png(figure, palette)


def _draw_coverage(axes: Axes, certainty: Certainty, palette: Palette) -> None:
    points = [each for each in certainty.curve if each.answered > 0]
    answered = [each.answered for each in points]
    lows, highs = [each.interval[0] for each in points], [each.interval[1] for each in points]
    axes.fill_between(answered, lows, highs, color=palette.accent, alpha=0.15, linewidth=0)
    axes.plot(
        answered, [each.right for each in points], color=palette.accent, linewidth=1.7, marker="o", markersize=2.5
    )
    chosen = min(points, key=lambda each: abs(each.threshold - (certainty.threshold or 0.0)), default=None)
    if certainty.threshold and chosen is not None:
        is_left = chosen.answered > _ROOM_FOR_LABEL_FRAC
        axes.plot([chosen.answered], [chosen.right], "o", ms=7, mfc="none", mec=palette.warm, mew=1.6)
        axes.annotate(
            _("above {share}", share=percent(certainty.threshold)),
            (chosen.answered, chosen.right),
            xytext=(-5, -12) if is_left else (5, 6),  # the curve falls, so these two sides of it are free
            textcoords="offset points",
            ha="right" if is_left else "left",
            color=palette.warm,
        )
    axes.set(xlim=(0, 1.03), xlabel=_("share of photographs answered"), ylim=(min([*lows, 0.9]) - 0.02, 1.01))
    axes.set_title(_("right among the answered"), loc="left")
    percent_axis(axes.xaxis)
    percent_axis(axes.yaxis)


def _draw_reliability(axes: Axes, certainty: Certainty, palette: Palette) -> None:
    axes.plot([0, 1], [0, 1], color=palette.faint, linewidth=1, linestyle=(0, (3, 2)))
    for each in certainty.reliability:
        axes.plot([each.stated] * 2, each.interval, color=palette.muted, linewidth=1.1, solid_capstyle="butt")
        axes.plot([each.stated], [each.right], "o", ms=4.5, color=palette.accent)
    axes.set(xlim=(0, 1.03), ylim=(0, 1.03), xlabel=_("how sure it says it is"))
    axes.set_title(_("how often it is right, in the test"), loc="left")
    percent_axis(axes.xaxis)
    percent_axis(axes.yaxis)
