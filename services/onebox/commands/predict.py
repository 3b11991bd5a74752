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
from services.client.terminal.outcome import print_json
from services.client.terminal.taught_command import TaughtCommand
from services.onebox.classifier import Prediction, classify, find_images, labels_beside
from shared.text.printable import printable_name

_NUM_SHOWN = 3


@click.command(
    cls=TaughtCommand,
    examples=(
        "convtailor predict results/model.h5 new.jpg",
        "convtailor predict results/model.h5 inbox/ more/*.png",
        "convtailor predict results/model.keras inbox/ --json > classes.json",
    ),
)
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("images", type=click.Path(path_type=Path), nargs=-1, required=True, metavar="IMAGE…")
@click.option("--json", "as_json", is_flag=True, help="Print all probabilities as one JSON document.")
def predict(model: Path, images: tuple[Path, ...], as_json: bool) -> int:
    """Classify every IMAGE with MODEL, a model.h5 or model.keras with its labels.txt beside it.

    IMAGE may be a picture of any size or a folder of pictures; the orientation that cameras record is heeded. Ends with
    exit code 1 if a picture cannot be read; the others are classified all the same.
    """
    labels_beside(model)
    with Console(stderr=True).status("Loading the network …"):
        predictions = list(classify(model, find_images(images)))
    if as_json:
        print_json({"model": str(model), "images": [_document(each) for each in predictions]})
    else:
        Console().print(prediction_table(predictions))
    return ExitCode.JOB_FAILED if any(each.error for each in predictions) else ExitCode.DONE


def _document(prediction: Prediction) -> dict[str, Any]:
    if prediction.error is not None:
        return {"path": prediction.path, "error": prediction.error}
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
