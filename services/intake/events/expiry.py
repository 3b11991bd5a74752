"""Deletes what has been kept for as long as it may be: photographs, networks and reports, addresses, records of jobs.

The object store is looked through, not the jobs, where photographs are concerned: what lies there is the truth about
what is kept, for jobs of older releases, of operators' mistakes and of nobody too. Objects go first and what a job says
last, so that a pass which breaks off is finished by the next.
"""

import calendar
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from shared.errors import Conflict, ConvtailorError, NotFound
from shared.job.job import END_STATES, Job
from shared.job.retention import KEEP_ENDED, Retention, forgotten
from shared.json_codec import to_json
from shared.layout import JOBS, UPLOADS, folders_of, job_folder, job_of_key
from shared.ports.heartbeat_store import HeartbeatStore
from shared.ports.job_store import JobStore, StoredJob, pages
from shared.ports.object_store import ObjectStore

_WINDOW = timedelta(days=1)
"""How far back a usual pass looks for jobs whose time has come, so that an outage of hours costs nothing."""
_THOROUGH = (calendar.SUNDAY, 3)
"""Day of the week and hour, UTC, in which every ended job is looked at: for outages of days, and for shorter times that
an operator chose. Each such look reads all that ended within a year, so it is not made more often."""
_STRAY_AFTER = timedelta(days=1)
"""Age from which on an object counts as nobody's if there is no job of its id."""
T = TypeVar("T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiry:
    """What one pass deleted.

    Args:
        num_archives: Archives of jobs that are over, or of none.
        num_forgotten: Jobs whose networks, reports and address went.
        num_strays: Jobs that nobody knows, of which files were left.
        num_records: Jobs that were forgotten a year ago.
    """

    num_archives: int = 0
    num_forgotten: int = 0
    num_strays: int = 0
    num_records: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """What expiry may touch, and its rules.

    Args:
        store: The jobs.
        heartbeats: What those who trained them told.
        objects: Archives and artefacts.
        retention: How long what is kept.
    """

    store: JobStore
    heartbeats: HeartbeatStore
    objects: ObjectStore
    retention: Retention

    def expire(self, now: datetime, *, is_thorough: bool = False) -> Expiry:
        """Delete what is due; call it about once an hour.

        Args:
            now: The present moment.
            is_thorough: Whether to look at all that is kept, whatever the hour.

        Raises:
            Transient: If a store does not answer; the next pass carries on.
        """
        is_thorough = is_thorough or (now.weekday(), now.hour) == _THOROUGH
        num_archives = _count(self._newest(UPLOADS).items(), lambda entry: self._drop_archive(*entry, now))
        num_forgotten = num_records = 0
        due = now - self.retention.artefacts
        since = None if is_thorough else due - _WINDOW
        for page in pages(self.store, END_STATES, updated_before=due, updated_from=since):
            num_forgotten += _count(page.jobs, lambda stored: self.forget(stored, now))
            num_records += _count(page.jobs, lambda stored: self._drop_record(stored.job, now))
        strays = self._newest(JOBS).items() if is_thorough else ()
        expiry = Expiry(
            num_archives=num_archives,
            num_forgotten=num_forgotten,
            num_strays=_count(strays, lambda entry: self._drop_stray(*entry, now)),
            num_records=num_records,
        )
        if expiry != Expiry():
            _log.info("deleted what was kept for long enough", extra={"expiry": to_json(expiry)})
        return expiry

    def _newest(self, folder: str) -> dict[str, datetime]:
        """Return when something was written last, by id of the job, for all that lies in one of the two folders."""
        newest: dict[str, datetime] = {}
        for stored in self.objects.list(folder):
            job_id = job_of_key(stored.key)
            if job_id is not None:
                newest[job_id] = max(stored.updated_at, newest.get(job_id, stored.updated_at))
        return newest

    def _drop_archive(self, job_id: str, written_at: datetime, now: datetime) -> bool:
        try:
            until = self.retention.archive_until(self.store.get(job_id).job)
        except NotFound:
            until = written_at + _STRAY_AFTER
        return until is not None and until <= now and self._delete(folders_of(job_id)[0])

    def forget(self, stored: StoredJob, now: datetime) -> bool:
        """Delete the files of a job and what it says of the person; what still owes a mail is left.

        Args:
            stored: As read just now.
            now: The present moment.

        Returns:
            Whether anything was deleted.

        Raises:
            Conflict: If the job changed meanwhile.
        """
        job = stored.job
        if job.forgotten_at is not None or job.is_open:
            return False
        for folder in folders_of(job.job_id):
            self._delete(folder)
        self.heartbeats.delete(job.job_id)
        self.store.replace(stored, forgotten(job, now))
        return True

    def _drop_record(self, job: Job, now: datetime) -> bool:
        """Delete what is left of a job that was forgotten; Firestore does so by itself at the same time."""
        if job.forgotten_at is None or now - job.updated_at < KEEP_ENDED:
            return False
        self.store.delete(job.job_id)
        return True

    def _drop_stray(self, job_id: str, written_at: datetime, now: datetime) -> bool:
        """Delete what a worker wrote that did not know that its job had been forgotten, or deleted by an operator."""
        if now - written_at < _STRAY_AFTER:
            return False
        try:
            is_forgotten = self.store.get(job_id).job.forgotten_at is not None
        except NotFound:
            is_forgotten = True
        return is_forgotten and self._delete(job_folder(job_id))

    def _delete(self, folder: str) -> bool:
        """Delete all that lies in a folder; answer whether there was anything."""
        keys = [stored.key for stored in self.objects.list(folder)]
        for key in keys:
            self.objects.delete(key)
        return bool(keys)


def _count(found: Iterable[T], step: Callable[[T], bool]) -> int:
    """Take a step for each of many things, whatever is wrong with one of them; return how many came to something."""
    number = 0
    for each in found:
        try:
            number += step(each)
        except (Conflict, NotFound):
            continue  # somebody is at work on it; the next pass looks again
        except ConvtailorError:
            _log.warning("something that is due could not be deleted now", exc_info=True)
    return number
