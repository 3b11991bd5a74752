"""Follows a job to its end by asking how it fares."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from services.client.api.client import Client
from services.client.api.job_view import JobView
from services.client.fault import Unreachable
from services.client.terminal.live import Live
from services.client.terminal.stage import stage_of
from shared.errors import UserFault
from shared.job.job import JobState

_GROWTH = 1.5
"""How much longer each pause is than the one before, while nothing happens."""
_MOST_STEPS = 20
"""After so many the longest pause is reached from any first one; more would overflow in the end."""
_WAITING = (JobState.AWAITING_UPLOAD, JobState.QUEUED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How to wait.

    Args:
        interval_s: Seconds between two questions, where the server names no others.
        longest_s: Most seconds between two questions: so late a person notices at worst that a job has ended or begun.
        outage_s: Seconds for which a server that answered before and now does not is forgiven.
        heeds_server: Whether the server's word on when to ask again counts.
        clock: Seconds that pass evenly.
        wait: Lets seconds pass; may raise to end the watch.
    """

    interval_s: float = 1.0
    longest_s: float = 10.0
    outage_s: float = 60.0
    heeds_server: bool = True
    clock: Callable[[], float] = time.monotonic
    wait: Callable[[float], None] = time.sleep

    def pause_s(self, view: JobView | None, num_unchanged: int) -> float:
        """Return how long to wait until the next question.

        Args:
            view: The last answer; ``None`` where there was none.
            num_unchanged: Answers in a row, or missing ones, that brought nothing new. While a job only waits, and
                while the server is away, each makes the pause longer.
        """
        told_s = view.retry_after_s if view is not None and self.heeds_server else None
        pause_s = max(self.interval_s, told_s or 0.0)
        grows = self.heeds_server and (view is None or view.state in _WAITING)
        return min(self.longest_s, pause_s * (_GROWTH ** min(num_unchanged, _MOST_STEPS) if grows else 1.0))


def follow(client: Client, job_id: str, token: str, *, live: Live, patience: Patience) -> JobView:
    """Show a job's progress until it ends, and return it as it ended.

    Raises:
        Unreachable: If the server does not answer at first, or later for longer than the patience.
        UserFault: If the server knows no such job or token.
    """
    answered_s: float | None = None
    last: JobView | None = None
    num_unchanged = 0
    while True:
        view: JobView | None = None
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
        num_unchanged = num_unchanged + 1 if _news(view) == _news(last) else 0
        last = view
        patience.wait(patience.pause_s(view, num_unchanged))


def _news(view: JobView | None) -> JobView | None:
    """Return what counts as news: that time passes is none."""
    return view and replace(view, starts_in_s=None)


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
