"""A job as its server tells of it, read into types."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from services.client.fault import Unreachable
from shared.errors import Fault
from shared.job.job import END_STATES, JobState, Trial
from shared.job.progress import Best, Progress, Spending
from shared.json_codec import from_json

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadTicket:
    """The one request that sends the archive; headers must be sent exactly so."""

    url: str
    method: str
    headers: Mapping[str, str]
    max_bytes: int | None = None

    @property
    def is_resumable(self) -> bool:
        """Whether it opens a session that takes the archive in pieces, instead of taking it itself."""
        return self.method == "POST" and any(name.lower() == "x-goog-resumable" for name in self.headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """The answer to a new job.

    Args:
        job_id: Identifies the job.
        token: Opens it.
        upload: How to send the archive.
        status_url: Where it can be asked how it fares.
        confirm_by: Until when the person has to confirm the address by a click, where that is asked for.
    """

    job_id: str
    token: str
    upload: UploadTicket
    status_url: str = ""
    confirm_by: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """How a job fares; fields that a newer server adds are ignored.

    Args:
        job_id: Identifies the job.
        state: Where it stands.
        phase: Step of the training, once it runs.
        done: Units finished in this phase.
        total: Units of this phase, as far as known.
        unit: What is counted.
        detail: What is being done, for a person.
        eta_s: Seconds until the job ends, as far as can be told.
        queue_position: Its place while it is queued, 1 for the next one, if the server says so.
        starts_in_s: Seconds until a trainer is expected to take it up, if the server can tell.
        best: The best network so far.
        estimate: What the whole training was estimated to take.
        spent: What it took so far.
        trials: The ledger of finished trials.
        error: Why it was rejected or failed.
        links: URL by name of what can be fetched.
        device: What trains it.
        archive: What was uploaded, once it was looked at.
        mailed_at: When the mail about its end was accepted.
        files_kept_until: From when on what it left is deleted, once it has ended.
        files_deleted_at: When that happened.
        retry_after_s: Seconds after which there may be news, if the server says so.
    """

    job_id: str
    state: JobState
    phase: str | None = None
    done: int = 0
    total: int = 0
    unit: str = ""
    detail: str = ""
    eta_s: float | None = None
    queue_position: int | None = None
    starts_in_s: float | None = None
    best: Best | None = None
    estimate: Spending | None = None
    spent: Spending | None = None
    trials: tuple[Trial, ...] = ()
    error: Fault | None = None
    links: Mapping[str, str | None] = field(default_factory=dict)
    device: str | None = None
    archive: Mapping[str, Any] | None = None
    mailed_at: datetime | None = None
    files_kept_until: datetime | None = None
    files_deleted_at: datetime | None = None
    retry_after_s: float | None = None

    @property
    def is_ended(self) -> bool:
        """Tell whether nothing more will happen to the job."""
        return self.state in END_STATES

    @property
    def awaits_mail(self) -> bool:
        """Tell whether it has ended and its mail is still to come."""
        if self.mailed_at is not None:
            return False
        is_told = self.state in (JobState.DONE, JobState.REJECTED, JobState.FAILED)
        return is_told or (self.state is JobState.CANCELLED and self.archive is not None)

    @property
    def progress(self) -> Progress | None:
        """The point of the training, once it runs."""
        if self.phase is None:
            return None
        return Progress(
            phase=self.phase,
            done=self.done,
            total=self.total,
            unit=self.unit,
            detail=self.detail,
            eta_s=self.eta_s,
            best=self.best,
        )


def read_submitted(document: Mapping[str, Any], *, server: str) -> Submitted:
    """Read the answer to a new job.

    Raises:
        Unreachable: If it is none; something other than convtailor answers there.
    """
    return _read(Submitted, document, server)


def read_job(document: Mapping[str, Any], *, server: str) -> JobView:
    """Read a job's status.

    Raises:
        Unreachable: If it is none; something other than convtailor answers there.
    """
    return _read(JobView, document, server)


def _read(cls: type[T], document: Mapping[str, Any], server: str) -> T:
    try:
        return from_json(cls, document)
    except ValidationError as error:
        raise not_convtailor(server) from error


def not_convtailor(server: str) -> Unreachable:
    """Return the error for an answer that no convtailor server gives."""
    return Unreachable(
        f"What answers at {server} is not a convtailor server of this version.",
        fix="Check --server; `convtailor serve` starts one on this machine.",
        details={"server": server},
    )
