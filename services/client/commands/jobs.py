"""``convtailor jobs``: lists jobs: one's own, or for operators all of a server."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from services.client.api.client import Client
from services.client.api.job_view import read_job
from services.client.api.token_store import KnownJob
from services.client.commands.access import json_option, key_of, key_option, server_of, server_option, token_store
from services.client.fault import Unreachable, UsageFault, fault_of
from services.client.terminal.outcome import print_json, print_text
from services.client.terminal.stage import counts, listed, stage_of
from services.client.terminal.taught_command import TaughtCommand
from shared.errors import ConvtailorError, UserFault
from shared.wording import duration


@click.command(
    cls=TaughtCommand,
    examples=(
        "convtailor jobs",
        "convtailor jobs --all --key ctk_3f0a51c2d4e6_… --server https://convtailor.example.org",
    ),
)
@click.option("--all", "is_all", is_flag=True, help="For operators: all jobs of a server, by an operator's --key.")
@click.option(
    "--hours",
    type=click.IntRange(1, 720),
    default=24,
    show_default=True,
    help="With --all: how long ago a job may have ended.",
)
@click.option(
    "--most", type=click.IntRange(min=1), default=20, show_default=True, help="Without --all: how many, the latest."
)
@server_option
@key_option
@json_option
def jobs(is_all: bool, hours: int, most: int, server: str | None, key: str | None, as_json: bool) -> None:
    """List the jobs that were submitted from this account, the latest first, and how each fares."""
    if is_all:
        document = all_jobs(server_of(server), key_of(key), hours)
    else:
        document = {"jobs": own_jobs(token_store().recall_latest(most, server=server))}
    if as_json:
        print_json(document)
        return
    for each in document["jobs"]:
        print_text(line_of(each))
    if not document["jobs"]:
        print_text("There are no jobs." if is_all else "No job was submitted from this account.")
    if document.get("is_whole") is False:
        print_text("There are more.")


def all_jobs(
    server: str, key: str | None, hours: int, *, open_client: Callable[[str], Client] = Client
) -> dict[str, Any]:
    """Return all jobs of a server, as it puts them.

    Args:
        server: Its address.
        key: An operator's API key.
        hours: How long ago a job may have ended.
        open_client: Reaches a server.

    Raises:
        UsageFault: If no key is given, or it is no operator's.
        Unreachable: If the server does not answer.
    """
    if key is None:
        raise UsageFault(
            "key_required",
            "Only operators may see all jobs, and none of their keys was given.",
            fix="Give --key; `convtailor keys --new NAME --operator` makes one beside the service.",
        )
    with open_client(server) as client:
        return client.jobs_document(key, hours)


def own_jobs(known: Sequence[KnownJob], *, open_client: Callable[[str], Client] = Client) -> list[dict[str, Any]]:
    """Ask about each job; one whose server does not answer, or knows it no more, is told of beside the others.

    Args:
        known: The jobs.
        open_client: Reaches a server.

    Returns:
        The status of each; ``state`` is ``None`` and ``error`` says why where there is none.

    Raises:
        Unreachable: If no server answers.
    """
    told: list[dict[str, Any]] = []
    lost: dict[str, Unreachable] = {}
    for job in known:
        try:
            if job.server in lost:
                raise lost[job.server]
            with open_client(job.server) as client:
                told.append(client.status_document(job.job_id, job.token))
        except (Unreachable, UserFault) as error:
            if isinstance(error, Unreachable):
                lost[job.server] = error
            told.append(_untold(job, error))
    if lost and len(lost) == len({job.server for job in known}):
        raise next(iter(lost.values()))
    return told


def _untold(job: KnownJob, error: ConvtailorError) -> dict[str, Any]:
    fault = fault_of(error)
    return {
        "job_id": job.job_id,
        "state": None,
        "server": job.server,
        "error": {"code": fault.code, "message": fault.message, "fix": fault.fix},
    }


def line_of(document: Mapping[str, Any]) -> str:
    """Return a job in one line, from its status or its entry in the list of all."""
    if document["state"] is None:
        return listed([document["job_id"], f"not known: {document['error']['message']}"])
    view = read_job(document, server="")
    stage = stage_of(view)
    left = f"about {duration(view.eta_s)} left" if stage is not None and view.eta_s is not None else ""
    at = [stage.title, counts(stage), stage.detail, left] if stage else [view.error.code if view.error else ""]
    images = f"{view.archive['num_images']:,} images" if view.archive else ""
    since = str(document.get("created_at", ""))[:16].replace("T", " ")
    return listed([view.job_id, since, view.state.value, *at, images, str(document.get("email", ""))])
