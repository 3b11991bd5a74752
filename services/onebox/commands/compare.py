"""``convtailor compare``: several runs side by side."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from services.client.fault import UsageFault
from services.client.terminal.outcome import print_json
from services.client.terminal.taught_command import TaughtCommand

if TYPE_CHECKING:
    from services.onebox.results.folder import Results
    from shared.job.findings.comparison import Comparison

_FEWEST = 2


@click.command(
    cls=TaughtCommand,
    examples=("convtailor compare monday tuesday wednesday", "convtailor compare old new --json > comparison.json"),
)
@click.argument("results", type=click.Path(path_type=Path), nargs=-1, required=True, metavar="RESULTS…")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def compare(results: tuple[Path, ...], *, as_json: bool) -> None:
    """Show several RESULTS side by side: folders that `run` or `fetch` filled.

    Each is held against the first: where both were tested on the same photographs of one zip, it tells which were
    gained, which lost, and whether that is within luck. `run --compare OLD` does so for any two.
    """
    if len(results) < _FEWEST:
        raise UsageFault("usage", "One folder of results cannot be compared.", fix="Name at least two.")
    from services.onebox.results.folder import read_results  # noqa: PLC0415 - brings pydantic

    found = [read_results(each) for each in results]
    against = [None, *(_against(each, found[0]) for each in found[1:])]
    if as_json:
        print_json({"runs": [_document(each, versus) for each, versus in zip(found, against, strict=True)]})
    else:
        _show(found, against)


def _against(each: "Results", first: "Results") -> "Comparison | None":
    """Hold a run against the first, if they were tested on photographs of one zip."""
    from services.onebox.results.pairing import compare as pair  # noqa: PLC0415 - as above
    from services.onebox.results.pairing import own_answers  # noqa: PLC0415

    runs = each.result.run, first.result.run
    if runs[0] is None or runs[1] is None or runs[0].archive_sha256 != runs[1].archive_sha256:
        return None
    found = pair(each, first, own_answers(first.answers))
    return found if found.num_images else None


def _document(each: "Results", versus: "Comparison | None") -> dict[str, object]:
    from shared.json_codec import to_json  # noqa: PLC0415 - as above

    result = each.result
    return {
        "folder": str(each.folder),
        "winner": result.winner,
        "accuracy": result.test.accuracy,
        "interval": list(result.test.interval),
        "num_images": result.test.num_images,
        "num_classes": len(result.classes),
        "total_parameters": result.model.total_parameters,
        "seconds": result.timings_s.total,
        "against_first": None if versus is None else {**to_json(versus), "outcome": versus.outcome},
    }


def _show(found: "list[Results]", against: "list[Comparison | None]") -> None:
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415 - a fifth of a second
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from shared.text.printable import printable_name  # noqa: PLC0415
    from shared.wording import duration, percent  # noqa: PLC0415

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("results", "network", "right", "95 % interval", "tested", "classes", "time"):
        table.add_column(heading, justify="left" if heading in ("results", "network") else "right", overflow="fold")
    for each in found:
        result, (low, high) = each.result, each.result.test.interval
        table.add_row(
            Text(printable_name(str(each.folder))),
            Text(printable_name(result.winner)),
            percent(result.test.accuracy, 1),
            f"{percent(low, 1)} to {percent(high, 1)}",
            str(result.test.num_images),
            str(len(result.classes)),
            duration(result.timings_s.total),
        )
    console = Console(highlight=False)
    console.print(table)
    for each, versus in zip(found[1:], against[1:], strict=True):
        name, first = printable_name(str(each.folder)), printable_name(str(found[0].folder))
        told = (
            "not tested on the same photographs, so only the intervals can be held against each other."
            if versus is None
            else f"on {versus.num_images:,} photographs that both were tested on: {versus.outcome}"
        )
        console.print(f"{name} against {first}: {told}", markup=False, soft_wrap=True)
