"""The stores of a service, opened by an operator's command beside it; what is wrong is told as for anything typed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from services.client.fault import Unreachable, UsageFault
from shared.backends import Backends, open_backends
from shared.clock import Clock, utc_now
from shared.errors import ConvtailorError, Transient
from shared.job.job import JobState, advance
from shared.ports.job_store import pages
from shared.process.held_folder import hold_alone
from shared.settings import InvalidSettings, Settings

_CLOCKS_DIFFER_BY = timedelta(days=1)


def opened(settings: Settings) -> Backends:
    """Open the back-ends.

    Raises:
        UsageFault: If they are not described, or there is no such folder.
        Unreachable: If they cannot be opened now.
    """
    if settings.backend == "embedded" and not settings.data_dir.is_dir():
        raise UsageFault(
            "data_missing",
            f"There is no folder {settings.data_dir} with the data of a service.",
            fix="Name it with --data, or set CONVTAILOR_BACKEND and the variables beside it.",
            details={"folder": str(settings.data_dir)},
        )
    try:
        return open_backends(settings)
    except InvalidSettings as error:
        raise invalid(error) from error
    except Transient as error:
        raise Unreachable(f"The stores cannot be opened: {error}", fix="Run it again.") from error
    except ConvtailorError as error:
        raise _unusable(settings.data_dir, error) from error


@contextmanager
def served_alone(folder: Path) -> Iterator[None]:
    """Keep a data folder to one server, and see that what an earlier one left in it can be read.

    Two of them would do each other's work: each mails links that lead to itself, and stops in the middle of jobs.

    Raises:
        UsageFault: ``data_in_use`` or ``data_unusable``.
        OSError: If the folder cannot be made or opened.
    """
    try:
        descriptor = hold_alone(folder)
    except BlockingIOError as error:
        raise UsageFault(
            "data_in_use",
            f"Another convtailor serves the folder {folder}.",
            fix="Stop that one first, or name another folder.",
            details={"folder": str(folder)},
        ) from error
    try:
        if any(folder.glob("*.sqlite3")):
            _check_readable(folder)
        yield
    finally:
        os.close(descriptor)


def end_unfinished(folder: Path, *, clock: Clock = utc_now) -> None:
    """Cancel the jobs that an interrupted run left, which a trainer would take up before the one that is wanted now.

    Args:
        folder: Of the stores, which nobody else serves.
        clock: Tells the time.
    """
    if not any(folder.glob("*.sqlite3")):
        return
    store, now = open_backends(Settings(data_dir=folder)).job_store, clock()
    states = (JobState.AWAITING_UPLOAD, JobState.QUEUED, JobState.TRAINING)
    left = [stored for page in pages(store, states, updated_before=now + _CLOCKS_DIFFER_BY) for stored in page.jobs]
    for stored in left:
        store.replace(stored, advance(stored.job, JobState.CANCELLED, now, cancel_requested_at=now))


def _check_readable(folder: Path) -> None:
    try:
        open_backends(Settings(data_dir=folder))
    except ConvtailorError as error:
        raise _unusable(folder, error) from error


def _unusable(folder: Path, error: ConvtailorError) -> UsageFault:
    return UsageFault(
        "data_unusable",
        f"What lies in {folder} cannot be used: {error}.",
        fix="A damaged file comes back from a backup of the folder; a newer one needs the convtailor that wrote it; "
        "or name another folder.",
        details={"folder": str(folder)},
    )


def invalid(error: InvalidSettings) -> UsageFault:
    """Return what is said of an environment that makes no sense."""
    return UsageFault("settings_invalid", str(error), fix="Set the CONVTAILOR_ variables as for the services.")
