"""The services on one machine: started together, supervised, stopped together."""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from services.client.fault import UsageFault
from services.onebox.service_process import RestartRule, ServiceProcess
from services.trainer.scratch.workspace import TEMPORARY
from shared.adapters.embedded.private_folder import make_private
from shared.errors import UserFault
from shared.process.held_folder import make_held, remove_unheld
from shared.text.printable import printable_name

_READY_WITHIN_S = 60.0
SERVICE_FAULTS = frozenset({"service_died", "service_slow"})
"""Codes of faults that the services' logs explain."""
LOGS = "logs"
"""Name of the folder for the services' logs."""
_LOOK_EVERY_S = 0.02
_THREADS = "CONVTAILOR_THREADS"
_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_QUICK_LEASES = {"CONVTAILOR_TRAINER_LEASE_S": "10", "CONVTAILOR_REPORTER_LEASE_S": "10"}
"""On one machine a service that died is noticed at once, so nobody has to wait half a minute for its lease to end."""


class Onebox:
    """Intake, trainer and reporter as child processes over embedded back-ends.

    Args:
        data_dir: Folder of the back-ends, the logs and the mails; made where it is missing.
        environ: What the services take over; settings that this class decides are added.
        host: Address that intake listens at.
        port: Port that it listens at; 0 picks a free one, which then stays for all restarts.
        stop_within_s: Time to stop in good order; then they are killed, which loses nothing that was accepted.
        rule: When a service that dies is started again.
        trainer: Module that runs as the trainer.
        num_trainers: Jobs trained at a time, each by a process of its own; the cores are divided among them, unless
            ``environ`` says how many threads each may use.
    """

    def __init__(
        self,
        data_dir: Path,
        environ: Mapping[str, str],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        stop_within_s: float = 5.0,
        rule: RestartRule | None = None,
        trainer: str = "services.trainer",
        num_trainers: int = 1,
    ) -> None:
        self.data_dir = _nameable(data_dir.resolve())
        self._stop_within_s = stop_within_s
        self._ready_file = self.data_dir / "ready.json"
        self._scratch = Path(environ.get("CONVTAILOR_SCRATCH_DIR") or self.data_dir / "scratch").resolve()
        self._temporary: Path | None = None
        self._held = -1
        base = {
            **({} if environ.get("CONVTAILOR_LEASE_S") else _QUICK_LEASES),  # the one name that both had before
            **environ,
            "CONVTAILOR_BACKEND": "embedded",
            "CONVTAILOR_DATA_DIR": str(self.data_dir),
            "PORT": "",  # meant for another program; the services would heed it
        }
        listening = {
            "CONVTAILOR_HOST": host,
            "CONVTAILOR_PORT": str(port),
            "CONVTAILOR_READY_FILE": str(self._ready_file),
        }
        self._intake = self._service("intake", {**base, **listening}, rule)
        divided = base if num_trainers == 1 or environ.get(_THREADS) else {**base, _THREADS: _threads(num_trainers)}
        self._trainers = [self._service("trainer", divided, rule, trainer)]
        self._trainers += [
            self._service("trainer", divided, rule, trainer, log=f"trainer-{number}")
            for number in range(2, num_trainers + 1)
        ]
        self._reporter = self._service("reporter", base, rule)
        self.url = ""
        self.public_url = ""

    @property
    def services(self) -> tuple[ServiceProcess, ...]:
        """All of them, in the order in which they are stopped: who takes work in goes first."""
        return self._intake, *self._trainers, self._reporter

    def __enter__(self) -> Self:
        """Start the services."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the services."""
        self.stop()

    def start(self) -> None:
        """Start intake and trainer; returns at once, so that the caller's own work hides their imports."""
        make_private(self.data_dir)
        self._open_temporary_folder()
        (self.data_dir / LOGS).mkdir(mode=0o700, exist_ok=True)
        self._ready_file.unlink(missing_ok=True)
        for trainer in self._trainers:  # first: their imports take longest
            trainer.start()
        self._intake.start()

    def wait_ready(self, *, within_s: float = _READY_WITHIN_S) -> str:
        """Return the URL at which this machine reaches intake, once it serves.

        ``public_url`` is then the one for others. The reporter is started too, whose links begin with that.

        Raises:
            UserFault: If a service died or intake does not serve in time.
        """
        deadline_s = time.monotonic() + within_s
        while not self._ready_file.exists():
            self.check()
            if time.monotonic() > deadline_s:
                raise UserFault(
                    "service_slow",
                    f"The intake service does not answer after {within_s:.0f} s.",
                    fix=f"Read its log, {self._intake.log}, and run the command again.",
                    details={"log": str(self._intake.log)},
                )
            time.sleep(_LOOK_EVERY_S)
        ready = json.loads(self._ready_file.read_text(encoding="utf-8"))
        self.url, self.public_url = str(ready["url"]), str(ready["public_url"])
        # A restarted intake must answer at the address that people and signed URLs already have.
        self._intake.environ["CONVTAILOR_PORT"] = str(urlsplit(self.url).port)
        self._reporter.environ["CONVTAILOR_PUBLIC_URL"] = self.public_url
        self._reporter.start()
        return self.url

    def check(self) -> None:
        """Tell whether the services can be relied on.

        Raises:
            UserFault: If one of them was given up.
        """
        for service in self.services:
            service.check()

    def wait(self, seconds: float) -> None:
        """Let time pass while the services are well.

        Raises:
            UserFault: If one of them was given up.
        """
        self.check()
        time.sleep(seconds)

    def stop(self) -> None:
        """Ask all services to stop, then make sure of it; nothing they started is left."""
        with _undisturbed():
            deadline_s = time.monotonic() + self._stop_within_s
            for service in self.services:
                service.ask_to_stop()
            for service in self.services:
                service.await_end(deadline_s)
            self._close_temporary_folder()

    def _open_temporary_folder(self) -> None:
        """Have what libraries leave behind in services that are killed lie where it goes with us, however we end."""
        try:
            self._temporary, self._held = make_held(self._scratch, TEMPORARY)
        except OSError:  # the trainer will say what is wrong with it; till then the system's own folder has to do
            return
        for service in self.services:
            service.environ["TMPDIR"] = str(self._temporary)

    def _close_temporary_folder(self) -> None:
        if self._temporary is not None:
            os.close(self._held)
            remove_unheld(self._temporary)
            self._temporary = None

    def _service(
        self,
        name: str,
        environ: Mapping[str, str],
        rule: RestartRule | None,
        module: str | None = None,
        *,
        log: str | None = None,
    ) -> ServiceProcess:
        path = self.data_dir / LOGS / f"{log or name}.log"
        return ServiceProcess(name, environ=environ, log=path, rule=rule, module=module)


def _nameable(folder: Path) -> Path:
    """Return a folder that TensorFlow can open files in, which takes names in UTF-8 alone.

    Raises:
        UsageFault: ``file_error``.
    """
    try:
        str(folder).encode()
    except UnicodeEncodeError as error:
        name = printable_name(str(folder))
        raise UsageFault(
            "file_error",
            f"No network can be trained in {name}: that is no name in UTF-8.",
            fix="Choose another folder for what is written, or rename that one.",
            details={"path": name},
        ) from error
    return folder


def _threads(num_trainers: int) -> str:
    return str(max(1, (os.cpu_count() or 1) // num_trainers))


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Put Ctrl-C, SIGTERM and a terminal's end off while the services stop, which takes seconds at most."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    known = {number: signal.signal(number, signal.SIG_IGN) for number in _ENDINGS}
    try:
        yield
    finally:
        for number, handler in known.items():
            signal.signal(number, handler)
