"""``convtailor predict``: what a delivered network says about new pictures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.client.fault import ExitCode
from services.client.folder import LeftOut
from services.client.terminal.outcome import print_json
from services.client.terminal.taught_command import TaughtCommand
from services.onebox.classifier import Prediction, classify, labels_beside
from services.onebox.inbox import Found, find_images
from shared.text.printable import printable_name

_NUM_SHOWN = 3
_MOST_PASSED_OVER = 12
_NO_PICTURE = "not_an_image"


@click.command(
    cls=TaughtCommand,
    examples=(
        "convtailor predict results/model.h5 new.jpg",
        "convtailor predict results/model.h5 inbox/ more/*.png",
        "convtailor predict results/model.onnx inbox/ --json > classes.json",
    ),
)
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("images", type=click.Path(path_type=Path), nargs=-1, required=True, metavar="IMAGE…")
@click.option("--json", "as_json", is_flag=True, help="Print all probabilities as one JSON document.")
def predict(model: Path, images: tuple[Path, ...], as_json: bool) -> int:
    """Classify every IMAGE with MODEL, a model.h5, .keras, .onnx or .tflite with its labels.txt beside it.

    IMAGE may be a picture or a folder of pictures, of every format and size that training reads; the orientation that
    cameras record is heeded. Ends with exit code 1 if a picture cannot be read; the others are classified all the same.
    Files in a folder that are no pictures are listed and passed over.
    """
    labels_beside(model)
    found = find_images(images)
    with Console(stderr=True).status("Loading the network …"):
        told = list(classify(model, found.images))
    predictions, left_out = _sorted_out(told, found)
    if as_json:
        passed_over = [{"path": each.path, "reason": each.reason} for each in left_out]
        document = {"model": str(model), "images": [_document(each) for each in predictions]}
        print_json({**document, "passed_over": passed_over})
    else:
        Console().print(prediction_table(predictions))
        _tell_fixes(predictions)
        _tell_passed_over(left_out)
    return ExitCode.JOB_FAILED if any(each.error for each in predictions) else ExitCode.DONE


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


def _tell_fixes(predictions: Sequence[Prediction]) -> None:
    """Tell what mends the pictures that cannot be read, each way once."""
    console = Console(stderr=True, highlight=False)
    fixes = dict.fromkeys(each.fix for each in predictions if each.fix)
    if fixes:
        console.print("What helps:", *(f"  {fix}" for fix in fixes), sep="\n", markup=False)


def _tell_passed_over(left_out: Sequence[LeftOut]) -> None:
    if not left_out:
        return
    console = Console(stderr=True, highlight=False)
    console.print(f"{len(left_out)} files in the folders are no pictures and were passed over:", markup=False)
    for each in left_out[:_MOST_PASSED_OVER]:
        console.print(f"  {each.path}: {each.reason}", markup=False)
    if len(left_out) > _MOST_PASSED_OVER:
        console.print(f"  and {len(left_out) - _MOST_PASSED_OVER:,} more", markup=False)


def _document(prediction: Prediction) -> dict[str, Any]:
    if prediction.error is not None:
        return {"path": prediction.path, "error": prediction.error, "code": prediction.code, "fix": prediction.fix}
    probabilities = dict(prediction.probabilities)
    best = prediction.best
    return {
        "path": prediction.path,
        "class": best,
        "probability": probabilities[best],
        "probabilities": probabilities,
    }


def prediction_table(predictions: Sequence[Prediction]) -> Table:
    """Return what the network says, a row for each picture; names from outside act on no terminal."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("image", overflow="fold")
    table.add_column("class", style="bold")
    table.add_column("probability", justify="right")
    table.add_column("next", style="dim")
    for each in predictions:
        if each.error is not None:
            table.add_row(
                _cell(each.path),
                Text("cannot be read", style="red"),
                "",
                _cell(each.error),
            )
            continue
        ranked = list(each.probabilities.items())
        following = ", ".join(f"{printable_name(name)} {value:.1%}" for name, value in ranked[1:_NUM_SHOWN])
        table.add_row(_cell(each.path), _cell(ranked[0][0]), f"{ranked[0][1]:.1%}", Text(following))
    return table


def _cell(text: str) -> Text:
    return Text(printable_name(text))
