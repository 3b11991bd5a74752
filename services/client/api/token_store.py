"""Remembers the token of every job that was submitted from here, so that nobody has to copy one."""

import errno
import json
import os
import re
import tempfile
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

from services.client.fault import UsageFault

_SAFE_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownJob:
    """A job submitted from this account.

    Args:
        job_id: Its identifier.
        server: URL of the server that has it.
        token: Proves that the job is ours.
    """

    job_id: str
    server: str
    token: str


class TokenStore:
    """One file per job, readable by its owner alone.

    Args:
        folder: Where the files lie; made, closed to others, on the first write.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def remember(self, job: KnownJob) -> None:
        """Keep a job: temporary file, flush, rename.

        Raises:
            OSError: If that cannot be written, as where the account has no home.
        """
        if not self._folder.is_absolute():  # a "~" that stands for nobody's home
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self._folder))
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, name = tempfile.mkstemp(dir=self._folder, prefix=".new-")  # mkstemp creates with mode 0600
        with os.fdopen(descriptor, "w", encoding="utf-8") as sink:
            json.dump(asdict(job), sink)
            sink.flush()
            os.fsync(sink.fileno())
        Path(name).replace(self._file(job.job_id))

    def recall(self, job_id: str | None) -> KnownJob | None:
        """Return a job by its id, or the one submitted last for ``None``; ``None`` where nothing is known."""
        file = self._file(job_id) if job_id is not None else self._latest()
        if file is None or not file.is_file():
            return None
        try:
            return KnownJob(**json.loads(file.read_text(encoding="utf-8")))
        except (ValueError, TypeError) as error:
            raise UsageFault(
                "token_file_damaged",
                f"The remembered job in {file} cannot be read: {error}.",
                fix=f"Delete {file} and give --server and --token.",
                details={"path": str(file)},
            ) from error

    def recall_latest(self, most: int, *, server: str | None = None) -> list[KnownJob]:
        """Return the jobs that were submitted last, the latest first.

        Args:
            most: How many at most.
            server: Only those of this server, if it is given.

        Raises:
            UsageFault: If one of them cannot be read.
        """
        jobs = (self.recall(file.stem) for file in self._files())
        wanted = (job for job in jobs if job is not None and server in (None, job.server))
        return list(islice(wanted, most))

    def _latest(self) -> Path | None:
        return next(iter(self._files()), None)

    def _files(self) -> list[Path]:
        """Return the files of all jobs, the latest first."""
        files = self._folder.glob("*.json") if self._folder.is_dir() else ()
        return sorted(files, key=lambda file: file.stat().st_mtime_ns, reverse=True)

    def _file(self, job_id: str) -> Path:
        """Return the file of a job; an id that could leave the folder is refused."""
        if not _SAFE_ID.fullmatch(job_id):
            raise UsageFault(
                "invalid_job_id",
                f"{job_id!r} is no job id.",
                fix="Copy the id that `convtailor submit` printed.",
                details={"job_id": job_id},
            )
        return self._folder / f"{job_id}.json"
