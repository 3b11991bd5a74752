"""``convtailor run``: the whole service for one job."""

import itertools
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from services.client.commands.job_option import checked_options, job_options
from services.client.data_source import PACKED, archive_of, check_data
from services.client.fault import UsageFault
from services.client.terminal.outcome import print_json
from services.client.terminal.taught_command import TaughtCommand
from services.onebox.scratch_folder import remove_left, started_services
from shared.errors import UserFault

_LONGEST_STEM = 200
"""Bytes; file systems take names of 255."""


@click.command(
    cls=TaughtCommand,
    examples=(
        "convtailor run photos.zip",
        "convtailor run photos/ --out results --candidates mobilenet_v2,tiny",
        "convtailor run photos.zip --out second --compare results",
        "convtailor run photos.zip --out results --budget-minutes 10 --json > result.json",
        "CONVTAILOR_WEIGHTS=weights convtailor run photos.zip --out results",
    ),
)
@click.argument("data", type=click.Path(path_type=Path))
@click.option(
    "--email",
    default="you@example.org",
    show_default=True,
    metavar="ADDRESS",
    help="Whom the mail addresses; it is written to mail.eml and sent to nobody.",
)
@click.option(
    "--out",
    "given_out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    show_default="a new one here, after DATA",
    help="Folder for the results; made where it is missing; results that lie there are replaced, other files stay.",
)
@job_options
@click.option(
    "--keep",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Keep logs, stores and mails of the services in this folder.",
)
@click.option(
    "--compare",
    "older",
    type=click.Path(path_type=Path),
    metavar="RESULTS",
    help="Ask the network in this folder of an older run about the same test photographs too.",
)
@click.option("--json", "as_json", is_flag=True, help="Print result.json, or one error document, on standard output.")
def run(
    *,
    data: Path,
    email: str,
    given_out: Path | None,
    keep: Path | None,
    older: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Fit a network to DATA on this machine and leave it in a folder.

    DATA is a zip, or a folder, with one folder of photographs per class. The services start with the command and stop
    with it. The folder receives the network as model.h5, .keras, .onnx and .tflite, packed as model.zip with all that
    others need to use it, and labels.txt, predict.py, report.html, mail.eml and result.json.

    With --compare, what both networks say of the photographs that neither has learnt from is told: gained, lost, and
    whether that is within luck.

    Ctrl-C cancels the job and still delivers the best network so far; a second Ctrl-C stops at once.
    """
    check_data(data)
    chosen = checked_options(options)
    if older is not None:
        check_older(older, given_out)
    out = given_out or new_folder(data, Path())
    with started_services(out, os.environ, keep=keep, is_made=given_out is None) as box:
        # Half a second of imports that passes while the services start.
        from services.client.terminal.live import in_bytes, open_live  # noqa: PLC0415
        from services.onebox.single_run import RunOrder, run_job  # noqa: PLC0415

        with open_live() as live:
            own = tuple(each for each in (out, keep) if each is not None and each.resolve() != data.resolve())
            order = RunOrder(
                make_archive=lambda: archive_of(
                    data, box.data_dir, on_bytes=in_bytes(live, "zip"), on_note=live.note, leave_out=own
                ),
                email=email,
                out=out,
                options=chosen,
            )
            files = run_job(order, box, live).files
            if older is not None and "result" in files:
                live.note(f"Asking the network in {older} about the same photographs.")
                if reason := add_comparison(older, out, data if data.is_file() else box.data_dir / PACKED):
                    live.note(f"They are not compared: {reason}")
    if as_json:
        print_json(json.loads(files["result"].read_text(encoding="utf-8")))
    else:
        show_delivery(files)


def new_folder(data: Path, parent: Path) -> Path:
    """Make a folder that nobody had, so that no other network is replaced unasked, nor one of a run at the same time.

    Args:
        data: Zip or folder that the folder is called after.
        parent: Where it is to lie.

    Raises:
        OSError: If none can be made there.
    """
    stem = data.resolve().stem or "photographs"
    while len(os.fsencode(stem)) > _LONGEST_STEM:
        stem = stem[:-1]
    places = (parent / f"{stem}-results{'' if number == 1 else f'-{number}'}" for number in itertools.count(1))
    return next(place for place in places if _is_made(place))


def _is_made(place: Path) -> bool:
    try:
        place.mkdir()
    except FileExistsError:
        remove_left(place)  # no run comes into that folder again, and photographs decoded there may be gigabytes
        return False
    return True


def check_older(older: Path, out: Path | None) -> None:
    """Refuse a folder that is no older run, before anything is started.

    Raises:
        UsageFault: If there are no results in it, or the new ones are to replace them.
    """
    from services.onebox.results.folder import read_results  # noqa: PLC0415 - brings pydantic

    folder = read_results(older).folder
    if out is not None and folder.resolve() == out.resolve():
        raise UsageFault(
            "same_folder",
            f"--out and --compare are both {out}: the new network would replace the old one.",
            fix="Choose another folder for --out.",
            details={"path": str(out)},
        )


def add_comparison(older: Path, out: Path, archive: Path) -> str | None:
    """Have an older network classify the test photographs of the new one, and tell in its result and report.

    An older network that cannot be asked, such as one whose files were deleted, takes nothing from the new one.

    Args:
        older: Folder of the older run.
        out: Folder of the new one.
        archive: The zip that was trained on.

    Returns:
        Why they are not compared; ``None`` where they are.
    """
    from services.onebox.results.asking import compare_with  # noqa: PLC0415 - as above
    from services.onebox.results.folder import read_results  # noqa: PLC0415
    from services.onebox.results.reporting import add_to_results  # noqa: PLC0415

    newer = read_results(out)
    try:
        add_to_results(newer, compare_with(read_results(older), newer, archive))
    except UserFault as error:
        return f"{error.fault.message} {error.fault.fix}"
    return None


def show_delivery(files: Mapping[str, Path]) -> None:
    """Print a delivery for a person."""
    from rich.console import Console  # noqa: PLC0415 - see above

    from services.client.terminal.summary import print_files, print_summary, read_result  # noqa: PLC0415

    console = Console()
    print_summary(read_result(files["result"]), console)
    console.print()
    print_files(files, console)
