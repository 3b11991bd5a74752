"""Sets going again what a lost message, a killed process or an upload that never came left behind.

The store is the truth and a message only a hint. A job that has been idle for longer than it should is announced anew
from its state; whoever is told twice looks at the job and does nothing. Each repetition waits twice as long as the one
before, so a job that waits for hours behind others, or for a service that is down, makes a handful of messages.
"""

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.errors import Conflict, ConvtailorError, NotFound
from shared.job.events import Event, announcement, archive_uploaded, confirmation_awaited, job_queued
from shared.job.job import Job, JobState, advance
from shared.messaging.outbox import publish_pending
from shared.ports.event_bus import EventBus
from shared.ports.heartbeat_store import HeartbeatStore, as_told
from shared.ports.job_store import JobStore, StoredJob, pages
from shared.ports.object_store import ObjectStore, StoredObject

_SWEPT_STATES = (
    JobState.QUEUED,
    JobState.TRAINING,
    JobState.REPORTING,
    JobState.REJECTED,
    JobState.FAILED,
    JobState.CANCELLED,
    JobState.AWAITING_UPLOAD,
)
"""What somebody waits for comes first; last what costs a look into the object store for each job."""
_NUM_LOOKS_AT_ONCE = 8
"""Jobs looked at beside each other, because a look into a bucket takes tens of milliseconds."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a job may be idle before its first reminder. Claims and leases run out first.

    Args:
        usual: Of a job that somebody should be at work on.
        queued: Of one that waits for a trainer. Every reminder is one more message that waits, and where machines are
            made by the number of messages one more machine; a bus that loses none needs hardly any.
    """

    usual: timedelta = timedelta(minutes=2)
    queued: timedelta = timedelta(minutes=2)

    def of(self, job: Job) -> timedelta:
        """Return the one that counts for a job."""
        return self.queued if job.state is JobState.QUEUED else self.usual


DEFAULT_PATIENCE = Patience()


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepReport:
    """What one sweep did.

    Args:
        num_expired: Jobs whose upload never came.
        num_reminded: Idle jobs announced anew.
        num_published: Events published, those of earlier changes that were not published then included.
    """

    num_expired: int
    num_reminded: int
    num_published: int


def sweep(
    store: JobStore,
    objects: ObjectStore,
    bus: EventBus,
    *,
    heartbeats: HeartbeatStore,
    now: datetime,
    patience: Patience = DEFAULT_PATIENCE,
) -> SweepReport:
    """Look once at every job that has something left to be done; call it about once per patience.

    Page by page, whose events are published before the next page is read: memory does not grow with the number of jobs,
    and a sweep that breaks off has done what came first.

    Args:
        store: The jobs.
        objects: Where archives are uploaded to.
        bus: Where events go.
        heartbeats: What those who train jobs tell; a job is not idle while its trainer's lease holds.
        now: The present moment.
        patience: How long a job may be idle before its first reminder.

    Raises:
        Transient: If the store does not answer; the next sweep carries on.
    """
    num_expired = num_reminded = 0
    num_published = publish_pending(store, bus)
    terms = _Terms(objects=objects, heartbeats=heartbeats, now=now, patience=patience)
    with ThreadPoolExecutor(_NUM_LOOKS_AT_ONCE, thread_name_prefix="sweep") as pool:

        def look(stored: StoredJob) -> _Swept:
            return _look(stored, store, terms)

        for state in _SWEPT_STATES:
            for page in pages(store, {state}, updated_before=now - patience.usual, open_only=True):
                swept = list(pool.map(look, page.jobs))
                num_expired += sum(each.is_expired for each in swept)
                num_reminded += sum(each.is_reminded for each in swept)
                if any(each.is_reminded for each in swept):
                    num_published += publish_pending(store, bus)
    return SweepReport(num_expired=num_expired, num_reminded=num_reminded, num_published=num_published)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Terms:
    """What decides about a job, beside the job itself; as the arguments of :func:`sweep`."""

    objects: ObjectStore
    heartbeats: HeartbeatStore
    now: datetime
    patience: Patience


@dataclass(frozen=True, slots=True, kw_only=True)
class _Swept:
    """What became of one job."""

    is_expired: bool = False
    is_reminded: bool = False


def _look(stored: StoredJob, store: JobStore, terms: _Terms) -> _Swept:
    """Look at one job and write what is to be done for it; whatever is wrong with it stops no other."""
    job_id = stored.job.job_id
    try:
        changed, events = _step(stored.job, terms)
        if changed is stored.job:
            return _Swept()
        store.replace(stored, changed, events)
        if changed.state is JobState.EXPIRED:  # what came and was never confirmed
            terms.objects.delete(changed.upload.object_key)
    except (Conflict, NotFound):
        return _Swept()  # somebody is at work on it, so it is not idle
    except ConvtailorError:
        _log.warning("a job could not be swept now", extra={"job_id": job_id}, exc_info=True)
        return _Swept()
    _log.info("swept an idle job", extra={"job_id": job_id, "state": changed.state})
    return _Swept(is_expired=changed.state is JobState.EXPIRED, is_reminded=bool(events))


def _step(job: Job, terms: _Terms) -> tuple[Job, tuple[Event, ...]]:
    """Return the job as it should be written and the events to record with it; the same job if all is well."""
    now = terms.now
    if job.awaits_confirmation and job.confirm_by is not None:
        if now >= job.confirm_by:
            return advance(job, JobState.EXPIRED, now), ()
        asked = () if job.confirmation_mailed_at else (confirmation_awaited(job.job_id, now),)
        return _reminded(job, asked, terms, idle_since=job.updated_at) if asked else (job, ())
    if job.state is JobState.AWAITING_UPLOAD:
        archive = _uploaded(job, terms.objects)
        if archive is None:
            late = now >= job.upload.awaited_until
            return (advance(job, JobState.EXPIRED, now) if late else job), ()
        uploaded = archive_uploaded(job.job_id, now, object_key=archive.key, generation=archive.generation)
        since = max(archive.updated_at, job.confirmed_at or archive.updated_at)
        return _reminded(job, (uploaded,), terms, idle_since=since)
    claims = (as_told(job, terms.heartbeats).claim, job.report_claim)
    leases = [claim.expires_at for claim in claims if claim is not None]
    its_trainer_died = job.state is JobState.TRAINING
    events = (job_queued(job.job_id, now),) if its_trainer_died else announcement(job, now)
    return _reminded(job, events, terms, idle_since=max([job.updated_at, *leases]))


def _reminded(
    job: Job, events: tuple[Event, ...], terms: _Terms, *, idle_since: datetime
) -> tuple[Job, tuple[Event, ...]]:
    """Return the job marked as reminded of, with the events, or the same job and none if its time has not come."""
    last_told = max(idle_since, job.reminded_at or idle_since)
    if terms.now - last_told < max(terms.patience.of(job), last_told - idle_since):
        return job, ()
    return replace(job, reminded_at=terms.now), events


def _uploaded(job: Job, objects: ObjectStore) -> StoredObject | None:
    try:
        return objects.stat(job.upload.object_key)
    except NotFound:
        return None
