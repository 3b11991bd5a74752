"""The learning curve, and where it leads."""

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from services.reporter.report.plots.style import LIGHT, WIDTH_IN, Palette, percent_axis, style, to_png
from services.reporter.report.wording import number
from shared.job.result import Result
from shared.language.speech import _


def growth_plot(result: Result, palette: Palette = LIGHT) -> bytes:
    """Draw accuracy over the number of photographs, with its band, and what twice as many would bring.

    Raises:
        ValueError: If the result has no learning curve.
    """
    growth = result.growth
    if growth is None:
        raise ValueError("received a result without a learning curve, expected one")
    points, doubled = growth.points, growth.doubled
    sizes = [each.num_images for each in points]
    with rc_context(style(palette)):
        figure = Figure(figsize=(WIDTH_IN, 2.5), layout="constrained")
        axes = figure.subplots()
        lows, highs = [each.interval[0] for each in points], [each.interval[1] for each in points]
        axes.fill_between(sizes, lows, highs, color=palette.accent, alpha=0.15, linewidth=0)
        axes.plot(sizes, [each.accuracy for each in points], color=palette.accent, linewidth=1.7, marker="o", ms=4)
        last = points[-1]
        ahead = [last.num_images, doubled.num_images]
        low, high = ([last.interval[side], doubled.interval[side]] for side in (0, 1))
        axes.fill_between(ahead, low, high, color=palette.warm, alpha=0.12, linewidth=0)
        expected = [last.accuracy, doubled.accuracy]
        axes.plot(ahead, expected, color=palette.warm, linestyle=(0, (3, 2)), marker="o", markersize=4)
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(FixedLocator([*sizes, doubled.num_images]))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _place: number(round(value))))
        axes.set_xlabel(_("photographs learnt from; the last point is expected, not measured"))
        percent_axis(axes.yaxis)
        return to_png(figure, palette)
