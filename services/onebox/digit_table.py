"""Digits that the network never saw, drawn beside what it reads in them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.onebox.digits import NUM_SHADES, HeldBack
from services.onebox.prediction.classifier import Prediction, classify
from services.onebox.prediction.delivered import find_network

_PER_LINE = 5
_NUM_LINES = 2


def show_digits(model: Path, digits: Sequence[HeldBack]) -> None:
    """Classify digits with a delivered network and draw the first of them.

    Raises:
        UserFault: If the network cannot be used.
    """
    with Console(stderr=True).status("Reading digits that the network never saw …"):
        delivered = find_network(model, model.parent)
        predictions = list(classify(delivered, [each.path for each in digits]))
    pairs = list(zip(digits, predictions, strict=True))
    num_right = sum(_is_right(digit, prediction) for digit, prediction in pairs)
    console = Console()
    console.print(f"\n{model.name} read {num_right} of {len(pairs)} digits rightly that were held back. Some of them:")
    for start in range(0, min(len(pairs), _NUM_LINES * _PER_LINE), _PER_LINE):
        table = Table.grid(padding=(0, 3))
        table.add_row(*(_cell(*pair) for pair in pairs[start : start + _PER_LINE]))
        console.print()
        console.print(table)


def as_blocks(pixels: NDArray[np.uint8]) -> list[str]:
    """Return a digit as four lines of eight half-block characters, two pixels above one another in each.

    Args:
        pixels: ``(8, 8) uint8`` shades of ink, 0 to 16.
    """
    is_ink = pixels >= NUM_SHADES // 2
    glyphs = " ▄▀█"
    return [
        "".join(glyphs[2 * int(top) + int(bottom)] for top, bottom in zip(upper, lower, strict=True))
        for upper, lower in zip(is_ink[::2], is_ink[1::2], strict=True)
    ]


def _is_right(digit: HeldBack, prediction: Prediction) -> bool:
    return prediction.best == str(digit.digit)


def _cell(digit: HeldBack, prediction: Prediction) -> Text:
    probability = prediction.probabilities.get(prediction.best, 0.0)
    is_right = _is_right(digit, prediction)
    answer = f"{prediction.best}  {probability:.0%}" + ("" if is_right else f", is {digit.digit}")
    drawn = "\n".join(as_blocks(digit.pixels))
    return Text.assemble(drawn, "\n", (answer, "bold green" if is_right else "bold red"))
