"""The candidates as bars."""

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from services.reporter.report.plots.style import ACCENT, INK, WIDTH_IN, style, to_png
from services.reporter.report.statistics import trained
from services.reporter.report.wording import percent
from shared.interval import wilson_interval
from shared.job.result import Result


def accuracy_bars(result: Result) -> bytes:
    """Draw validation accuracy of every trained candidate with its 95 % interval, the winner coloured."""
    candidates = trained(result)[::-1]
    with rc_context(style()):
        figure = Figure(figsize=(WIDTH_IN, 0.75 + 0.3 * len(candidates)), layout="constrained")
        axes = figure.subplots()
        for row, each in enumerate(candidates):
            accuracy = each.val_accuracy or 0.0
            counted = result.counts.validation_independent or float(result.counts.validation)
            low, high = wilson_interval(accuracy * counted, counted)
            won = each.name == result.winner
            axes.barh(row, accuracy, height=0.62, color=ACCENT if won else "#b9c6c6")
            axes.plot([low, high], [row, row], color=INK, linewidth=1.1, solid_capstyle="butt", marker="|", ms=5)
            axes.text(1.02, row, percent(accuracy, 1), va="center", fontweight="bold" if won else "normal")
        names = axes.set_yticks(range(len(candidates)), [each.name for each in candidates])
        for tick, each in zip(names, candidates, strict=True):
            tick.label1.set(color=INK, fontweight="bold" if each.name == result.winner else "normal")
        axes.set(xlim=(0, 1.12), ylim=(-0.6, len(candidates) - 0.4), xticks=[0, 0.25, 0.5, 0.75, 1.0])
        axes.grid(visible=False, axis="y")
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.set_xlabel(f"right on the {result.counts.validation} validation photographs; thin lines: 95 % interval")
        return to_png(figure)
