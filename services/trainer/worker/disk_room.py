"""The worker's eye on its scratch disk: whether a job fits, how long to wait where none does, what can be removed."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from services.trainer.scratch.disk import HEADROOM_BYTES, DiskUsage, NoRoom, disk_usage, ensure_room
from services.trainer.scratch.need import SMALLEST, Keeping, disk_need
from services.trainer.scratch.promise import promised_to_others
from services.trainer.scratch.workspace import forget_workspace, kept_bytes, kept_jobs, left_at
from shared.errors import ConvtailorError, Fault, NotFound, Unreadable, UserFault
from shared.job.job import Job
from shared.ports.job_store import JobStore

logger = logging.getLogger(__name__)

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 300.0
"""A bus gives a message up after dozens of deliveries: at this pause after hours, and the sweeper then tells anew."""
TIDY_EVERY_S = 3600.0
"""Photographs of a job that was carried on elsewhere are gone from this machine so long after its end."""
LONGEST_KEPT_S = 7 * 86400.0
"""What was left of a job that this version cannot read is removed after this time; a job takes days at most."""
_LOOK_S = 1.0
_NOBODY = ""
"""No job is called so: of what is promised all counts, for who waits has been promised nothing."""


@dataclass(slots=True, kw_only=True)
class DiskRoom:
    """See the module.

    Args:
        scratch: The folder that training fills.
        usage: Tells what the disk has that a path lies on.
        monotonic: Seconds on a clock that nobody sets.
        now: Seconds since 1970, as the times of files are counted.
    """

    scratch: Path
    usage: Callable[[Path], DiskUsage] = disk_usage
    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    _known: dict[str, int] = field(default_factory=dict)
    _num_refusals: int = 0
    _wanted_bytes: int = 0

    @property
    def is_short(self) -> bool:
        """Tell whether the last job that came was handed back for want of room."""
        return self._num_refusals > 0

    def admit(self, job: Job) -> None:
        """Return where a job fits; what it needs at least is judged, what exactly its training process finds out.

        Raises:
            UserFault: ``disk_too_small``, if it never fits.
            NoRoom: If it does not fit now.
        """
        ensure_room(
            self.needed_bytes(job),
            kept_bytes=kept_bytes(self.scratch, job.job_id),
            promised_bytes=promised_to_others(self.scratch, job.job_id),
            usage=self.usage(self.scratch),
        )
        self._num_refusals = 0

    def objection(self, job: Job) -> Fault | None:
        """Return why a job can never fit, or ``None``."""
        try:
            self.admit(job)
        except UserFault as error:
            return error.fault
        except NoRoom:
            pass
        return None

    def needed_bytes(self, job: Job) -> int:
        """Return what a job needs as far as it is known: what its training process found out, or else the least."""
        return self._known.get(job.job_id) or least_need(job)

    def note(self, job_id: str, refusal: NoRoom) -> None:
        """Remember that a job was handed back and what it needs, and raise the alarm."""
        needed_bytes = refusal.needed_bytes
        if needed_bytes is None:  # it ran into the end of the disk: more than it had by then
            needed_bytes = kept_bytes(self.scratch, job_id) + HEADROOM_BYTES
        self._known[job_id] = needed_bytes
        self._wanted_bytes = min(needed_bytes, self._wanted_bytes) if self._num_refusals else needed_bytes
        self._num_refusals += 1
        logger.error("no room on the scratch disk; the job is handed back: %s", refusal, extra={"job_id": job_id})

    def forget(self, job_id: str) -> None:
        """Remove what a job left on the disk, once it has ended."""
        self._known.pop(job_id, None)
        forget_workspace(self.scratch, job_id)

    def leave(self, job_id: str) -> None:
        """Remove what a job left on the disk that is not over: it filled the disk, and others may fit without it."""
        forget_workspace(self.scratch, job_id)

    def wait(self, shutdown: threading.Event) -> None:
        """Wait until a job that was refused would fit, longer with each refusal; a shutdown ends it too."""
        pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(self._num_refusals - 1, 16))
        ends = self.monotonic() + pause_s
        while (left_s := ends - self.monotonic()) > 0 and not shutdown.wait(min(_LOOK_S, left_s)):
            free_bytes = self.usage(self.scratch).free_bytes - promised_to_others(self.scratch, _NOBODY)
            if free_bytes >= self._wanted_bytes + HEADROOM_BYTES:
                return

    def keep_tidy(self, store: JobStore, stop: threading.Event) -> None:
        """Tidy once an hour until told to stop; on a machine that is busy for days, and on one that idles for days.

        Args:
            store: See :meth:`tidy`.
            stop: Ends it.
        """
        while not stop.wait(TIDY_EVERY_S):
            self.tidy(store)

    def tidy(self, store: JobStore, *, thoroughly: bool = False) -> None:
        """Remove what workers that were killed, or lost their job to another machine, left behind.

        Args:
            store: Knows which jobs have ended.
            thoroughly: Also what the next attempt at an unfinished job could take over. What a training process is at
                work on stays in any case.
        """
        for job_id in kept_jobs(self.scratch):
            try:
                is_wanted = not thoroughly and not store.get(job_id).job.is_ended
            except NotFound:
                is_wanted = False
            except Unreadable:  # whether it has ended nobody can tell
                is_wanted = self.now() - left_at(self.scratch, job_id) < LONGEST_KEPT_S
            except ConvtailorError:
                is_wanted = True
            if not is_wanted and forget_workspace(self.scratch, job_id):
                logger.info("removed what was left of a job", extra={"job_id": job_id})


def least_need(job: Job) -> int:
    """Return what a job needs at least, in bytes: with the smallest candidate alone and as little kept as can be."""
    if job.archive is None:
        return 0
    archive = job.archive
    return disk_need(
        num_images=archive.num_images,
        archive_bytes=archive.size_bytes,
        candidates=[SMALLEST],
        keeping=Keeping().sparingly()[-1],
    ).total
