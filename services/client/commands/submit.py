"""``convtailor submit``: sends a zip or folder to a server."""

from pathlib import Path
from typing import Any

import click

from services.client.api.client import Client
from services.client.api.token_store import KnownJob
from services.client.commands.access import (
    json_option,
    key_of,
    key_option,
    server_of,
    server_option,
    told_how_to_go_on,
)
from services.client.commands.job_option import checked_options, job_options
from services.client.data_source import archive_of, check_archive, check_data, packing_folder
from services.client.terminal.live import in_bytes, open_live
from services.client.terminal.outcome import print_json, print_text
from services.client.terminal.taught_command import TaughtCommand


@click.command(
    cls=TaughtCommand,
    examples=(
        "convtailor submit photos.zip --email you@example.org",
        "convtailor submit photos/ --email you@example.org --candidates mobilenet_v2,tiny --budget-minutes 20",
        "convtailor submit photos.zip --email you@example.org --server https://convtailor.example.org",
    ),
)
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--email", required=True, metavar="ADDRESS", help="Where the report goes.")
@job_options
@server_option
@key_option
@json_option
def submit(data: Path, email: str, server: str | None, key: str | None, as_json: bool, **options: Any) -> None:
    """Send DATA to a server and leave it there to be fitted.

    DATA is a zip, or a folder that is packed on the fly, with one folder of photographs per class. The job's token is
    remembered on this machine, so that the other commands need none.
    """
    check_data(data)
    chosen = checked_options(options)
    with (
        packing_folder() as scratch,
        Client(server_of(server)) as client,
        open_live() as live,
    ):
        archive = archive_of(data, scratch, on_bytes=in_bytes(live, "zip"), on_note=live.note)
        check_archive(archive, is_mixed=chosen.get("split") == "new")
        created = client.submit(email, chosen, size_bytes=archive.stat().st_size, key=key_of(key))
        known = KnownJob(job_id=created.job_id, server=client.server, token=created.token)
        lines = told_how_to_go_on(known)
        client.upload(created.upload, archive, on_bytes=in_bytes(live, "upload"))
        live.show(None)
    if as_json:
        print_json({"job_id": known.job_id, "token": known.token, "server": known.server})
        return
    print_text(f"Job {known.job_id} is on its way; its report goes to {email}.")
    if created.confirm_by is not None:
        print_text(f"It waits for you: open the mail that {email} gets now, and confirm the address there.")
    for line in lines:
        print_text(line)
