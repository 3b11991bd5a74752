"""``convtailor predict``: what a delivered network says about new pictures."""

import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console

from services.client.fault import ExitCode
from services.client.folder import LeftOut
from services.client.terminal.live import open_live
from services.client.terminal.outcome import print_json
from services.client.terminal.stage import Stage
from services.client.terminal.taught_command import TaughtCommand
from services.onebox.prediction.answers import UNLIKE, UNSURE, Answer, csv_table, heap_beside, json_document
from services.onebox.prediction.classifier import Prediction, classify
from services.onebox.prediction.delivered import Delivered, find_network
from services.onebox.prediction.inbox import Found, find_images
from services.onebox.prediction.sorting import Sorter
from services.onebox.prediction.tables import (
    answer_table,
    console_of_answers,
    passed_over_lines,
    sorted_line,
    summary_table,
    unreadable_lines,
)
from shared.text.printable import printable_name

_NO_PICTURE = "not_an_image"
_UNREADABLE_HERE = "file_unreadable"


class _Share(click.ParamType[float]):
    """A probability, such as 0.8 or 80%."""

    name = "share"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return a number from 0 to 1."""
        text = str(value).strip()
        try:
            share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            share = -1.0
        if not 0 <= share <= 1:
            self.fail(f"{value!r} is no probability; give one from 0 to 1, such as 0.8 or 80%.", param, ctx)
        return share


@click.command(
    cls=TaughtCommand,
    examples=(
        "convtailor predict results/ new.jpg",
        "convtailor predict results/model.zip inbox/ more/*.png --csv > classes.csv",
        "convtailor predict results/ inbox/ --sort-into sorted --unsure-below 80%",
        "convtailor predict results/model.h5 inbox/ --json > classes.json",
    ),
)
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("images", type=click.Path(path_type=Path), nargs=-1, required=True, metavar="IMAGE…")
@click.option("--json", "as_json", is_flag=True, help="Print all probabilities as one JSON document.")
@click.option("--csv", "as_csv", is_flag=True, help="Print all probabilities as a table for spreadsheets.")
@click.option(
    "--sort-into",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Copy every image into a folder of its class in DIR; nothing there is overwritten.",
)
@click.option("--move", is_flag=True, help="With --sort-into: move instead of copying.")
@click.option(
    "--unsure-below",
    type=_Share(),
    metavar="P",
    help="Answer 'unsure' where the best class is less probable; 0: never.  [default: what the delivery advises]",
)
@click.option(
    "--any-class",
    is_flag=True,
    help="Answer a class even of pictures unlike every photograph that the network has seen.",
)
def predict(
    *,
    model: Path,
    images: tuple[Path, ...],
    as_json: bool,
    as_csv: bool,
    sort_into: Path | None,
    move: bool,
    unsure_below: float | None,
    any_class: bool,
) -> int:
    """Classify every IMAGE with MODEL: a folder of results, its model.zip, or one network with labels.txt beside it.

    Of a folder or a zip, the quickest network is taken that can be run here. IMAGE may be a picture or a folder of
    pictures, of every format and size that training reads; the orientation that cameras record is heeded. Ends with
    exit code 1 if a picture cannot be read; the others are classified all the same. Files in a folder that are no
    pictures are listed and passed over. A picture unlike every photograph that the network has seen is answered
    'unlike'.
    """
    if move and sort_into is None:
        raise click.UsageError("--move needs --sort-into DIR.")
    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other.")
    with tempfile.TemporaryDirectory(prefix="convtailor-") as scratch:
        delivered = find_network(model, Path(scratch))
        found = find_images(images, leave_out=() if sort_into is None else (sort_into,))
        sorter = None if sort_into is None else Sorter(sort_into, _heaps(delivered), is_moving=move)
        told, left_out = _sorted_out(list(_with_progress(delivered, found.images)), found)
    threshold = unsure_below if unsure_below is not None else delivered.unsure_below or 0.0
    answers = [
        Answer(prediction=each, unsure_below=threshold, set_above=delivered.set_above, knows_strangers=not any_class)
        for each in told
    ]
    if sorter is not None:
        answers = [_put(sorter, each, delivered) for each in answers]
    if as_json:
        print_json(json_document(model, answers, left_out))
    elif as_csv:
        click.echo(csv_table(answers, delivered.classes), nl=False)
    else:
        _show(answers, delivered)
    _tell(answers, left_out, sort_into, is_moving=move, is_quiet=as_json)
    return ExitCode.DONE if all(each.is_read for each in answers) else ExitCode.JOB_FAILED


def _with_progress(delivered: Delivered, images: Sequence[Path]) -> Iterator[Prediction]:
    """Classify, and draw how far it is; how long it takes is known from the first answer on."""
    with open_live() as live:
        live.show(Stage(key="load", detail=delivered.networks[0].name))
        started = 0.0
        for done, each in enumerate(classify(delivered, images), start=1):
            started = started or time.monotonic()
            eta_s = (time.monotonic() - started) / max(1, done - 1) * (len(images) - done) if done > 1 else None
            live.show(Stage(key="classify", done=done, total=len(images), unit="images", eta_s=eta_s))
            yield each
        live.show(None)


def _sorted_out(told: Sequence[Prediction], found: Found) -> tuple[list[Prediction], list[LeftOut]]:
    """Tell pictures, those that cannot be read included, from other files of the folders."""
    predictions: list[Prediction] = []
    left_out = list(found.left_out)
    for path, each in zip(found.images, told, strict=True):
        if each.code == _NO_PICTURE and path not in found.meant:
            left_out.append(LeftOut(path=printable_name(each.path), reason="the content is no picture"))
        else:
            predictions.append(each)
    return predictions, left_out


def _heaps(delivered: Delivered) -> list[str]:
    return [*delivered.classes, *(heap_beside(each, delivered.classes) for each in (UNSURE, UNLIKE))]


def _put(sorter: Sorter, answer: Answer, delivered: Delivered) -> Answer:
    """Put a picture into its folder; one that cannot be put anywhere costs one line."""
    if not answer.is_read:
        return answer
    heap = answer.name if answer.has_class else heap_beside(answer.name, delivered.classes)
    picture = Path(answer.prediction.path)
    try:
        return replace(answer, place=sorter.put(picture, heap))
    except OSError as error:
        reason = f"It was answered {answer.name} and could not be sorted: {error.strerror or error}."
        fix = "Check the rights of both folders and the room on the disk."
        told = replace(answer.prediction, error=reason, code=_UNREADABLE_HERE, fix=fix)
        return replace(answer, prediction=told)


def _show(answers: Sequence[Answer], delivered: Delivered) -> None:
    console = console_of_answers()
    read = [each for each in answers if each.is_read]
    if read:
        console.print(answer_table(read, console.width))
    if len(answers) > 1:
        console.print(summary_table(answers, delivered.classes))


def _tell(
    answers: Sequence[Answer], left_out: Sequence[LeftOut], sort_into: Path | None, *, is_moving: bool, is_quiet: bool
) -> None:
    """Tell on standard error what was not classified, and where the others lie now; a document has all of it."""
    if is_quiet:
        return
    lines = [*unreadable_lines(answers), *passed_over_lines(left_out)]
    num_sorted = sum(each.place is not None for each in answers)
    if sort_into is not None:
        lines.append(sorted_line(sort_into, num_sorted, is_moving=is_moving))
    console = Console(stderr=True, highlight=False)
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)
