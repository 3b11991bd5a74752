"""How a command reaches a server and a job: the options that all of them share, and the remembered tokens."""

import os
from dataclasses import dataclass, replace

import click
import platformdirs

from services.client.api.client import Client
from services.client.api.token_store import KnownJob, TokenStore
from services.client.fault import UsageFault

DEFAULT_SERVER = "http://127.0.0.1:8080"
SERVER_VARIABLE = "CONVTAILOR_SERVER"

server_option = click.option(
    "--server", metavar="URL", help=f"The server.  [{SERVER_VARIABLE}; default: {DEFAULT_SERVER}]"
)
KEY_VARIABLE = "CONVTAILOR_API_KEY"
key_option = click.option("--key", metavar="KEY", help=f"API key, where the server asks for one.  [{KEY_VARIABLE}]")
token_option = click.option(
    "--token", metavar="TOKEN", help="The job's token; remembered where the job was submitted here."
)
job_argument = click.argument("job_id", metavar="[JOB]", required=False)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on standard output.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What it takes to ask about a job."""

    client: Client
    known: KnownJob


def server_of(given: str | None) -> str:
    """Return the server that was named, by option or environment, or this machine's."""
    return given or os.environ.get(SERVER_VARIABLE) or DEFAULT_SERVER


def key_of(given: str | None) -> str | None:
    """Return the API key that was named, by option or environment, if any."""
    return given or os.environ.get(KEY_VARIABLE) or None


def token_store() -> TokenStore:
    """Return where the tokens of submitted jobs are remembered."""
    return TokenStore(platformdirs.user_state_path("convtailor", appauthor=False) / "jobs")


def told_how_to_go_on(job: KnownJob) -> list[str]:
    """Remember the token of a new job, and return lines that say how to watch it and fetch what it leaves.

    A home that cannot be written, as in many containers, costs nobody the job: the lines then hold the token.
    """
    try:
        token_store().remember(job)
    except OSError as error:
        lines = [f"Its token cannot be remembered here, so keep these lines: {error.strerror or error}."]
        access = f" --token {job.token} --server {job.server}"
    else:
        lines, access = [], ""
    return [
        *lines,
        f"Watch it:      convtailor watch {job.job_id}{access}",
        f"Fetch results: convtailor fetch {job.job_id} --out results{access}",
    ]


def open_access(job_id: str | None, server: str | None, token: str | None) -> Access:
    """Find server and token of a job: as given, else as remembered.

    Raises:
        UsageFault: If the job was not submitted from here and no token was given.
    """
    known = token_store().recall(job_id)
    if known is None and not (job_id and token):
        name = f"job {job_id}" if job_id else "any job"
        raise UsageFault(
            "token_unknown",
            f"No token of {name} is remembered on this machine.",
            fix="Give the job's id and --token, as `convtailor submit --json` printed them.",
            details={"job_id": job_id} if job_id else {},
        )
    if known is None:
        known = KnownJob(job_id=job_id or "", server=server_of(server), token=token or "")
    known = replace(known, server=server or known.server, token=token or known.token)
    return Access(client=Client(known.server), known=known)
