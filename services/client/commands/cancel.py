"""``convtailor cancel``: stops a job."""

import click

from services.client.commands.access import job_argument, json_option, open_access, server_option, token_option
from services.client.terminal.outcome import print_json, print_text
from services.client.terminal.taught_command import TaughtCommand


@click.command(
    cls=TaughtCommand,
    examples=(
        "convtailor cancel",
        "convtailor cancel 3f2a…",
        "convtailor cancel 3f2a… --token ctk_3f0a51c2d4e6_… --server https://convtailor.example.org",
    ),
)
@job_argument
@server_option
@token_option
@json_option
def cancel(job_id: str | None, server: str | None, token: str | None, as_json: bool) -> None:
    """Stop JOB; if it trains already, the best network so far is still delivered.

    Operators may stop anybody's, with an API key of theirs as --token.
    """
    access = open_access(job_id, server, token)
    with access.client as client:
        view = client.cancel(access.known.job_id, access.known.token)
        if as_json:
            print_json(client.status_document(access.known.job_id, access.known.token))
            return
    stopping = "is cancelled" if view.is_ended else "stops soon; the best network so far is packed and mailed"
    print_text(f"Job {view.job_id} {stopping}.")
