"""The sign of life of whoever trains a job: what changes every few seconds, in a record apart from the job.

A job is written when something becomes true of it; its claim says who may write its end. The heartbeat prolongs that
claim and carries what the attempt has reached. Each claim has a record of its own, addressed by its fence, which its
holder alone writes. So it needs no compare-and-set, nobody fights over the job, and a zombie writes what nobody reads.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pydantic import ValidationError

from shared.job.job import Job, JobState, Trial
from shared.job.progress import Progress
from shared.json_codec import from_same_text, to_stored_text

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """What the holder of a claim told last.

    Args:
        job_id: The job it works on.
        fence: Of its claim.
        expires_at: The claim is void from this moment on, whatever the job says.
        trained_s: Seconds of the budget that all attempts spent so far, this one included.
        device: What trains the job, once that is known.
        progress: How far it has come.
        trials: Those that this attempt finished, or found finished.
    """

    job_id: str
    fence: int
    expires_at: datetime
    trained_s: float = 0.0
    device: str | None = None
    progress: Progress | None = None
    trials: tuple[Trial, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cadence:
    """How often a back-end is asked and written for a job that trains; a matter of what that costs there.

    Args:
        least_s: Seconds between two heartbeats at least, whatever happened.
        progress_s: Seconds between two heartbeats that bring nothing but another point within a phase.
        look_s: Seconds between two looks at the job, for a cancel or for a successor.
    """

    least_s: float
    progress_s: float
    look_s: float

    def beat_s(self, lease: timedelta) -> float:
        """Return the seconds after which a heartbeat is due even without news: two fit into a lease, mostly three."""
        return min(max(lease.total_seconds() / 3, self.least_s), lease.total_seconds() / 2)


def is_due(last: Heartbeat, new: Heartbeat, *, elapsed_s: float, lease: timedelta, cadence: Cadence) -> bool:
    """Decide whether a heartbeat is to be written: what a person waits for at once, the rest now and then.

    Args:
        last: The one written last.
        new: The one at hand.
        elapsed_s: Seconds since the last one was written.
        lease: How long a claim lasts from each heartbeat on.
        cadence: Of the store.
    """
    if elapsed_s >= cadence.beat_s(lease):
        return True
    if elapsed_s < cadence.least_s:
        return False
    return _awaited(last) != _awaited(new) or (elapsed_s >= cadence.progress_s and last.progress != new.progress)


def _awaited(heartbeat: Heartbeat) -> tuple[object, ...]:
    """Return what a person waits for."""
    progress = heartbeat.progress
    return heartbeat.device, heartbeat.trials, progress and progress.phase, progress and progress.best


def with_heartbeat(job: Job, heartbeat: Heartbeat | None) -> Job:
    """Return the job as its worker tells it: claim, time spent, device, progress and trials as of the heartbeat.

    A heartbeat counts while the job trains under the claim it belongs to, and is left aside otherwise.
    """
    claim = job.claim
    if heartbeat is None or claim is None or job.state is not JobState.TRAINING:
        return job
    if (heartbeat.job_id, heartbeat.fence) != (job.job_id, claim.fence):
        return job
    return replace(
        job,
        claim=replace(claim, expires_at=heartbeat.expires_at),
        trained_s=max(job.trained_s, heartbeat.trained_s),
        device=heartbeat.device or job.device,
        progress=heartbeat.progress or job.progress,
        trials=retold(job.trials, heartbeat.trials),
    )


def encode_heartbeat(heartbeat: Heartbeat) -> str:
    """Return a heartbeat as JSON text."""
    return to_stored_text(heartbeat)


def decode_heartbeat(text: str) -> Heartbeat | None:
    """Read a heartbeat; one that cannot be read is logged and ``None``, so that the claim counts as it was taken."""
    try:
        return from_same_text(Heartbeat, text)
    except (ValueError, ValidationError):
        _log.exception("a heartbeat cannot be read and is left aside")
        return None


def retold(known: tuple[Trial, ...], told: Iterable[Trial]) -> tuple[Trial, ...]:
    """Return trials with what is told of them now; one that is told again keeps its place."""
    by_name = {trial.name: trial for trial in known}
    by_name |= {trial.name: trial for trial in told}
    return tuple(by_name.values())
