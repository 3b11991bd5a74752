"""Follows a job to its end by asking how it fares."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from services.client.api.client import Client
from services.client.api.job_view import JobView
from services.client.fault import Unreachable
from services.client.terminal.live import Live
from services.client.terminal.stage import stage_of
from shared.errors import UserFault
from shared.job.job import JobState


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How to wait.

    Args:
        interval_s: Seconds between two questions.
        outage_s: Seconds for which a server that answered before and now does not is forgiven.
        clock: Seconds that pass evenly.
        wait: Lets seconds pass; may raise to end the watch.
    """

    interval_s: float = 1.0
    outage_s: float = 60.0
    clock: Callable[[], float] = time.monotonic
    wait: Callable[[float], None] = time.sleep


def follow(client: Client, job_id: str, token: str, *, live: Live, patience: Patience) -> JobView:
    """Show a job's progress until it ends, and return it as it ended.

    Raises:
        Unreachable: If the server does not answer at first, or later for longer than the patience.
        UserFault: If the server knows no such job or token.
    """
    answered_s: float | None = None
    while True:
        try:
            view = client.status(job_id, token)
            answered_s = patience.clock()
        except Unreachable:
            if answered_s is None or patience.clock() - answered_s > patience.outage_s:
                raise
        else:
            live.show(stage_of(view))
            if view.is_ended:
                return view
        patience.wait(patience.interval_s)


def raise_unless_done(view: JobView) -> None:
    """Raise what an ended job has to say for itself, unless it is done.

    Raises:
        UserFault: With the job's own fault where it has one.
    """
    if view.state is JobState.DONE:
        return
    details = {"job_id": view.job_id, "state": view.state.value}
    if view.error is not None:
        fault = view.error
        raise UserFault(fault.code, fault.message, fix=fault.fix, details={**fault.details, **details})
    fix = "Submit it again if you still want it."
    raise UserFault(f"job_{view.state}", f"The job ended as {view.state}.", fix=fix, details=details)
