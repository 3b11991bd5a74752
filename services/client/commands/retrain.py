"""``convtailor retrain``: trains once more from the archive of a job, with corrections."""

import json
import secrets
from pathlib import Path

import click

from services.client.api.token_store import KnownJob
from services.client.commands.access import (
    job_argument,
    json_option,
    open_access,
    server_option,
    token_option,
    told_how_to_go_on,
)
from services.client.fault import UsageFault
from services.client.terminal.outcome import print_json, print_text
from services.client.terminal.taught_command import TaughtCommand
from shared.errors import UserFault
from shared.job.retraining.correction import Correction, read_corrections, read_table


@click.command(
    cls=TaughtCommand,
    examples=(
        "convtailor retrain --corrections corrections.csv",
        "convtailor retrain 3f2a… --corrections corrections.csv --server https://convtailor.example.org",
    ),
)
@job_argument
@click.option(
    "--corrections",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    metavar="FILE",
    help="Table with the columns path and move_to, as the page of the job saves it, or JSON; nothing in move_to: left "
    "out.",
)
@server_option
@token_option
@json_option
def retrain(job_id: str | None, file: Path, server: str | None, token: str | None, as_json: bool) -> None:
    """Train once more from the archive of JOB, as long as that is kept, with corrections; nothing is sent again.

    The new job is tested on the same photographs, and its report tells which were gained, which lost, and whether that
    is within luck.
    """
    corrections = corrections_in(file)
    access = open_access(job_id, server, token)
    with access.client as client:
        made = client.retrain(access.known.job_id, access.known.token, corrections, key=secrets.token_hex(16))
    known = KnownJob(job_id=made["job_id"], server=access.known.server, token=made["token"])
    lines = told_how_to_go_on(known)
    if as_json:
        print_json({"job_id": known.job_id, "token": known.token, "server": known.server})
        return
    print_text(f"Job {known.job_id} trains again from that of {access.known.job_id}.")
    for line in lines:
        print_text(line)


def corrections_in(file: Path) -> tuple[Correction, ...]:
    """Read a file of corrections.

    Raises:
        UsageFault: ``corrections_invalid``.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")  # Windows puts a mark before the first character
    except (OSError, UnicodeDecodeError) as error:
        message = f"The corrections in {file} cannot be read: {error}."
        raise UsageFault("corrections_invalid", message, fix="Name the file that the page of the job saved.") from error
    try:
        document = json.loads(text) if text.lstrip().startswith(("{", "[")) else None
        if document is None:
            return read_table(text)
        return read_corrections(document.get("corrections") if isinstance(document, dict) else document)
    except ValueError as error:
        message = f"{file} is no JSON: {error}."
        raise UsageFault("corrections_invalid", message, fix="Save the list on the page of the job again.") from error
    except UserFault as error:
        raise UsageFault.of(error.fault) from error
