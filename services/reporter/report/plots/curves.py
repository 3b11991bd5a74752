"""Accuracy and loss over epochs, of screening and of fine-tuning."""

import math
from collections.abc import Sequence

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from services.reporter.report.plots.style import LIGHT, WIDTH_IN, Palette, percent_axis, style, to_png
from services.reporter.report.statistics import trained
from shared.job.findings.training import History
from shared.job.result import Result
from shared.language.speech import _

_PANELS_PER_ROW = 3
_FEW_EPOCHS = 3


def candidate_curves(result: Result, palette: Palette = LIGHT, *, loss: bool = False) -> bytes:
    """Draw one small panel per trained candidate: training and validation per epoch, the others faint behind it.

    Args:
        result: The document.
        palette: Its colours.
        loss: Draw loss instead of accuracy.
    """
    candidates = [each for each in trained(result) if each.history.val_accuracy]
    columns = min(_PANELS_PER_ROW, len(candidates))
    rows = math.ceil(len(candidates) / columns)
    with rc_context(style(palette)):
        figure = Figure(figsize=(WIDTH_IN, 0.55 + (1.55 if columns == _PANELS_PER_ROW else 2.2) * rows))
        figure.set_layout_engine("constrained")
        panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
        for axes, each in zip(panels, candidates, strict=False):
            for other in candidates:
                _draw(axes, _curves(other.history, loss=loss)[1], color=palette.faint, linewidth=0.8)
            _draw_pair(axes, each.history, each.best_epoch, loss=loss, palette=palette)
            won = each.name == result.winner
            title = _("{name}  (winner)", name=each.name) if won else each.name
            axes.set_title(title, loc="left", fontweight="bold" if won else "normal", fontsize=8.5)
        for position in range(len(candidates), len(panels)):
            panels[position].set_visible(False)
            panels[position - columns].tick_params(labelbottom=True)
        _scale(panels[0], [each.history for each in candidates], loss=loss)
        _legend(figure, panels[0])
        figure.supxlabel(_("epoch"), fontsize=8.5, color=palette.muted)
        return to_png(figure, palette)


def tuning_curves(result: Result, palette: Palette = LIGHT) -> bytes:
    """Draw accuracy and loss of fine-tuning beside the level it started from.

    Raises:
        ValueError: If nothing was tuned.
    """
    tuning = result.tuning
    if tuning is None:
        raise ValueError("received a result without fine-tuning, expected curves of it")
    screened = next((each for each in result.candidates if each.name == result.winner), None)
    with rc_context(style(palette)):
        figure = Figure(figsize=(WIDTH_IN, 2.7), layout="constrained")
        accuracy, loss = figure.subplots(1, 2)
        _draw_pair(accuracy, tuning.history, tuning.best_epoch, loss=False, palette=palette)
        _draw_pair(loss, tuning.history, tuning.best_epoch, loss=True, palette=palette)
        if screened is not None and screened.val_accuracy is not None:
            accuracy.axhline(
                screened.val_accuracy, color=palette.warm, linewidth=1, linestyle=":", label=_("before fine-tuning")
            )
        accuracy.set_title(_("accuracy"), loc="left")
        loss.set_title(_("loss"), loc="left")
        _scale(accuracy, [tuning.history], loss=False)
        _scale(loss, [tuning.history], loss=True)
        _legend(figure, accuracy)
        figure.supxlabel(_("epoch of fine-tuning"), fontsize=8.5, color=palette.muted)
        return to_png(figure, palette)


def _curves(history: History, *, loss: bool) -> tuple[Sequence[float], Sequence[float]]:
    """Return the training and the validation curve."""
    return (history.loss, history.val_loss) if loss else (history.accuracy, history.val_accuracy)


def _draw(axes: Axes, values: Sequence[float], **look: object) -> None:
    """Draw one curve over epochs counted from 1; so few points that no line shows are marked."""
    marker = "o" if len(values) <= _FEW_EPOCHS else None
    axes.plot(range(1, len(values) + 1), values, marker=marker, markersize=2.5, **look)  # type: ignore[arg-type]


def _draw_pair(axes: Axes, history: History, best_epoch: int | None, *, loss: bool, palette: Palette) -> None:
    """Draw training and validation, with a ring at the epoch that was kept."""
    training, validation = _curves(history, loss=loss)
    _draw(axes, training, color=palette.muted, linewidth=1.1, linestyle=(0, (3, 2)), label=_("training"))
    _draw(axes, validation, color=palette.accent, linewidth=1.7, label=_("validation"))
    if best_epoch and best_epoch <= len(validation):
        point = ([best_epoch], [validation[best_epoch - 1]])
        axes.plot(*point, "o", ms=6, mfc=palette.paper, mec=palette.accent, mew=1.5, label=_("kept"))


def _scale(axes: Axes, histories: Sequence[History], *, loss: bool) -> None:
    """Fit the axes: whole epochs, accuracy up to 100 %, loss cut where a first epoch would flatten all others."""
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
    num_epochs = max((len(history.val_accuracy) for history in histories), default=1)
    axes.set_xlim(0.5, num_epochs + 0.5)
    values = [v for h in histories for curve in _curves(h, loss=loss) for v in curve if math.isfinite(v)]
    if not values:
        return
    if loss:
        ordered = sorted(values)
        axes.set_ylim(0, min(ordered[-1], 2.5 * ordered[int(0.9 * (len(ordered) - 1))]) * 1.06 + 1e-3)
    else:
        axes.set_ylim(max(0.0, min(values) - 0.05), 1.01)
        percent_axis(axes.yaxis)


def _legend(figure: Figure, axes: Axes) -> None:
    """Put one legend for all panels above them."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=len(labels), handlelength=1.8, columnspacing=1.4)
