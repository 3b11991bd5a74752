"""A worker's hold on one job: whatever it writes about the job goes through here, and only while its claim stands."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from shared.clock import Clock
from shared.errors import Conflict, ConvtailorError, Transient
from shared.job.claim import Claim, held, release, renew, take
from shared.job.events import announcement
from shared.job.job import Job, JobState, Trial, advance, with_trial
from shared.job.progress import Progress
from shared.ports.job_store import JobStore


class NothingToDo(ConvtailorError):
    """The job does not wait for a trainer: it has ended, or was never queued."""


class LostClaim(ConvtailorError):
    """Somebody else has the job by now; whatever this worker still does for it is void."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLease:
    """The hold of one worker on one job.

    Every method that writes raises :class:`LostClaim` where the claim has passed to another worker, and
    :class:`shared.errors.Transient` where the store did not answer for a whole lease.

    Args:
        store: Where the job lies.
        job: As it was when claimed, its claim included.
        claim: The claim.
        lease: How long it lasts from each renewal on.
        clock: Tells the time.
    """

    store: JobStore
    job: Job
    claim: Claim
    lease: timedelta
    clock: Clock

    def read(self) -> Job:
        """Return the job as it is now."""
        return self._update(lambda job: job)

    def renew(self, trained_s: float) -> Job:
        """Hold the job for another lease and note how many seconds of its budget are spent."""
        return self._update(
            lambda job: replace(
                job,
                trained_s=trained_s,
                claim=renew(
                    job.claim, owner=self.claim.owner, fence=self.claim.fence, now=self.clock(), lease=self.lease
                ),
            )
        )

    def store_progress(self, progress: Progress) -> None:
        """Show how far the job has come."""
        self._update(lambda job: replace(job, progress=progress))

    def store_device(self, device: str) -> None:
        """Show what trains the job."""
        self._update(lambda job: replace(job, device=device))

    def store_trial(self, trial: Trial) -> None:
        """Show a finished trial."""
        self._update(lambda job: with_trial(job, trial))

    def hand_back(self, *, counts: bool) -> None:
        """Give up the claim and leave the job to another worker.

        Args:
            counts: Whether this attempt counts; one that was only interrupted does not.
        """
        self._update(
            lambda job: replace(job, claim=self._released(job), attempts=job.attempts if counts else job.attempts - 1)
        )

    def finish(self, state: JobState, **changes: Any) -> Job:
        """Write how the job ended, together with the event that announces it, and give up the claim."""

        def ended(job: Job) -> Job:
            return advance(job, state, self.clock(), claim=self._released(job), **changes)

        return self._update(ended)

    def _released(self, job: Job) -> Claim:
        return release(job.claim, owner=self.claim.owner, fence=self.claim.fence, now=self.clock())

    def _update(self, change: Callable[[Job], Job]) -> Job:
        """Read, check the claim, change and write, until nobody else wrote in between."""
        for attempt in Retrying(
            retry=retry_if_exception_type((Conflict, Transient)),
            stop=stop_after_delay(self.lease),
            wait=wait_random_exponential(multiplier=0.01, max=1),
            reraise=True,
        ):
            with attempt:
                return self._try_update(change)
        raise AssertionError("unreachable: the last attempt raises")

    def _try_update(self, change: Callable[[Job], Job]) -> Job:
        stored = self.store.get(self.job.job_id)
        try:
            held(stored.job.claim, owner=self.claim.owner, fence=self.claim.fence)
        except Conflict as error:
            raise LostClaim(str(error)) from error
        if stored.job.state is not JobState.TRAINING:
            return stored.job  # only the holder ends a job: an earlier write of ours did get through
        job = change(stored.job)
        if job == stored.job:
            return job
        events = announcement(job, self.clock()) if job.state is not stored.job.state else ()
        return self.store.replace(stored, job, events).job


def claim_job(store: JobStore, job_id: str, *, owner: str, lease: timedelta, clock: Clock) -> JobLease:
    """Take a queued job, or one whose worker is gone.

    Raises:
        Conflict: If another worker holds it, or was faster.
        NothingToDo: If it does not wait for a trainer.
        NotFound: If there is no such job.
        Transient: If the store did not answer.
    """
    stored = store.get(job_id)
    job = stored.job
    if job.state not in (JobState.QUEUED, JobState.TRAINING) or job.archive is None:
        raise NothingToDo(f"job {job_id} is {job.state}")
    claim = take(job.claim, owner=owner, now=clock(), lease=lease)
    taken = replace(job, claim=claim, attempts=job.attempts + 1)
    if job.state is JobState.QUEUED:
        taken = advance(taken, JobState.TRAINING, clock())
    return JobLease(store=store, job=store.replace(stored, taken).job, claim=claim, lease=lease, clock=clock)
