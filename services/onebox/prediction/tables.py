"""What is answered as a person reads it on a terminal of any width, or in a file."""

from collections.abc import Sequence
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.client.folder import LeftOut
from services.onebox.prediction.answers import Answer, tally
from shared.text.printable import printable_name, shortened
from shared.wording import count

_NUM_NEXT = 2
_LEAST_PATH = 24
_MAX_CLASS = 28
_FOR_PROBABILITY = 20
"""Columns that the probability and the spaces take."""
_FOR_NEXT = 44
_WIDTH_OF_A_FILE = 1000
"""Where no terminal cuts lines, none is cut."""
_MOST_LISTED = 12


def console_of_answers() -> Console:
    """Return standard output, as wide as the terminal, or as wide as any line where it is none."""
    console = Console()
    return console if console.is_terminal else Console(width=_WIDTH_OF_A_FILE)


def answer_table(answers: Sequence[Answer], width: int) -> Table:
    """Return what the network says, a line for each picture; names from outside act on no terminal.

    Args:
        answers: Of pictures that could be read.
        width: Characters of a line; long paths lose their middle, never their end.
    """
    of_class = max((len(printable_name(each.name)) for each in answers), default=0)
    left = width - min(_MAX_CLASS, max(of_class, 6)) - _FOR_PROBABILITY
    has_next = left - _FOR_NEXT >= _LEAST_PATH
    of_path = max(_LEAST_PATH, left - _FOR_NEXT if has_next else left)
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("image", no_wrap=True)
    table.add_column("class", style="bold", no_wrap=True)
    table.add_column("probability", justify="right", no_wrap=True)
    if has_next:
        table.add_column("next", style="dim", no_wrap=True)
    for each in answers:
        table.add_row(*_row(each, of_path, has_next=has_next))
    return table


def _row(answer: Answer, of_path: int, *, has_next: bool) -> list[Text]:
    told = answer.prediction
    ranked = list(told.probabilities.items())
    name = shortened(printable_name(answer.name), _MAX_CLASS)
    cells = [
        Text(shortened(printable_name(told.path), of_path)),
        Text(name, style="" if answer.has_class else "yellow"),
        Text(f"{told.probability:.1%}"),
    ]
    following = ranked[1 : _NUM_NEXT + 1] if answer.has_class else ranked[:_NUM_NEXT]
    if has_next:
        words = (f"{shortened(printable_name(other), 14)} {value:.1%}" for other, value in following)
        cells.append(Text(", ".join(words)))
    return cells


def summary_table(answers: Sequence[Answer], classes: Sequence[str]) -> Table:
    """Return how many pictures were answered what."""
    total = max(1, len(answers))
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("class", no_wrap=True)
    table.add_column("images", justify="right")
    table.add_column("share", justify="right")
    for name, number in tally(answers, classes).items():
        table.add_row(Text(shortened(printable_name(name), _MAX_CLASS)), f"{number:,}", f"{number / total:.1%}")
    for words, number in (
        ("unsure", sum(each.is_unsure for each in answers)),
        ("unlike all it has seen", sum(each.is_stranger for each in answers)),
        ("cannot be read", sum(not each.is_read for each in answers)),
    ):
        if number:
            table.add_row(Text(words, style="yellow"), f"{number:,}", f"{number / total:.1%}")
    return table


def unreadable_lines(answers: Sequence[Answer]) -> list[str]:
    """Return a line for each picture that cannot be read, then what mends them, each way once."""
    unread = [each.prediction for each in answers if not each.is_read]
    if not unread:
        return []
    lines = [f"{count(len(unread), 'image')} cannot be read:"]
    lines += [f"  {printable_name(each.path)}: {printable_name(each.error or '')}" for each in unread]
    fixes = dict.fromkeys(each.fix for each in unread if each.fix)
    return [*lines, "What helps:", *(f"  {printable_name(fix)}" for fix in fixes)] if fixes else lines


def passed_over_lines(left_out: Sequence[LeftOut]) -> list[str]:
    """Return what in the folders is no picture."""
    if not left_out:
        return []
    are = "is no picture and was" if len(left_out) == 1 else "are no pictures and were"
    lines = [f"{count(len(left_out), 'file')} in the folders {are} passed over:"]
    lines += [f"  {each.path}: {each.reason}" for each in left_out[:_MOST_LISTED]]
    if len(left_out) > _MOST_LISTED:
        lines.append(f"  and {len(left_out) - _MOST_LISTED:,} more; --json lists all of them")
    return lines


def sorted_line(folder: Path, num_sorted: int, *, is_moving: bool) -> str:
    """Return what was copied or moved."""
    return f"{'Moved' if is_moving else 'Copied'} {count(num_sorted, 'image')} into the folders of {folder}."
