"""``convtailor admin``: what operators ask and do from a terminal, by an API key of theirs."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import click

from services.client.api.client import Client
from services.client.commands.access import json_option, key_of, key_option, server_of, server_option
from services.client.commands.jobs import line_of
from services.client.fault import UsageFault
from services.client.terminal.outcome import confirm, print_json, print_text
from services.client.terminal.stage import listed
from services.client.terminal.taught_command import TaughtCommand, TaughtGroup
from shared.job.job import JobState
from shared.wording import count

_F = TypeVar("_F", bound=Callable[..., object])
_FAILED = ("failed", "rejected", "done", "cancelled")
"""Whose mail may have been refused for good, whatever became of the job."""
_DONE = {
    "retry": {"queued": "waits for a trainer again", "reporting": "has its report written again"},
    "cancel": {"cancelled": "is cancelled"},
}


@click.group(cls=TaughtGroup, examples=("convtailor admin failures", "convtailor admin retry 3f2a…"))
def admin() -> None:
    """Look after a service: what goes on, what failed and why, what takes the room; retry, cancel and forget jobs.

    Each of these needs an operator's key, in --key or CONVTAILOR_API_KEY; `convtailor keys --new NAME --operator` makes
    one beside the service. The service logs who did what. In a browser the same is at /operator of the server.
    """


def _options(command: _F) -> _F:
    """Add what all of these take."""
    return server_option(key_option(json_option(command)))


_hours = click.option(
    "--hours", type=click.IntRange(1, 720), default=24, show_default=True, help="How long ago a job may have ended."
)
_job = click.argument("job_id", metavar="JOB")


@admin.command(
    cls=TaughtCommand,
    short_help="List all jobs, by state, age and size.",
    examples=(
        "convtailor admin jobs",
        "convtailor admin jobs --state queued --state training --older-than 2",
        "convtailor admin jobs --sort size --larger-than 500 --hours 720",
    ),
)
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([each.value for each in JobState]),
    help="Only jobs in it; may be given repeatedly.",
)
@_hours
@click.option("--older-than", type=click.FloatRange(min=0), metavar="HOURS", help="Only jobs made before that.")
@click.option("--larger-than", type=click.FloatRange(min=0), metavar="MB", help="Only jobs whose archive is larger.")
@click.option("--sort", type=click.Choice(["age", "size"]), default="age", show_default=True, help="What comes first.")
@_options
def jobs(states: tuple[str, ...], hours: int, older_than: float | None, larger_than: float | None, **rest: Any) -> None:
    """List all jobs of the service: those that go on, and those that ended within --hours."""
    document = _asked(rest, lambda client, key: client.jobs_document(key, hours, states=states, sort=rest["sort"]))
    document["jobs"] = [each for each in document["jobs"] if is_wanted(each, older_than, larger_than)]
    if rest["as_json"]:
        print_json(document)
        return
    for each in document["jobs"]:
        print_text(line_of(each))
    _tell_rest(document, "There are no such jobs.")


def is_wanted(
    document: Mapping[str, Any], older_than: float | None, larger_than: float | None, now: datetime | None = None
) -> bool:
    """Tell whether a job is old and large enough to be listed.

    Args:
        document: Its entry in the list.
        older_than: Hours since it was made; ``None``: whatever they are.
        larger_than: Megabytes of its archive; ``None``: whatever they are.
        now: The present moment; that of the clock where it is left out.
    """
    size = (document["archive"] or {}).get("size_bytes", 0)
    age = (now or datetime.now(UTC)) - datetime.fromisoformat(document["created_at"])
    is_old = older_than is None or age >= timedelta(hours=older_than)
    return is_old and (larger_than is None or size > larger_than * 1e6)


@admin.command(
    cls=TaughtCommand,
    short_help="List what failed, and why.",
    examples=("convtailor admin failures", "convtailor admin failures --hours 168 --json"),
)
@_hours
@_options
def failures(hours: int, **rest: Any) -> None:
    """List what failed within --hours, or could not be mailed, each with its reason and whether a retry can mend it."""
    document = _asked(rest, lambda client, key: client.jobs_document(key, hours, states=_FAILED))
    document["jobs"] = [each for each in document["jobs"] if each["state"] == "failed" or each["mail_error"]]
    if rest["as_json"]:
        print_json(document)
        return
    for each in document["jobs"]:
        print_text(told_failure(each))
    _tell_rest(document, "Nothing failed.")


def told_failure(document: Mapping[str, Any]) -> str:
    """Return a job with what was wrong with it, a line each, from its entry in the list."""
    lines = [line_of(document)]
    for name, what in (("error", "failed"), ("mail_error", "no mail")):
        if fault := document[name]:
            lines.append(f"  {what}: {fault['code']}: {fault['message']}")
    if document["retry"]:
        lines.append(f"  a retry would {document['retry']} again")
    elif document["mailed_at"] or document["mail_error"]:
        lines.append("  no retry: its photographs are deleted")
    else:
        lines.append("  no retry yet: its mail is still to be sent")
    return "\n".join(lines)


@admin.command(
    cls=TaughtCommand,
    short_help="Show what takes the room, and what is free.",
    examples=("convtailor admin disk", "convtailor admin disk --json"),
)
@_options
def disk(**rest: Any) -> None:
    """Show what photographs and networks take, what is free, and the jobs that take most."""
    document = _asked(rest, lambda client, key: client.operator_document("/v1/disk", key))
    if rest["as_json"]:
        print_json(document)
        return
    if document["size_bytes"] is not None:
        print_text(f"Free: {_size(document['free_bytes'])} of {_size(document['size_bytes'])}")
    taken = f"photographs {_size(document['archive_bytes'])}, networks and reports {_size(document['files_bytes'])}"
    print_text(f"Taken by {count(document['num_jobs'], 'job')}: {taken}")
    for each in document["largest"]:
        sizes = f"photographs {_size(each['archive_bytes'])} · networks and reports {_size(each['files_bytes'])}"
        print_text(listed([each["job_id"] or "nobody's", sizes]))


@admin.command(
    cls=TaughtCommand, short_help="Have a job tried again that failed.", examples=("convtailor admin retry 3f2a…",)
)
@_job
@_options
def retry(job_id: str, **rest: Any) -> None:
    """Have JOB tried again: a training that failed, a report that could not be written, a mail that was refused.

    A training needs its photographs, which are kept as long as CONVTAILOR_ARCHIVE_DAYS says, by default not at all
    after the end. It carries on from what was finished, with all its attempts and its whole budget, and one more mail
    tells the person how it ends.
    """
    _act("retry", job_id, lambda client, key: client.act("POST", f"/v1/jobs/{job_id}/retry", key), rest)


@admin.command(cls=TaughtCommand, short_help="Stop a job.", examples=("convtailor admin cancel 3f2a…",))
@_job
@_options
def cancel(job_id: str, **rest: Any) -> None:
    """Stop JOB, whoever's it is; if it trains already, the best network so far is still delivered."""
    _act("cancel", job_id, lambda client, key: client.act("POST", f"/v1/jobs/{job_id}/cancel", key), rest)


