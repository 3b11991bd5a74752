"""One attempt at a report: held by a claim, counted, and the smaller the more attempts before it were lost.

A reporter that dies at its work, or meets with what nobody foresaw, does so again at the next attempt if the job is the
reason. So an attempt counts as lost from its first moment on, and is taken off the count where it ends in good order,
such as for a mail server that is away.
"""

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.errors import ConvtailorError, Fault
from shared.job.claim import held, release, take
from shared.job.job import Job
from shared.ports.job_store import JobStore

_log = logging.getLogger(__name__)

TRIES_OF_EACH = 2
"""Attempts that may be lost before the next one leaves something out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """What an attempt undertakes.

    Args:
        draws: Whether it has pictures drawn.
        reads: Whether it reads the result; without it the mail tells that there is a network, and links to it.
        mails: Whether it writes and sends anything at all; otherwise it only ends the job.
    """

    draws: bool
    reads: bool
    mails: bool


def effort_of(job: Job) -> Effort:
    """Return what is undertaken for a job, by the attempts at its report that were lost.

    Args:
        job: As :func:`begin` returned it.
    """
    num_lost = job.report_tries - 1
    effort = Effort(
        draws=num_lost < TRIES_OF_EACH, reads=num_lost < 2 * TRIES_OF_EACH, mails=num_lost < 3 * TRIES_OF_EACH
    )
    if not effort.draws:
        _log.error("reporters were lost at this job; the next one does less", extra={"num_lost": num_lost})
    return effort


def begin(store: JobStore, job_id: str, *, owner: str, lease: timedelta, now: datetime) -> Job | None:
    """Take the reporter's lease and count the attempt; ``None`` where no mail is owed (any more).

    Raises:
        NotFound: If there is no such job.
        Conflict: If another reporter is at work on it.
        Transient: If the store does not answer.
    """
    stored = store.get(job_id)
    if not stored.job.owes_mail:
        return None
    claim = take(stored.job.report_claim, owner=owner, now=now, lease=lease)
    begun = replace(stored.job, report_claim=claim, report_tries=stored.job.report_tries + 1)
    return store.replace(stored, begun).job


def hand_back(store: JobStore, job: Job, *, now: datetime) -> None:
    """Give up the lease of an attempt that ends in good order, and take it off the count.

    What cannot be written now counts as lost, which does no harm by itself.

    Args:
        store: Where the job lies.
        job: As :func:`begin` returned it.
        now: The present moment.
    """
    claim = job.report_claim
    if claim is None:
        return
    try:
        stored = store.get(job.job_id)
        current = held(stored.job.report_claim, owner=claim.owner, fence=claim.fence)
        released = release(current, owner=claim.owner, fence=claim.fence, now=now)
        store.replace(stored, replace(stored.job, report_claim=released, report_tries=stored.job.report_tries - 1))
    except ConvtailorError as error:
        _log.info("an attempt at a report was not handed back", extra={"reason": str(error)})


def not_written(num_tries: int) -> Fault:
    """Tell that a network is there and its report is not.

    Args:
        num_tries: Attempts that were lost.
    """
    return Fault(
        code="report_not_written",
        message=f"A network was trained, but its report could not be written in {num_tries} attempts.",
        fix="Download the network while it is kept, and tell the operator the number of this job.",
        details={"attempts": num_tries},
    )
