"""What a monitor asks for, counted from the stores at the moment it asks: no process keeps counts of its own."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.job.job import END_STATES, Job, JobState
from shared.ports.heartbeat_store import HeartbeatStore, as_told
from shared.ports.job_store import JobStore, pages

_LATELY = timedelta(days=1)
_MOMENT = timedelta(microseconds=1)
GOING = frozenset(JobState) - END_STATES


@dataclass(slots=True)
class Census:
    """Counts of jobs; grows with states, phases and codes alone."""

    now: datetime
    going: Counter[str] = field(default_factory=Counter)
    phases: Counter[str] = field(default_factory=Counter)
    ended: Counter[tuple[str, ...]] = field(default_factory=Counter)
    num_mails_owed: int = 0
    num_mails_refused: int = 0
    num_unreadable: int = 0
    longest_wait_s: float = 0.0

    def add_open(self, job: Job) -> None:
        """Count a job with something to come: work, or a mail."""
        self.num_mails_owed += job.owes_mail
        if job.is_ended:
            return
        self.going[job.state] += 1
        if job.state is JobState.TRAINING:
            self.phases[job.progress.phase if job.progress else ""] += 1
        if job.state is JobState.QUEUED:
            self.longest_wait_s = max(self.longest_wait_s, (self.now - job.updated_at).total_seconds())

    def add_ended(self, job: Job) -> None:
        """Count a job that ended lately."""
        self.ended[job.state, job.fault.code if job.fault else ""] += 1
        self.num_mails_refused += job.mail_fault is not None


def count_jobs(store: JobStore, heartbeats: HeartbeatStore, *, now: datetime) -> Census:
    """Count all open jobs, and those that ended within a day, page by page.

    Raises:
        Transient: If a store does not answer.
    """
    census, until = Census(now), now + _MOMENT
    for page in pages(store, frozenset(JobState), updated_before=until, open_only=True):
        census.num_unreadable += len(page.unreadable)
        for stored in page.jobs:
            census.add_open(as_told(stored.job, heartbeats))
    for page in pages(store, END_STATES, updated_before=until, updated_from=now - _LATELY):
        for stored in page.jobs:
            census.add_ended(stored.job)
    return census
