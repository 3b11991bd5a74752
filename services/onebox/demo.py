"""``convtailor demo``: the whole service at work on handwritten digits, with no network."""

import os
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.client.live import open_live
from services.client.taught_command import TaughtCommand
from services.onebox.classifier import Prediction, classify
from services.onebox.digits import HeldBack, as_blocks, write_digits
from services.onebox.run import show_delivery
from services.onebox.single_run import RunOrder, run_job

_OPTIONS = {"candidates": "tiny", "epochs": 30, "tune_epochs": 8, "tune_trials": 1}
_OFFLINE = {"CONVTAILOR_DOWNLOAD": "false"}
_EMAIL = "you@example.org"
_PER_LINE = 5


@click.command(cls=TaughtCommand, examples=("convtailor demo", "convtailor demo --out /tmp/demo --keep"))
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("demo"),
    show_default=True,
    metavar="DIR",
    help="Folder for data and results.",
)
@click.option("--keep", is_flag=True, help="Keep logs, stores and mails of the services too, in DIR/services.")
def demo(out: Path, keep: bool) -> None:
    """See convtailor do all of it, offline: 1,777 handwritten digits in, a network, a report and a mail out.

    The digits come with scikit-learn, the pre-trained backbone with this package. The digits go as a zip through the
    same services, messages and states that serve a real job; at the end a few digits that the network never saw are
    classified with the delivered model.h5.
    """
    out.mkdir(parents=True, exist_ok=True)
    archive = out / "digits.zip"
    held_back: list[HeldBack] = []

    def make_archive(_scratch: Path) -> Path:
        held_back.extend(write_digits(archive, out / "held-back"))
        return archive

    order = RunOrder(
        make_archive=make_archive,
        email=_EMAIL,
        out=out,
        options=_OPTIONS,
        environ={**os.environ, **_OFFLINE},
        keep=out / "services" if keep else None,
    )
    console = Console()
    with open_live() as live:
        delivery = run_job(order, live)
    show_delivery(delivery, console)
    with Console(stderr=True).status("Reading digits that the network never saw …"):
        predictions = list(classify(delivery.files["model"], [each.path for each in held_back]))
    _show_digits(held_back, predictions, console)
    console.print("\nNow with your own photographs, one folder per class:")
    console.print("  convtailor run photos/ --email you@example.org --out results", highlight=False)


def _show_digits(held_back: Sequence[HeldBack], predictions: Sequence[Prediction], console: Console) -> None:
    """Draw the digits with what the delivered network reads."""
    num_right = sum(each.best == str(digit.digit) for digit, each in zip(held_back, predictions, strict=True))
    console.print(f"\n{num_right} of {len(held_back)} digits held back were read rightly by model.h5; some of them:")
    for start in range(0, min(len(held_back), 2 * _PER_LINE), _PER_LINE):
        table = Table.grid(padding=(0, 3))
        cells = [
            _cell(digit, each)
            for digit, each in zip(
                held_back[start : start + _PER_LINE], predictions[start : start + _PER_LINE], strict=True
            )
        ]
        table.add_row(*cells)
        console.print()
        console.print(table)


def _cell(digit: HeldBack, prediction: Prediction) -> Text:
    probability = prediction.probabilities.get(prediction.best, 0.0)
    is_right = prediction.best == str(digit.digit)
    verdict = f"{prediction.best}  {probability:.0%}" + ("" if is_right else f", is {digit.digit}")
    drawn = "\n".join(as_blocks(digit.pixels))
    return Text.assemble(drawn, "\n", (verdict, "bold green" if is_right else "bold red"))
