"""The services of the soak: those of one machine, a second trainer, and a mail server that counts."""

import email
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.policy import default as default_policy
from pathlib import Path

import psutil
from aiosmtpd.controller import Controller

from benchmarks.soak.diary import Diary
from services.onebox.service_process import RestartRule
from services.onebox.services import Onebox

LEASE_S = 4.0
SWEEP_PATIENCE_S = 5.0
MARK = "SOAK_RUN"
"""Variable by which every process of this soak is known, orphans too."""
_MODULES = {
    "services.intake": "intake",
    "services.reporter": "reporter",
    "services.trainer": "trainer",
    "services.trainer.training.process": "training",
    "services.trainer.export.verify": "verifier",
}
_PATIENT = RestartRule(max_deaths=1000, first_pause_s=0.05)


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One process of the services.

    Args:
        kind: Which program it is.
        process: Itself.
    """

    kind: str
    process: psutil.Process


class _Counter:
    """Takes every mail, and notes whose it is."""

    def __init__(self, diary: Diary) -> None:
        self._diary = diary
        self.is_refusing = False

    async def handle_DATA(self, _server: object, _session: object, envelope: object) -> str:  # noqa: N802 - aiosmtpd's
        if self.is_refusing:
            return "451 come again"
        message = email.message_from_bytes(envelope.content, policy=default_policy)  # type: ignore[attr-defined]
        self._diary.note_mail(str(message["X-Job-Id"]))
        return "250 OK"


@dataclass(slots=True, kw_only=True)
class House:
    """What runs.

    Args:
        box: Intake, trainers, reporter.
        mail: The mail server's handler.
        run: Value of :data:`MARK`.
    """

    box: Onebox
    mail: _Counter
    run: str

    def processes(self) -> list[Process]:
        """Return every process of ours that is alive, whoever its parent is by now."""
        found = []
        for process in psutil.process_iter():
            kind = self._kind(process)
            if kind is not None:
                found.append(Process(kind=kind, process=process))
        return found

    def _kind(self, process: psutil.Process) -> str | None:
        try:
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                return None
            if process.environ().get(MARK) != self.run:
                return None
            words = process.cmdline()
        except (psutil.Error, OSError):
            return None
        return next((_MODULES[word] for word in reversed(words) if word in _MODULES), "other")


@contextmanager
def open_house(data: Path, scratch: Path, tmp: Path, diary: Diary, *, run: str, num_trainers: int) -> Iterator[House]:
    """Start everything, and stop it in good order at the end."""
    handler = _Counter(diary)
    controller = Controller(handler, hostname="127.0.0.1", port=_free_port())
    controller.start()
    try:
        environ = _environ(data, scratch, tmp, run=run, smtp_port=controller.port)
        with Onebox(data, environ, rule=_PATIENT, num_trainers=num_trainers) as box:
            box.wait_ready()
            yield House(box=box, mail=handler, run=run)
    finally:
        controller.stop()


def _environ(data: Path, scratch: Path, tmp: Path, *, run: str, smtp_port: int) -> Mapping[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CONVTAILOR_")}
    return {
        **kept,
        MARK: run,
        "TMPDIR": str(tmp),
        "KERAS_HOME": str(data / "keras"),
        "CONVTAILOR_SCRATCH_DIR": str(scratch),
        "CONVTAILOR_DOWNLOAD": "false",
        "CONVTAILOR_TRAINER_LEASE_S": str(LEASE_S),
        "CONVTAILOR_REPORTER_LEASE_S": str(LEASE_S),
        "CONVTAILOR_SWEEP_PATIENCE_S": str(SWEEP_PATIENCE_S),
        # Deaths are what the soak makes by the dozen; a job must outlive them here to show that nothing is lost.
        "CONVTAILOR_MAX_ATTEMPTS": "1000",
        "CONVTAILOR_THREADS": "1",
        "CONVTAILOR_MAILER": "smtp",
        "CONVTAILOR_SMTP_HOST": "127.0.0.1",
        "CONVTAILOR_SMTP_PORT": str(smtp_port),
        "CONVTAILOR_SMTP_SECURITY": "none",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
