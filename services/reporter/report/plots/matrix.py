"""The confusion matrix as a picture that is readable from two to a hundred classes."""

import numpy as np
from matplotlib import rc_context
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from services.reporter.report.plots.fonts import label
from services.reporter.report.plots.style import ACCENT, INK, MUTED, WARM, WIDTH_IN, style, to_png
from shared.job.result import Result

_RIGHT = LinearSegmentedColormap.from_list("right", ["#ffffff", "#cfe3df", "#5fa899", ACCENT, "#07473e"])
_WRONG = LinearSegmentedColormap.from_list("wrong", ["#ffffff", "#f3dcc3", "#d99a55", WARM, "#6e3a0a"])
_DARK_FRAC = 0.55  # from this shade on, dark ink is no longer readable
_MANY_CLASSES = 16
_GRID = "#f1f2f2"


def confusion_matrix(result: Result) -> bytes:
    """Draw counts on shades of each row's share: the diagonal is right and green, the rest confused and brown.

    The figure grows with the number of classes so that names stay legible when it is opened at full size.
    """
    counts = np.asarray(result.test.confusion_matrix, dtype=int)
    num_classes = len(counts)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    many = num_classes > _MANY_CLASSES
    cell_in = 0.21 if many else float(np.clip(4.6 / num_classes, 0.36, 1.15))
    margin_in = 1.7
    side_in = cell_in * num_classes + margin_in
    with rc_context(style() | {"axes.grid": False}):
        # A small matrix keeps the common width, so that it is not blown up in the mail.
        figure = Figure(figsize=(max(WIDTH_IN, side_in), side_in), layout="constrained")
        axes = figure.subplots()
        diagonal = np.eye(num_classes, dtype=bool)[..., None]
        axes.imshow(np.where(diagonal, _RIGHT(shares), _WRONG(shares)), aspect="equal")
        names = [label(name, position) for position, name in enumerate(result.classes)]
        small = 6.5 if many else 8.5
        axes.set_xticks(range(num_classes), names, fontsize=small, rotation=0 if num_classes <= 3 else 90)  # noqa: PLR2004
        axes.set_yticks(range(num_classes), names, fontsize=small)
        axes.tick_params(colors=INK)
        axes.set_xlabel("what the model said", color=MUTED)
        axes.set_ylabel("what it is", color=MUTED)
        for edge in axes.spines.values():
            edge.set_visible(False)
        edges = np.arange(num_classes + 1) - 0.5
        axes.vlines(edges, edges[0], edges[-1], color=_GRID, linewidth=0.6)
        axes.hlines(edges, edges[0], edges[-1], color=_GRID, linewidth=0.6)
        for actual, predicted in zip(*np.nonzero(counts), strict=True):
            colour = "white" if shares[actual, predicted] > _DARK_FRAC else INK
            axes.text(
                predicted, actual, str(counts[actual, predicted]), ha="center", va="center", color=colour, size=small
            )
        return to_png(figure)
