"""``convtailor fetch``: downloads what a job left."""

from pathlib import Path

import click
from rich.console import Console

from services.client.commands.access import job_argument, json_option, open_access, server_option, token_option
from services.client.delivery import fetch as fetch_delivery
from services.client.terminal.outcome import print_json
from services.client.terminal.summary import print_files, print_summary, read_result
from services.client.terminal.taught_command import TaughtCommand


@click.command(
    cls=TaughtCommand,
    examples=(
        "convtailor fetch --out results",
        "convtailor fetch 3f2a… --out results --json",
    ),
)
@job_argument
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("results"),
    show_default=True,
    metavar="DIR",
    help="Folder for the files; made where it is missing.",
)
@server_option
@token_option
@json_option
def fetch(job_id: str | None, out: Path, server: str | None, token: str | None, as_json: bool) -> None:
    """Download model, labels, program, report and result of JOB.

    Results that lie in the folder are replaced, other files are left alone.
    """
    access = open_access(job_id, server, token)
    with access.client as client:
        view = client.status(access.known.job_id, access.known.token)
        files = fetch_delivery(client, view, access.known.token, out)
    if as_json:
        paths = {name: str(path.resolve()) for name, path in files.items()}
        print_json({"job_id": view.job_id, "state": view.state.value, "files": paths})
        return
    console = Console()
    if "result" in files:
        print_summary(read_result(files["result"]), console)
    print_files(files, console)
