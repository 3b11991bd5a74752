"""``convtailor status``: shows how a job fares."""

import click

from services.client.api.job_view import JobView, read_job
from services.client.commands.access import job_argument, json_option, open_access, server_option, token_option
from services.client.terminal.outcome import print_json, print_text
from services.client.terminal.stage import best_so_far, counts, listed, stage_of
from services.client.terminal.taught_command import TaughtCommand
from shared.wording import duration, percent, spending


@click.command(
    cls=TaughtCommand,
    examples=(
        "convtailor status",
        "convtailor status 3f2a… --json",
    ),
)
@job_argument
@server_option
@token_option
@json_option
def status(job_id: str | None, server: str | None, token: str | None, as_json: bool) -> None:
    """Show how JOB fares; without JOB, the one submitted last."""
    access = open_access(job_id, server, token)
    with access.client as client:
        document = client.status_document(access.known.job_id, access.known.token)
    if as_json:
        print_json(document)
    else:
        _print_status(read_job(document, server=access.client.server))


def _print_status(view: JobView) -> None:
    stage = stage_of(view)
    print_text(listed([f"Job {view.job_id}: {view.state}", f"on {view.device}" if view.device else ""]))
    if stage is not None:
        left = f"about {duration(stage.eta_s)} left" if stage.eta_s is not None else ""
        print_text(listed([stage.title, counts(stage), stage.detail, best_so_far(stage.best), left]))
    if view.estimate is not None and view.spent is not None:
        estimate = spending(view.estimate.seconds, view.estimate.cost)
        print_text(f"Estimated before the start: {estimate}; so far: {spending(view.spent.seconds, view.spent.cost)}")
    for trial in view.trials:
        accuracy = percent(trial.val_accuracy, 1) if trial.val_accuracy is not None else trial.state.value
        print_text(listed([f"  {trial.name}: {accuracy}", duration(trial.seconds), trial.reason or ""]))
    if view.error is not None:
        print_text(f"Why: {view.error.message}\nFix: {view.error.fix}")