@admin.command(
    cls=TaughtCommand,
    short_help="Delete what a job left.",
    examples=("convtailor admin forget 3f2a…", "convtailor admin forget 3f2a… --yes"),
)
@_job
@click.option("--yes", is_flag=True, help="Do not ask.")
@_options
def forget(job_id: str, yes: bool, **rest: Any) -> None:
    """Delete what JOB left and the person's address, once it has ended; `convtailor forget` does so for a person."""
    if not yes:
        confirm(f"Delete what job {job_id} left for good?")
    _act("forget", job_id, lambda client, key: client.act("DELETE", f"/v1/jobs/{job_id}", key), rest)


def _act(action: str, job_id: str, call: Callable[[Client, str], dict[str, Any]], rest: Mapping[str, Any]) -> None:
    document = _asked(rest, call)
    if rest["as_json"]:
        print_json(document)
        return
    print_text(f"Job {job_id} {_outcome(action, document['state'])}.")


def _outcome(action: str, state: str) -> str:
    usual = {"retry": "has its mail sent again", "cancel": "stops soon", "forget": "is forgotten"}[action]
    return _DONE.get(action, {}).get(state, usual)


def _asked(rest: Mapping[str, Any], call: Callable[[Client, str], dict[str, Any]]) -> dict[str, Any]:
    """Ask the server that was named, or this machine's.

    Raises:
        UsageFault: If no key is given, or it is no operator's.
        Unreachable: If the server does not answer.
    """
    key = key_of(rest["key"])
    if key is None:
        raise UsageFault(
            "key_required",
            "This is for operators, and none of their keys was given.",
            fix="Give --key or CONVTAILOR_API_KEY; `convtailor keys --new NAME --operator` makes one.",
        )
    with Client(server_of(rest["server"])) as client:
        return call(client, key)


def _tell_rest(document: Mapping[str, Any], nothing: str) -> None:
    if not document["jobs"]:
        print_text(nothing)
    if document["is_whole"] is False:
        print_text("There are more.")
    if document["unreadable"]:
        print_text(f"Cannot be read; the log says why: {', '.join(document['unreadable'])}")


def _size(num_bytes: int) -> str:
    return f"{num_bytes / 1e9:,.1f} GB" if num_bytes >= 1e9 else f"{num_bytes / 1e6:,.1f} MB"  # noqa: PLR2004
