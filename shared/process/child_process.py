"""The starter's end of a child: a program of ours that is started at once and ends when we do, however we end."""

import os
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

import shared

PIPE = subprocess.PIPE
"""Lets the starter read what the program writes."""
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""Environment of a program in which numpy computes without threads of its own: they would claim memory each, and the
cores that the program's own threads are to have."""


class ChildProcess:
    """A program whose standard input is a pipe that we alone hold: it ends when we do, and so the program learns of it.

    That works on every system, whatever kills us. The program's end of it is :mod:`shared.process.parent_death`.
    """

    def __init__(
        self,
        command: Sequence[str],
        environ: Mapping[str, str],
        *,
        output: IO[bytes] | int | None = None,
        errors: IO[bytes] | None = None,
        leads_group: bool = False,
    ) -> None:
        """Start the command.

        Args:
            command: See :func:`python_module`.
            environ: Its environment; where to find this code is added.
            output: Takes its standard output; ours unless given.
            errors: Takes its standard error; ours unless given.
            leads_group: Whether it leads a process group of its own, all of which is killed with it.

        Raises:
            OSError: If it cannot be started.
        """
        self._leads_group = leads_group
        self._popen = subprocess.Popen(  # noqa: S603 - the command is this package's own
            list(command),
            env={**environ, **_import_path(environ)},
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=errors,
            start_new_session=leads_group,
        )

    @property
    def pid(self) -> int:
        """Its number."""
        return self._popen.pid

    @property
    def is_alive(self) -> bool:
        """Tell whether it still runs."""
        return self._popen.poll() is None

    def wait(self) -> int:
        """Wait for its end and return its exit status; negative: the number of the signal that killed it."""
        return self._popen.wait()

    def ask_to_stop(self) -> None:
        """Ask it to stop in good order."""
        if self.is_alive:
            self._popen.terminate()

    def end(self, patience_s: float = 0.0) -> None:
        """Make sure that it is gone: close its input, which it takes for our end, wait, then kill."""
        with suppress(OSError):
            if self._popen.stdin is not None:
                self._popen.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(timeout=patience_s)
        self.kill()
        self._popen.wait()

    def kill(self) -> None:
        """Kill it, and what is left of the group that it led."""
        if not self._leads_group:
            self._popen.kill()
            return
        with suppress(ProcessLookupError, PermissionError):  # macOS answers the second for a group of zombies
            os.killpg(self.pid, signal.SIGKILL)


def python_module(module: str, *arguments: str) -> tuple[str, ...]:
    """Return the command that runs a module of ours with this interpreter.

    The folder that a person happens to be in, which may hold a ``services`` of its own, stays off the import path.
    """
    return (sys.executable, "-P", "-m", module, *arguments)


def _import_path(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variable by which a child finds this code where it runs from a checkout that is not installed."""
    root = Path(shared.__file__ or "").resolve().parents[1]
    if root in {Path(sysconfig.get_path(kind)).resolve() for kind in ("purelib", "platlib")}:
        return {}
    known = environ.get("PYTHONPATH")
    return {"PYTHONPATH": os.pathsep.join([str(root), *([known] if known else [])])}
