"""``convtailor watch``: follows a job live until it ends."""

import click

from services.client.commands.access import job_argument, json_option, open_access, server_option, token_option
from services.client.follow import Patience, follow, raise_unless_done
from services.client.terminal.live import open_live
from services.client.terminal.outcome import print_json, print_text
from services.client.terminal.taught_command import TaughtCommand


@click.command(
    cls=TaughtCommand,
    examples=(
        "convtailor watch",
        "convtailor watch 3f2a… && convtailor fetch 3f2a… --out results",
    ),
)
@job_argument
@server_option
@token_option
@json_option
def watch(job_id: str | None, server: str | None, token: str | None, as_json: bool) -> None:
    """Follow JOB live until it ends; Ctrl-C stops watching, not the job.

    Ends with exit code 0 when the job is done, 1 when it was rejected, failed or was cancelled.
    """
    access = open_access(job_id, server, token)
    with access.client as client:
        with open_live() as live:
            view = follow(client, access.known.job_id, access.known.token, live=live, patience=Patience())
        raise_unless_done(view)
        if as_json:
            print_json(client.status_document(access.known.job_id, access.known.token))
            return
    print_text(f"Job {view.job_id} is done. Fetch its results: convtailor fetch {view.job_id} --out results")
    if view.files_kept_until is not None:
        print_text(f"They are kept until {view.files_kept_until:%Y-%m-%d %H:%M} UTC.")
