"""The commands that speak with a convtailor server: submit, status, watch, fetch, cancel."""

import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import platformdirs
from rich.console import Console

from services.client.api import Client
from services.client.data_source import archive_of, check_data
from services.client.fault import UsageFault
from services.client.fetch import fetch
from services.client.follow import Patience, follow, raise_unless_done
from services.client.job_option import checked_options, job_options
from services.client.job_view import JobView, read_job
from services.client.live import in_bytes, open_live
from services.client.stage import best_so_far, counts, duration, listed, stage_of
from services.client.summary import print_files, print_summary, read_result
from services.client.taught_command import TaughtCommand
from services.client.terminal import print_json
from services.client.token_store import KnownJob, TokenStore

DEFAULT_SERVER = "http://127.0.0.1:8080"
SERVER_VARIABLE = "CONVTAILOR_SERVER"

_server = click.option("--server", metavar="URL", help=f"The server.  [{SERVER_VARIABLE}; default: {DEFAULT_SERVER}]")
_token = click.option("--token", metavar="TOKEN", help="The job's token; remembered where the job was submitted here.")
_job = click.argument("job_id", metavar="[JOB]", required=False)
_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on standard output.")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Access:
    """What it takes to ask about a job."""

    client: Client
    known: KnownJob


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
@_server
@_json
def submit(data: Path, email: str, server: str | None, as_json: bool, **options: Any) -> None:
    """Send DATA to a server and leave it there to be fitted.

    DATA is a zip, or a folder that is packed on the fly, with one folder of photographs per class. The job's token is
    remembered on this machine, so that the other commands need none.
    """
    check_data(data)
    chosen = checked_options(options)
    with (
        tempfile.TemporaryDirectory(prefix="convtailor-") as scratch,
        Client(_server_of(server)) as client,
        open_live() as live,
    ):
        archive = archive_of(data, Path(scratch), on_bytes=in_bytes(live, "zip"))
        created = client.submit(email, chosen, size_bytes=archive.stat().st_size)
        known = KnownJob(job_id=created.job_id, server=client.server, token=created.token)
        _store().remember(known)
        client.upload(created.upload, archive, on_bytes=in_bytes(live, "upload"))
        live.show(None)
    if as_json:
        print_json({"job_id": known.job_id, "token": known.token, "server": known.server})
        return
    click.echo(f"Job {known.job_id} is on its way; its report goes to {email}.")
    click.echo(f"Watch it:      convtailor watch {known.job_id}")
    click.echo(f"Fetch results: convtailor fetch {known.job_id} --out results")


@click.command(
    cls=TaughtCommand,
    examples=(
        "convtailor status",
        "convtailor status 3f2a… --json",
    ),
)
@_job
@_server
@_token
@_json
def status(job_id: str | None, server: str | None, token: str | None, as_json: bool) -> None:
    """Show how JOB fares; without JOB, the one submitted last."""
    access = _access(job_id, server, token)
    with access.client as client:
        document = client.status_document(access.known.job_id, access.known.token)
    if as_json:
        print_json(document)
    else:
        _print_status(read_job(document, server=access.client.server))


@click.command(
    cls=TaughtCommand,
    examples=(
        "convtailor watch",
        "convtailor watch 3f2a… && convtailor fetch 3f2a… --out results",
    ),
)
@_job
@_server
@_token
@_json
def watch(job_id: str | None, server: str | None, token: str | None, as_json: bool) -> None:
    """Follow JOB live until it ends; Ctrl-C stops watching, not the job.

    Ends with exit code 0 when the job is done, 1 when it was rejected, failed or was cancelled.
    """
    access = _access(job_id, server, token)
    with access.client as client:
        with open_live() as live:
            view = follow(client, access.known.job_id, access.known.token, live=live, patience=Patience())
        raise_unless_done(view)
        if as_json:
            print_json(client.status_document(access.known.job_id, access.known.token))
            return
    click.echo(f"Job {view.job_id} is done. Fetch its results: convtailor fetch {view.job_id} --out results")


@click.command(
    name="fetch",
    cls=TaughtCommand,
    examples=(
        "convtailor fetch --out results",
        "convtailor fetch 3f2a… --out results --json",
    ),
)
@_job
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("results"),
    show_default=True,
    metavar="DIR",
    help="Folder for the files; made where it is missing.",
)
@_server
@_token
@_json
def fetch_command(job_id: str | None, out: Path, server: str | None, token: str | None, as_json: bool) -> None:
    """Download model, labels, program, report and result of JOB.

    Files of the same names in the folder are replaced, others are left alone.
    """
    access = _access(job_id, server, token)
    with access.client as client:
        view = client.status(access.known.job_id, access.known.token)
        files = fetch(client, view, access.known.token, out)
    if as_json:
        paths = {name: str(path.resolve()) for name, path in files.items()}
        print_json({"job_id": view.job_id, "state": view.state.value, "files": paths})
        return
    console = Console()
    if "result" in files:
        print_summary(read_result(files["result"]), console)
    print_files(files, console)


@click.command(
    cls=TaughtCommand,
    examples=(
        "convtailor cancel",
        "convtailor cancel 3f2a…",
    ),
)
@_job
@_server
@_token
@_json
def cancel(job_id: str | None, server: str | None, token: str | None, as_json: bool) -> None:
    """Stop JOB; if it trains already, the best network so far is still delivered."""
    access = _access(job_id, server, token)
    with access.client as client:
        view = client.cancel(access.known.job_id, access.known.token)
        if as_json:
            print_json(client.status_document(access.known.job_id, access.known.token))
            return
    stopping = "is cancelled" if view.is_ended else "stops soon; the best network so far is packed and mailed"
    click.echo(f"Job {view.job_id} {stopping}.")


def _server_of(given: str | None) -> str:
    return given or os.environ.get(SERVER_VARIABLE) or DEFAULT_SERVER


def _store() -> TokenStore:
    return TokenStore(platformdirs.user_state_path("convtailor", appauthor=False) / "jobs")


def _access(job_id: str | None, server: str | None, token: str | None) -> _Access:
    """Find server and token of a job: as given, else as remembered.

    Raises:
        UsageFault: If the job was not submitted from here and no token was given.
    """
    known = _store().recall(job_id)
    if known is None and not (job_id and token):
        name = f"job {job_id}" if job_id else "any job"
        raise UsageFault(
            "token_unknown",
            f"No token of {name} is remembered on this machine.",
            fix="Give the job's id and --token, as `convtailor submit --json` printed them.",
            details={"job_id": job_id} if job_id else {},
        )
    if known is None:
        known = KnownJob(job_id=job_id or "", server=_server_of(server), token=token or "")
    known = replace(known, server=server or known.server, token=token or known.token)
    return _Access(client=Client(known.server), known=known)


def _print_status(view: JobView) -> None:
    stage = stage_of(view)
    click.echo(listed([f"Job {view.job_id}: {view.state}", f"on {view.device}" if view.device else ""]))
    if stage is not None:
        left = f"about {duration(stage.eta_s)} left" if stage.eta_s is not None else ""
        click.echo(listed([stage.title, counts(stage), stage.detail, best_so_far(stage.best), left]))
    for trial in view.trials:
        accuracy = f"{trial.val_accuracy:.1%}" if trial.val_accuracy is not None else trial.state.value
        click.echo(listed([f"  {trial.name}: {accuracy}", duration(trial.seconds), trial.reason or ""]))
    if view.error is not None:
        click.echo(f"Why: {view.error.message}\nFix: {view.error.fix}")
