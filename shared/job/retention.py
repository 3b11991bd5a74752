"""How long what is kept of a job may be kept, and what stays of it afterwards. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.errors import Fault
from shared.job.job import Artefacts, Job, JobState
from shared.job.options import JobOptions
from shared.settings import Settings

KEEP_ENDED = timedelta(days=365)
"""How long a job's record stays after its end; objects must not be kept for longer, or nobody knows whose they were."""
_TRAINED_NO_MORE = frozenset(JobState) - {JobState.AWAITING_UPLOAD, JobState.QUEUED, JobState.TRAINING}


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """What is kept after the end of a job, and for how long.

    Args:
        artefacts: Networks, results, reports and the person's address.
        archives: The photographs; none: they go when the job ends. With the artefacts they go in any case.
        most_archives: The photographs of a job whose person asks for it, at most.
    """

    artefacts: timedelta = timedelta(days=30)
    archives: timedelta = timedelta(0)
    most_archives: timedelta = timedelta(days=30)

    def artefacts_until(self, job: Job, now: datetime) -> datetime:
        """Return when the artefacts of a job go, counted from its end, or from now where that is still to come."""
        return (job.updated_at if job.is_ended else now) + self.artefacts

    def archive_until(self, job: Job) -> datetime | None:
        """Return from when on the archive of a job is to be gone; ``None`` while somebody may still train on it."""
        if job.state not in _TRAINED_NO_MORE:
            return None
        return job.updated_at + self.archives_of(job.options)

    def archives_of(self, options: JobOptions) -> timedelta:
        """Return for how long after its end the photographs of a job with these options are kept."""
        asked = min(timedelta(days=options.keep_photos_days), self.most_archives)
        return min(max(self.archives, asked), self.artefacts)


def retention_of(settings: Settings) -> Retention:
    """Return what the operator chose."""
    return Retention(
        artefacts=timedelta(days=settings.artefact_days),
        archives=timedelta(days=settings.archive_days),
        most_archives=timedelta(days=settings.most_archive_days),
    )


def forgotten(job: Job, now: datetime) -> Job:
    """Return what stays of a job whose files are deleted: how it ended and how much it was, and nothing of the person.

    Names of files and classes stand in faults, and addresses in what mail servers answer, so of both only the code
    stays. The token still opens the job, which tells that its files are gone.

    Args:
        job: One that has ended, with nothing left to be done.
        now: The present moment.
    """
    return replace(
        job,
        email="",
        artefacts=Artefacts(),
        claim=None,
        report_claim=None,
        progress=None,
        trials=(),
        fault=_bare(job.fault),
        mail_fault=_bare(job.mail_fault),
        forgotten_at=now,
        charged_to=None,
    )


def _bare(fault: Fault | None) -> Fault | None:
    if fault is None:
        return None
    return Fault(code=fault.code, message="What was told of it is deleted.", fix="Submit the archive again.")
