"""What can go wrong for a person at the terminal, and the exit code that tells a script.

::

    UserFault             exit 1: the job was rejected, failed or was cancelled
    ├── UsageFault        exit 2: what was typed cannot be used
    └── Interrupted       exit 130: Ctrl-C
    Unreachable           exit 3: the server does not answer
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from shared.errors import ConvtailorError, Fault, Transient, UserFault


class ExitCode(IntEnum):
    """What the shell sees."""

    DONE = 0
    JOB_FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    INTERRUPTED = 130
    TERMINATED = 143


class UsageFault(UserFault):
    """An argument, an option or a file named on the command line cannot be used."""


class Interrupted(UserFault):
    """The person pressed Ctrl-C."""


class Unreachable(Transient):
    """The server did not answer, or answered that it cannot now."""

    def __init__(self, message: str, *, fix: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.fault = Fault(code="unreachable", message=message, fix=fix, details=details or {})


_EXIT_CODES: tuple[tuple[type[ConvtailorError], ExitCode], ...] = (
    (UsageFault, ExitCode.USAGE),
    (Interrupted, ExitCode.INTERRUPTED),
    (UserFault, ExitCode.JOB_FAILED),
    (Unreachable, ExitCode.UNREACHABLE),
)


def exit_code_of(error: ConvtailorError) -> ExitCode:
    """Return the exit code of an error; what is in no row counts as a failed job."""
    return next((code for kind, code in _EXIT_CODES if isinstance(error, kind)), ExitCode.JOB_FAILED)


def fault_of(error: ConvtailorError) -> Fault:
    """Return what to tell about an error."""
    fault = getattr(error, "fault", None)
    if isinstance(fault, Fault):
        return fault
    return Fault(code="internal_error", message=str(error), fix="Run it again; if it stays, report it with this text.")
