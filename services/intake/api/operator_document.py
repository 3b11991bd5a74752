"""The JSON documents that operators are answered with; ``/openapi.json`` is generated from these types."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from services.intake.api.document import ArchiveSummary, archive_summary
from services.intake.operation.retry import RetryKind
from services.intake.overview.listing import Listing
from services.intake.overview.queue import Place
from shared.errors import Fault
from shared.job.job import Job, JobState
from shared.job.progress import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLine:
    """A job in a list; fields are those of its status, but for four.

    Args:
        email: Where its report goes; empty once it is forgotten.
        key_id: The API key that it was submitted with.
        mail_error: Why no mail about its end will ever be accepted.
        retry: What a retry would do anew: ``train``, ``report`` or ``mail``; ``null`` where there is nothing to do, or
            the photographs are deleted.
    """

    job_id: str
    state: JobState
    email: str
    key_id: str | None
    phase: str | None
    done: int
    total: int
    unit: str
    eta_s: float | None
    queue_position: int | None
    starts_in_s: float | None
    error: Fault | None
    archive: ArchiveSummary | None
    device: str | None
    attempts: int
    created_at: datetime
    updated_at: datetime
    mailed_at: datetime | None
    mail_error: Fault | None
    retry: RetryKind | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobList:
    """Jobs in the order that was asked for.

    Args:
        jobs: The jobs.
        is_whole: Whether there are no more.
        unreadable: Ids of jobs that cannot be read; the log says why.
    """

    jobs: tuple[JobLine, ...]
    is_whole: bool
    unreadable: tuple[str, ...]


def list_document(
    listing: Listing, place_of: Callable[[Job], Place | None], kind_of: Callable[[Job], RetryKind | None]
) -> JobList:
    """Tell of many jobs.

    Args:
        listing: The jobs.
        place_of: Tells the place of a job in the queue.
        kind_of: Tells what a retry of it would do.
    """
    lines = tuple(_line(job, place_of(job), kind_of(job)) for job in listing.jobs)
    return JobList(jobs=lines, is_whole=listing.is_whole, unreadable=listing.unreadable)


def _line(job: Job, place: Place | None, retry: RetryKind | None) -> JobLine:
    progress = job.progress or Progress(phase="")
    return JobLine(
        job_id=job.job_id,
        state=job.state,
        email=job.email,
        key_id=job.key_id,
        phase=progress.phase or None,
        done=progress.done,
        total=progress.total,
        unit=progress.unit,
        eta_s=progress.eta_s,
        queue_position=place.position if place else None,
        starts_in_s=place.starts_in_s if place else None,
        error=job.fault,
        archive=archive_summary(job),
        device=job.device,
        attempts=job.attempts,
        created_at=job.created_at,
        updated_at=job.updated_at,
        mailed_at=job.mailed_at,
        mail_error=job.mail_fault,
        retry=retry,
    )
