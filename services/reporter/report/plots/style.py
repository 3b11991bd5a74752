"""The look that all plots share. Drawn with figure objects, never through pyplot and its global state."""

import io
from dataclasses import dataclass
from typing import Any

from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from services.reporter.report.plots.fonts import families
from shared.language.number import percent_in
from shared.language.speech import spoken


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """Colours of a plot, as on the page around it.

    Args:
        paper: The ground.
        ink: Of what is read.
        muted: Of axes and remarks.
        faint: Of lines behind the data.
        grid: Fainter still.
        rest: Of what does not stand out.
        accent: Of what does.
        warm: Of what is set against it.
    """

    paper: str
    ink: str
    muted: str
    faint: str
    grid: str
    rest: str
    accent: str
    warm: str


LIGHT = Palette(
    paper="#ffffff",
    ink="#1f2a30",
    muted="#66737a",
    faint="#d5dadb",
    grid="#eceeee",
    rest="#b9c6c6",
    accent="#0d6e60",
    warm="#b8681c",
)
DARK = Palette(
    paper="#1d2326",
    ink="#e6eae8",
    muted="#a3b0b3",
    faint="#48555a",
    grid="#2e383c",
    rest="#56666b",
    accent="#67c7b4",
    warm="#e0a765",
)
DOTS_PER_INCH = 160  # 6.4 inches make 1024 pixels, shown 580 wide in a mail: sharp on dense screens
WIDTH_IN = 6.4


def style(palette: Palette = LIGHT) -> dict[Any, Any]:
    """Return the look that every plot shares, as matplotlib parameters."""
    return {
        "font.family": list(families()),
        "font.size": 9,
        "text.color": palette.ink,
        "axes.facecolor": palette.paper,
        "axes.titlecolor": palette.ink,
        "axes.edgecolor": palette.faint,
        "axes.labelcolor": palette.muted,
        "axes.labelsize": 8.5,
        "axes.linewidth": 0.8,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.titlesize": 9.5,
        "grid.color": palette.grid,
        "grid.linewidth": 0.7,
        "xtick.color": palette.muted,
        "ytick.color": palette.muted,
        "xtick.labelsize": 8,
        "ytick.labelsize": 8,
        "xtick.major.size": 0,
        "ytick.major.size": 0,
        "legend.frameon": False,
        "legend.fontsize": 8.5,
    }


def to_png(figure: Figure, palette: Palette = LIGHT) -> bytes:
    """Return a figure as a PNG on the ground of its palette, at :data:`DOTS_PER_INCH`."""
    stream = io.BytesIO()
    # Software and date left out: the same result gives the same bytes.
    figure.savefig(stream, format="png", dpi=DOTS_PER_INCH, facecolor=palette.paper, metadata={"Software": None})
    return stream.getvalue()


def percent_axis(axis: Axis) -> None:
    """Put ticks at round percentages and write what they are: never 97.5 as 98."""
    axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: _hundredths(value)))


def _hundredths(value: float) -> str:
    text = f"{round(100 * value, 6):g}"
    return f"{text}%" if spoken() == "en" else percent_in(spoken(), text)
