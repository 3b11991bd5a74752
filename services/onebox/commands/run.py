"""``convtailor run``: the whole service for one job."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from services.client.commands.job_option import checked_options, job_options
from services.client.data_source import archive_of, check_data
from services.client.terminal.outcome import print_json
from services.client.terminal.taught_command import TaughtCommand
from services.onebox.scratch_folder import started_services


@click.command(
    cls=TaughtCommand,
    examples=(
        "convtailor run photos.zip --email you@example.org --out results",
        "convtailor run photos/ --email you@example.org --out results --candidates mobilenet_v2,tiny",
        "convtailor run photos.zip --email you@example.org --out results --budget-minutes 10 --json > result.json",
        "CONVTAILOR_WEIGHTS=weights convtailor run photos.zip --email you@example.org --out results",
    ),
)
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--email", required=True, metavar="ADDRESS", help="Whom the mail addresses; it is written to mail.eml.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    metavar="DIR",
    help="Folder for the results; made where it is missing; only files of the same names are replaced.",
)
@job_options
@click.option(
    "--keep",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Keep logs, stores and mails of the services in this folder.",
)
@click.option("--json", "as_json", is_flag=True, help="Print result.json, or one error document, on standard output.")
def run(data: Path, email: str, out: Path, keep: Path | None, as_json: bool, **options: Any) -> None:
    """Fit a network to DATA on this machine and leave it in a folder.

    DATA is a zip, or a folder, with one folder of photographs per class. The services start with the command and stop
    with it. The folder receives the network as model.h5, .keras, .onnx and .tflite, packed as model.zip with all that
    others need to use it, and labels.txt, predict.py, report.html, mail.eml and result.json.

    Ctrl-C cancels the job and still delivers the best network so far; a second Ctrl-C stops at once.
    """
    check_data(data)
    chosen = checked_options(options)
    with started_services(out, os.environ, keep=keep) as box:
        # Half a second of imports that passes while the services start.
        from services.client.terminal.live import in_bytes, open_live  # noqa: PLC0415
        from services.onebox.single_run import RunOrder, run_job  # noqa: PLC0415

        with open_live() as live:
            own = (out,) if out.resolve() != data.resolve() else ()
            order = RunOrder(
                make_archive=lambda: archive_of(
                    data, box.data_dir, on_bytes=in_bytes(live, "zip"), on_note=live.note, leave_out=own
                ),
                email=email,
                out=out,
                options=chosen,
            )
            files = run_job(order, box, live).files
    if as_json:
        print_json(json.loads(files["result"].read_text(encoding="utf-8")))
    else:
        show_delivery(files)


def show_delivery(files: Mapping[str, Path]) -> None:
    """Print a delivery for a person."""
    from rich.console import Console  # noqa: PLC0415 - see above

    from services.client.terminal.summary import print_files, print_summary, read_result  # noqa: PLC0415

    console = Console()
    print_summary(read_result(files["result"]), console)
    console.print()
    print_files(files, console)
