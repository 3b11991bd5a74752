"""A run of pipeline steps outside any service: no progress, no stop, a ledger that forgets."""

import time
from pathlib import Path
from typing import Self

from services.trainer.run.context import LedgerEntry, Run
from services.trainer.run.deadline import Countdown, Deadline
from services.trainer.run.identity import Facts


class ForgetfulLedger:
    """A ledger without memory, so that every measurement does all of its work."""

    def of(self, facts: Facts) -> Self:  # noqa: ARG002 - the port's signature
        """Return itself."""
        return self

    def find(self, name: str) -> LedgerEntry | None:  # noqa: ARG002 - the port's signature
        """Find nothing."""
        return None

    def record(self, entry: LedgerEntry) -> None:
        """Keep nothing."""


def scratch_run(directory: Path, *, seed: int = 0) -> Run:
    """Return a run with an hour of budget in a folder."""
    return Run(
        directory=directory,
        seed=seed,
        report=lambda _progress: None,
        stop_reason=lambda: None,
        countdown=Countdown(deadline=Deadline(started=time.monotonic(), seconds_left=3600.0), monotonic=time.monotonic),
        ledger=ForgetfulLedger(),
    )
