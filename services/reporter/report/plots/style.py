"""The look that all plots share. Drawn with figure objects, never through pyplot and its global state."""

import io
from typing import Any

from matplotlib.figure import Figure

from services.reporter.report.plots.fonts import families

INK, MUTED, FAINT, ACCENT, WARM = "#1f2a30", "#66737a", "#d5dadb", "#0d6e60", "#b8681c"
DOTS_PER_INCH = 160  # 6.4 inches make 1024 pixels, shown 580 wide in a mail: sharp on dense screens
WIDTH_IN = 6.4


def style() -> dict[Any, Any]:
    """Return the look that every plot shares, as matplotlib parameters."""
    return {
        "font.family": list(families()),
        "font.size": 9,
        "text.color": INK,
        "axes.edgecolor": FAINT,
        "axes.labelcolor": MUTED,
        "axes.labelsize": 8.5,
        "axes.linewidth": 0.8,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.titlesize": 9.5,
        "grid.color": "#eceeee",
        "grid.linewidth": 0.7,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "xtick.labelsize": 8,
        "ytick.labelsize": 8,
        "xtick.major.size": 0,
        "ytick.major.size": 0,
        "legend.frameon": False,
        "legend.fontsize": 8.5,
    }


def to_png(figure: Figure) -> bytes:
    """Return a figure as a PNG on white, at :data:`DOTS_PER_INCH`."""
    stream = io.BytesIO()
    # Software and date left out: the same result gives the same bytes.
    figure.savefig(stream, format="png", dpi=DOTS_PER_INCH, facecolor="white", metadata={"Software": None})
    return stream.getvalue()
