"""When it pays to look at a job again: sooner there can be nothing new, and each look costs reads of the store."""

import math

from shared.job.heartbeat import Cadence
from shared.job.job import Job, JobState

_SOON_S = 2.0
"""An end that is near is noticed so soon, in seconds, whatever a look costs."""


def retry_after_s(job: Job, cadence: Cadence) -> int | None:
    """Return the seconds after which there may be news of a job, at least 1; ``None`` where none will come.

    Args:
        job: As read.
        cadence: How often whoever trains it tells how it fares.
    """
    if not job.is_open:
        return None
    if job.state in (JobState.AWAITING_UPLOAD, JobState.QUEUED):
        wait_s = 2 * cadence.progress_s
    elif job.state is JobState.TRAINING:
        wait_s = cadence.progress_s
    else:
        wait_s = min(cadence.progress_s, _SOON_S)
    return max(1, math.ceil(wait_s))
