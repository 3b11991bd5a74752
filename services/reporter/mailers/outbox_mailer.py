"""Mail as ``.eml`` files in a folder, for one machine without a mail server; every mail program opens them."""

import contextlib
import os
import re
import tempfile
from datetime import timedelta
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.policy import SMTP, SMTPUTF8
from pathlib import Path

from shared.clock import Clock, utc_now
from shared.errors import Transient

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
_LONGEST_STEM = 150


class OutboxMailer:
    """Writes each message to ``<local part of its Message-ID>.eml``, so that a repeat replaces and never doubles.

    Messages hold thumbnails and an address, so they are kept no longer than what they link to.

    Args:
        folder: Made where it is missing.
        keep: How long messages are kept; ``None``: for ever.
        clock: Tells the time.
    """

    def __init__(self, folder: Path, *, keep: timedelta | None = None, clock: Clock = utc_now) -> None:
        self._folder = folder
        self._keep = keep
        self._clock = clock
        self._remove_old()

    def send(self, message: EmailMessage) -> None:
        """Write the message; see :class:`services.reporter.mailers.mailer.Mailer`."""
        policy = SMTP if str(message["To"]).isascii() else SMTPUTF8
        target = self._folder / file_name(str(message["Message-ID"]))
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(target, message.as_bytes(policy=policy))
        except OSError as error:
            raise Transient(f"the mail could not be written to {target}: {error}") from error
        self._remove_old()

    def _remove_old(self) -> None:
        """Remove messages of ours that were kept for long enough; another program's are left alone."""
        if self._keep is None:
            return
        eldest = (self._clock() - self._keep).timestamp()
        for path in self._folder.glob("*.eml"):
            with contextlib.suppress(OSError):
                if path.stat().st_mtime < eldest and _job_of(path) is not None:
                    path.unlink()


def forget_messages(folder: Path, job_id: str) -> int:
    """Remove the messages of a job from an outbox, and return how many there were."""
    found = [path for path in folder.glob("*.eml") if _job_of(path) == job_id]
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)


def _job_of(path: Path) -> str | None:
    """Return the job that a message of ours is about; ``None`` for another program's, or where it is gone."""
    try:
        with path.open("rb") as file:
            job_id = BytesHeaderParser().parse(file)["X-Job-Id"]
    except OSError:
        return None
    return None if job_id is None else str(job_id).strip()


def file_name(message_id: str) -> str:
    """Return the name of the file of a message, safe on every file system."""
    stem = _UNSAFE.sub("_", message_id.strip("<> ").rpartition("@")[0])[:_LONGEST_STEM].lstrip(".")
    return f"{stem or 'mail'}.eml"


def _write(target: Path, data: bytes) -> None:
    """Write durably and in one step: a reader sees the whole file or none."""
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(target)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise
