"""What operators do to anybody's job: have it tried again, stop it, forget it; each leaves a line in the log."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial

from services.intake.operation.retry import RetryKind, not_retried, retried, retry_kind
from services.intake.submission import cancel, delete, look_up_unopened
from shared.access.api_key import ApiKey
from shared.clock import Clock
from shared.errors import Conflict, ConvtailorError, NotFound, UserFault
from shared.job.events import announcement
from shared.job.job import Archive, Job
from shared.job.retention import Retention
from shared.messaging.outbox import publish_pending
from shared.ports.event_bus import EventBus
from shared.ports.job_store import JobStore, StoredJob
from shared.ports.object_store import ObjectStore

_TRIES = 5
_log = logging.getLogger(__name__)


class Action(StrEnum):
    """What may be done."""

    RETRY = "retry"
    CANCEL = "cancel"
    FORGET = "forget"


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorActions:
    """Acts on jobs, and may touch.

    Args:
        store: Jobs.
        objects: Their photographs.
        bus: Takes the news.
        clock: Tells the time.
        retention: How long photographs are kept; without them nothing can be trained again.
        forget: Deletes what a job left.
    """

    store: JobStore
    objects: ObjectStore
    bus: EventBus
    clock: Clock
    retention: Retention
    forget: Callable[[StoredJob, datetime], bool]

    def act(self, action: Action, job_id: str, key: ApiKey) -> Job:
        """Do something to a job, and log who did.

        Args:
            action: What.
            job_id: To which job.
            key: Of the operator.

        Raises:
            UserFault: ``job_not_found``; ``job_not_ended`` or ``nothing_to_retry`` of a retry; ``job_already_ended`` of
                a stop; ``job_not_ended`` where something is to be forgotten.
            Conflict: If the job changed again and again meanwhile.
            Transient: If a back-end does not answer.
        """
        opened = partial(look_up_unopened, job_id, store=self.store)
        try:
            if action is Action.RETRY:
                job, outcome = self._retry(opened)
            elif action is Action.CANCEL:
                job = cancel(opened, store=self.store, objects=self.objects, bus=self.bus, clock=self.clock)
                outcome = job.state.value
            else:
                job, outcome = delete(opened, store=self.store, forget=self.forget, clock=self.clock), "forgotten"
        except ConvtailorError as error:
            code = error.fault.code if isinstance(error, UserFault) else type(error).__name__
            _tell(action, job_id, key, f"refused: {code}")
            raise
        _tell(action, job_id, key, outcome)
        return job

    def _retry(self, opened: Callable[[], StoredJob]) -> tuple[Job, str]:
        """Have a job tried again; return it, and what is done anew.

        One compare-and-set decides between several that ask at once: the second finds a job that goes on.
        """
        for _ in range(_TRIES):
            stored = opened()
            kind = self._kind_of(stored.job)
            if kind is None:
                raise not_retried(stored.job)
            job = retried(stored.job, kind, self.clock())
            try:
                written = self.store.replace(stored, job, announcement(job, self.clock())).job
            except Conflict:
                continue
            publish_pending(self.store, self.bus)
            return written, kind.value
        raise Conflict(f"job {stored.job.job_id} changed {_TRIES} times while it was being retried")

    def _kind_of(self, job: Job) -> RetryKind | None:
        kind = retry_kind(job, self.retention, self.clock())
        if kind is RetryKind.TRAIN and not self._lies(job.archive):
            return RetryKind.MAIL if job.mail_fault is not None else None
        return kind

    def _lies(self, archive: Archive | None) -> bool:
        """Tell whether the photographs of a job lie where they were, and are those that it was queued with."""
        try:
            return archive is not None and self.objects.stat(archive.object_key).generation == archive.generation
        except NotFound:
            return False


def _tell(action: Action, job_id: str, key: ApiKey, outcome: str) -> None:
    line = {"action": action.value, "job_id": job_id, "key_id": key.key_id, "outcome": outcome}
    _log.info("an operator acted", extra=line)
