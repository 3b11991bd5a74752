"""The confusion matrix as a picture that is readable, and takes no more memory, whatever the number of classes."""

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from services.reporter.report.plots.fonts import label
from services.reporter.report.plots.style import LIGHT, WIDTH_IN, style, to_png
from services.reporter.report.statistics import matrix_view
from shared.job.result import Result
from shared.language.speech import _

_RIGHT = LinearSegmentedColormap.from_list("right", ["#ffffff", "#cfe3df", "#5fa899", LIGHT.accent, "#07473e"])
_WRONG = LinearSegmentedColormap.from_list("wrong", ["#ffffff", "#f3dcc3", "#d99a55", LIGHT.warm, "#6e3a0a"])
_DARK_FRAC = 0.55  # from this shade on, dark ink is no longer readable
_MANY_CLASSES = 16
_FEW_CLASSES = 3
_SHORT_NAME = 2
_GRID = "#f1f2f2"

_Counts = NDArray[np.int64]


def confusion_matrix(result: Result) -> bytes:
    """Draw counts on shades of each row's share: the diagonal is right and green, the rest confused and brown.

    The figure grows with the number of classes shown so that names stay legible when it is opened at full size; of many
    classes it shows those that are mixed up most, with one column for all others.
    """
    view = matrix_view(result)
    counts = np.array(view.counts, np.int64)
    names = [label(result.classes[position], position) for position in view.rows]
    columns = names if view.is_whole else [*names, _("others")]
    many = len(names) > _MANY_CLASSES
    cell_in = 0.21 if many else float(np.clip(4.6 / len(names), 0.36, 1.15))
    margin_in = 1.7
    width_in, height_in = cell_in * len(columns) + margin_in, cell_in * len(names) + margin_in
    small = 6.5 if many else 8.5
    with rc_context(style() | {"axes.grid": False}):
        # A small matrix keeps the common width, so that it is not blown up in the mail.
        figure = Figure(figsize=(max(WIDTH_IN, width_in), height_in), layout="constrained")
        axes = figure.subplots()
        _shade(axes, counts, shares := counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))
        turn = 0 if len(columns) <= _FEW_CLASSES or max(map(len, columns)) <= _SHORT_NAME else 90
        axes.set_xticks(range(len(columns)), columns, fontsize=small, rotation=turn)
        axes.set_yticks(range(len(names)), names, fontsize=small)
        axes.tick_params(colors=LIGHT.ink)
        axes.set_xlabel(_("what the model said"), color=LIGHT.muted)
        axes.set_ylabel(_("what it is"), color=LIGHT.muted)
        _write(axes, counts, shares, size=small)
        return to_png(figure)


def _shade(axes: Axes, counts: _Counts, shares: NDArray[np.float64]) -> None:
    """Fill the cells, each a quadrangle: an image would be scaled up in memory, dot by dot, as floats."""
    rows, columns = counts.shape
    diagonal = np.eye(rows, columns, dtype=bool)[..., None]
    right, below = np.arange(columns + 1) - 0.5, np.arange(rows + 1) - 0.5
    axes.pcolormesh(right, below, np.where(diagonal, _RIGHT(shares), _WRONG(shares)))
    axes.set(xlim=(right[0], right[-1]), ylim=(below[-1], below[0]), aspect="equal")
    for edge in axes.spines.values():
        edge.set_visible(False)
    axes.vlines(right, below[0], below[-1], color=_GRID, linewidth=0.6)
    axes.hlines(below, right[0], right[-1], color=_GRID, linewidth=0.6)


def _write(axes: Axes, counts: _Counts, shares: NDArray[np.float64], *, size: float) -> None:
    """Write the counts that are not zero into their cells."""
    for actual, predicted in zip(*np.nonzero(counts), strict=True):
        colour = "white" if shares[actual, predicted] > _DARK_FRAC else LIGHT.ink
        text = axes.text(
            predicted, actual, str(counts[actual, predicted]), ha="center", va="center", color=colour, size=size
        )
        text.set_in_layout(False)  # it lies inside the axes, which thousands of measurements would only confirm
