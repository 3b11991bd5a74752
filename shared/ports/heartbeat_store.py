"""The store of heartbeats: what the workers at their jobs tell every few seconds."""

from typing import Protocol

from shared.job.heartbeat import Cadence, Heartbeat, with_heartbeat
from shared.job.job import Job, JobState


class HeartbeatStore(Protocol):
    """Keeps the last heartbeat of each claim, beside the jobs.

    Only the holder of a claim writes its heartbeats, one after the other, so the last one written counts. All may be
    lost with no harm but this: the claim ends as it was taken, and the time spent since counts as not spent.

    Every method may raise :class:`shared.errors.Transient`; after that a write may or may not have happened. Safe for
    threads and for several processes.
    """

    @property
    def cadence(self) -> Cadence:
        """How often a worker is to write here, and to look at its job."""
        ...

    def put(self, heartbeat: Heartbeat) -> None:
        """Keep a heartbeat in place of the last one of its job and fence, durably."""
        ...

    def get(self, job_id: str, fence: int) -> Heartbeat | None:
        """Return the last heartbeat of a claim, ``None`` where there is none or none that can be read."""
        ...

    def delete(self, job_id: str) -> None:
        """Forget the heartbeats of all claims of a job; a job that has none is no error."""
        ...


def as_told(job: Job, heartbeats: HeartbeatStore) -> Job:
    """Return the job as its worker tells it; nothing is read for a job that nobody trains.

    Raises:
        Transient: If the store does not answer.
    """
    if job.state is not JobState.TRAINING or job.claim is None:
        return job
    return with_heartbeat(job, heartbeats.get(job.job_id, job.claim.fence))
