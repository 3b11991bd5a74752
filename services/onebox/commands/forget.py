"""``convtailor forget``: deletes what the service keeps of one person."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import click
from email_validator import EmailNotValidError, validate_email

from services.client.fault import ExitCode, Unreachable, UsageFault
from services.client.terminal.outcome import confirm, print_text
from services.client.terminal.taught_command import TaughtCommand
from services.onebox.stores import invalid, opened
from services.reporter.mailers.outbox_mailer import forget_messages
from services.reporter.settings import ReporterSettings
from services.trainer.scratch.workspace import forget_temporary_folders, forget_workspace
from services.trainer.settings import TrainerSettings
from shared.backends import Backends
from shared.clock import utc_now
from shared.errors import Transient, UserFault
from shared.job.job import Job, JobState
from shared.layout import folders_of
from shared.ports.job_store import JobStore, pages
from shared.ports.object_store import ObjectStore
from shared.settings import InvalidSettings, Settings, load

_CLOCKS_DIFFER_BY = timedelta(days=1)


@click.command(
    cls=TaughtCommand,
    examples=(
        "convtailor forget ada@example.org",
        "convtailor forget ada@example.org --data /srv/convtailor --yes",
        "CONVTAILOR_BACKEND=gcp CONVTAILOR_GCP_PROJECT=p CONVTAILOR_GCP_BUCKET=b convtailor forget ada@example.org",
    ),
)
@click.argument("email")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Folder of the service on this machine; CONVTAILOR_DATA_DIR or convtailor-data where it is left out.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
def forget(email: str, data: Path | None, yes: bool) -> int:
    """Delete every ended job of EMAIL with its photographs, networks and reports.

    For operators: it works on the stores themselves, those that the CONVTAILOR_ variables of the services name, and
    needs their access. Upper and lower case of EMAIL are alike.

    On this machine the trainer's scratch folder and the outbox of the outbox mailer are looked through too; trainers
    elsewhere remove what they have of a deleted job within the hour.

    Jobs with something left to be done are named and left, and the exit code is then 1. Have the person cancel them, or
    let them end; once the mail about their end is sent, run the command again. A run that was interrupted is finished
    by running it again.

    Not touched, because they lie elsewhere: mails that were sent, logs, backups, dead letters (they hold ids and no
    addresses).
    """
    address = _stored_form(email)
    place = _place(data)
    backends = opened(place.settings)
    try:
        unreadable: list[str] = []
        jobs = [job for job in every_job(backends.job_store, unreadable) if job.email.casefold() == address]
        ended = [job for job in jobs if not job.is_open]
        if ended and not yes:
            _ask(ended)
        for job in ended:
            num_objects = _delete(job, backends, place)
            click.echo(f"Deleted job {job.job_id} and {num_objects} object{'' if num_objects == 1 else 's'}.")
    except Transient as error:
        raise Unreachable(
            f"The stores do not answer: {error}", fix="Run it again; what is deleted stays deleted."
        ) from error
    if not jobs:
        click.echo(f"There is no job of {email}.")
    if unreadable:
        click.echo(f"Cannot be read, so nobody knows whose they are: {', '.join(unreadable)}.", err=True)
    _tell_open([job for job in jobs if job.is_open])
    return ExitCode.DONE


def _stored_form(email: str) -> str:
    """Return an address as jobs carry it, in lower case.

    Raises:
        UsageFault: If no job can carry it.
    """
    try:
        valid = validate_email(email.strip(), check_deliverability=False)
    except EmailNotValidError as error:
        raise UsageFault(
            "invalid_email", f"{email!r} is no e-mail address: {error}", fix="Give the whole address of the person."
        ) from error
    return (valid.ascii_email or valid.normalized).casefold()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where the services of this environment keep what they keep.

    Args:
        settings: Of their stores.
        scratch: Where the trainer works.
        outbox: Where mails lie that no server took.
    """

    settings: Settings
    scratch: Path
    outbox: Path


def _place(data: Path | None) -> _Place:
    """Read the environment.

    Raises:
        UsageFault: If it makes no sense.
    """
    try:
        trainer, reporter = load(TrainerSettings, os.environ), load(ReporterSettings, os.environ)
    except InvalidSettings as error:
        raise invalid(error) from error
    if data is not None:
        trainer, reporter = replace(trainer, data_dir=data), replace(reporter, data_dir=data)
    return _Place(settings=trainer, scratch=trainer.scratch, outbox=reporter.outbox)


def every_job(store: JobStore, unreadable: list[str], *, page_size: int = 500) -> Iterator[Job]:
    """Yield every job once, page by page.

    Args:
        store: Where they are kept.
        unreadable: Takes the ids of jobs that cannot be read.
        page_size: Jobs asked for at once.
    """
    seen: set[str] = set()
    before = utc_now() + _CLOCKS_DIFFER_BY
    for page in pages(store, list(JobState), updated_before=before, page_size=page_size):
        unreadable += page.unreadable
        for stored in page.jobs:
            if stored.job.job_id not in seen:  # one that moved on while it was looked through comes again
                seen.add(stored.job.job_id)
                yield stored.job


def _ask(jobs: list[Job]) -> None:
    """Show what would be deleted, and ask.

    Raises:
        UserFault: If the answer is no.
    """
    for job in jobs:
        print_text(f"{job.job_id}  {job.state}  {job.created_at:%Y-%m-%d %H:%M}  {job.email}")
    what = "this job and its files" if len(jobs) == 1 else f"these {len(jobs)} jobs and their files"
    confirm(f"Delete {what} for good?")


def _delete(job: Job, backends: Backends, place: _Place) -> int:
    """Delete a job, its record last, so that a run that is interrupted finds it again; return the number of objects.

    Raises:
        Transient: If a store does not answer.
    """
    if not forget_workspace(place.scratch, job.job_id):
        busy = place.scratch / job.job_id
        click.echo(f"A process still works in {busy}; the trainer removes it within the hour.", err=True)
    forget_temporary_folders(place.scratch)
    forget_messages(place.outbox, job.job_id)
    num_objects = 0
    for prefix in folders_of(job.job_id):
        num_objects += _delete_objects(backends.object_store, prefix)
    backends.heartbeat_store.delete(job.job_id)
    backends.job_store.delete(job.job_id)
    return num_objects


def _delete_objects(objects: ObjectStore, prefix: str) -> int:
    keys = [stored.key for stored in objects.list(prefix)]
    for key in keys:
        objects.delete(key)
    return len(keys)


def _tell_open(jobs: list[Job]) -> None:
    """Name the jobs that are left.

    Raises:
        UserFault: If there are any.
    """
    if jobs:
        named = ", ".join(f"{job.job_id} ({_reason(job)})" for job in jobs)
        raise UserFault(
            "jobs_open",
            f"Not deleted, because something is left to be done: {named}.",
            fix="Have the person run `convtailor cancel`, or let the jobs end; once the mail is sent, run this again.",
            details={"jobs": [job.job_id for job in jobs]},
        )


def _reason(job: Job) -> str:
    return f"{job.state}, its mail is not sent yet" if job.is_ended else str(job.state)
