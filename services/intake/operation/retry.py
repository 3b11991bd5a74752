"""An operator's retry: the one step back from an end, and what is done anew by it. Pure."""

from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

from shared.errors import UserFault
from shared.job.claim import Claim
from shared.job.job import Artefacts, Job, JobState
from shared.job.retention import Retention

_MARGIN = timedelta(minutes=1)
"""Photographs that go sooner than that count as gone: whoever deletes them may be at it."""
_OWNER = "operator"


class RetryKind(StrEnum):
    """What a retry does anew; all that follows comes of itself, and one mail ends it."""

    TRAIN = "train"
    REPORT = "report"
    MAIL = "mail"


def retry_kind(job: Job, retention: Retention, now: datetime) -> RetryKind | None:
    """Return what a retry would do, by what the job says is still there; ``None`` where there is nothing to do.

    Args:
        job: As read.
        retention: How long its photographs are kept.
        now: The present moment.
    """
    if job.is_open or job.forgotten_at is not None:
        return None
    if job.state is JobState.FAILED and job.artefacts.result is not None:
        return RetryKind.REPORT
    if job.state is JobState.FAILED and job.archive is not None and _are_kept(job, retention, now):
        return RetryKind.TRAIN
    return RetryKind.MAIL if job.mail_fault is not None else None


def retried(job: Job, kind: RetryKind, now: datetime) -> Job:
    """Return the job as it is after the retry.

    Every claim of before is void, whoever held it: the fence goes on from where it was. Attempts and the budget count
    from nothing; finished trials stay, so a training carries on from the ledger.

    Args:
        job: As read.
        kind: What :func:`retry_kind` found.
        now: The present moment.
    """
    anew = replace(
        job,
        updated_at=now,
        retries=job.retries + 1,
        report_claim=_voided(job.report_claim, now),
        report_tries=0,
        mailed_at=None,
        mail_fault=None,
        reminded_at=None,
    )
    if kind is RetryKind.MAIL:
        return anew
    if kind is RetryKind.REPORT:
        return replace(anew, state=JobState.REPORTING, fault=None)
    return replace(
        anew,
        state=JobState.QUEUED,
        fault=None,
        claim=_voided(job.claim, now),
        attempts=0,
        num_ran_full=0,
        trained_s=0.0,
        progress=None,
        artefacts=Artefacts(),
        cancel_requested_at=None,
    )


def not_retried(job: Job) -> UserFault:
    """Return what is said where :func:`retry_kind` finds nothing to do."""
    details = {"state": job.state}
    if job.is_open:
        message = f"The job is {job.state}, and something is still to come of it."
        return UserFault("job_not_ended", message, fix="Wait until its mail was sent, then retry it.", details=details)
    if job.state is JobState.FAILED:
        return UserFault(
            "nothing_to_retry",
            "The photographs of the job are deleted, so it cannot be trained again.",
            fix="Have them submitted again. CONVTAILOR_ARCHIVE_DAYS keeps those of later jobs for a time.",
            details=details,
        )
    message = f"The job is {job.state}, and its mail was sent or is owed to nobody."
    return UserFault("nothing_to_retry", message, fix="Nothing needs to be done.", details=details)


def _are_kept(job: Job, retention: Retention, now: datetime) -> bool:
    until = retention.archive_until(job)
    return until is not None and until > now + _MARGIN


def _voided(claim: Claim | None, now: datetime) -> Claim | None:
    return claim and Claim(owner=_OWNER, fence=claim.fence + 1, expires_at=now)
