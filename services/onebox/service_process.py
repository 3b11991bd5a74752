"""One service as a child process: started, watched, started again when it dies, stopped with all that it started."""

import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from services.onebox.log_file import bound_log, open_log
from shared.errors import UserFault
from shared.process.child_process import ChildProcess, python_module

_USAGE = 2
"""Exit code of a service whose settings make no sense; starting it again cannot help."""
_TAIL_LINES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartRule:
    """When a service that dies is started again.

    Args:
        max_deaths: Deaths in a row, each soon after the start, before it is given up.
        soon_s: A service that lived longer than this has proven that it can.
        first_pause_s: Pause before the second start in such a row; doubles with each.
    """

    max_deaths: int = 5
    soon_s: float = 5.0
    first_pause_s: float = 0.25


class ServiceProcess:
    """Keeps one service running until it is stopped.

    Args:
        name: What it is called in messages.
        environ: Its environment; may be amended between starts.
        log: File that receives its output, appended.
        rule: When it is started again.
        module: What runs; the package of that name below ``services`` by default.
    """

    def __init__(
        self,
        name: str,
        *,
        environ: Mapping[str, str],
        log: Path,
        rule: RestartRule | None = None,
        module: str | None = None,
    ) -> None:
        self.name, self.log = name, log
        self._command = python_module("shared.process.guarded", module or f"services.{name}")
        self.environ = dict(environ)
        self._rule = rule or RestartRule()
        self._process: ChildProcess | None = None
        self._stopping = threading.Event()
        self._fault: UserFault | None = None
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._supervise, name=f"supervise-{name}", daemon=True)

    @property
    def pid(self) -> int | None:
        """Its process, while it has one."""
        process = self._process
        return process.pid if process is not None and process.is_alive else None

    def start(self) -> None:
        """Start it; returns at once."""
        self._thread.start()

    def check(self) -> None:
        """Tell whether it can be relied on, and keep its log small.

        Raises:
            UserFault: ``service_died``, if it was given up; names its log and shows the end of it.
        """
        if self._fault is not None:
            raise self._fault
        bound_log(self.log)

    def ask_to_stop(self) -> None:
        """Ask it to stop in good order and never start it again."""
        with self._lock:
            self._stopping.set()
            if self._process is not None:
                self._process.ask_to_stop()

    def await_end(self, deadline_s: float) -> None:
        """Wait until it has ended, then kill it and all that is left of its group.

        Args:
            deadline_s: On the monotonic clock.
        """
        if not self._thread.ident:
            return
        self._thread.join(max(0.0, deadline_s - time.monotonic()))
        if self._process is not None:
            self._process.kill()
        self._thread.join()

    def _supervise(self) -> None:
        num_deaths = 0
        while True:
            started_s = time.monotonic()
            process = self._spawn()
            if process is None:
                return
            code = process.wait()
            process.end()  # what it had started must not outlive it
            if self._stopping.is_set():
                return
            num_deaths = 1 if time.monotonic() - started_s > self._rule.soon_s else num_deaths + 1
            if code == _USAGE or num_deaths >= self._rule.max_deaths:
                self._fault = self._given_up(code, num_deaths)
                return
            pause_s = 0.0 if num_deaths == 1 else self._rule.first_pause_s * 2 ** (num_deaths - 2)
            self._stopping.wait(pause_s)

    def _spawn(self) -> ChildProcess | None:
        """Start the process, unless it was asked to stop meanwhile."""
        with self._lock, open_log(self.log) as sink:
            if self._stopping.is_set():
                return None
            self._process = ChildProcess(self._command, self.environ, output=sink, errors=sink, leads_group=True)
            return self._process

    def _given_up(self, code: int, num_deaths: int) -> UserFault:
        with self.log.open(encoding="utf-8", errors="replace") as log:
            lines = deque(log, _TAIL_LINES)
        how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
        times = "" if num_deaths == 1 else f", {num_deaths} times in a row"
        return UserFault(
            "service_died",
            f"The {self.name} service {how}{times}.",
            fix=f"Read the end of its log, {self.log}, mend what it names and run the command again.",
            details={"service": self.name, "log": str(self.log), "last_lines": [line.rstrip() for line in lines]},
        )
