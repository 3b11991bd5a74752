"""Mail as ``.eml`` files in a folder, for one machine without a mail server; every mail program opens them."""

import os
import re
import tempfile
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from pathlib import Path

from shared.errors import Transient

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
_LONGEST_STEM = 150


class OutboxMailer:
    """Writes each message to ``<local part of its Message-ID>.eml``, so that a repeat replaces and never doubles.

    Args:
        folder: Made where it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, message: EmailMessage) -> None:
        """Write the message; see :class:`services.reporter.mailers.mailer.Mailer`."""
        policy = SMTP if str(message["To"]).isascii() else SMTPUTF8
        target = self._folder / file_name(str(message["Message-ID"]))
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(target, message.as_bytes(policy=policy))
        except OSError as error:
            raise Transient(f"the mail could not be written to {target}: {error}") from error


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
