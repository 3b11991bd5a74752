"""Where the services of a single run live: a hidden folder beside its results, gone when the run is."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from services.onebox.services import LOGS, SERVICE_FAULTS, Onebox
from services.onebox.stores import end_unfinished, served_alone
from shared.errors import UserFault
from shared.process.held_folder import make_held, remove_unheld

_STOP_WITHIN_S = 0.1  # everything was delivered by then
_PREFIX = ".convtailor-run-"


_OF_SERVERS = frozenset(
    {
        "CONVTAILOR_PUBLIC_URL",
        "CONVTAILOR_REQUIRE_KEY",
        "CONVTAILOR_CONFIRM_ADDRESSES",
        "CONVTAILOR_JOBS_PER_NETWORK_HOUR",
        "CONVTAILOR_JOBS_PER_ADDRESS_DAY",
        "CONVTAILOR_BYTES_PER_NETWORK_DAY",
        "CONVTAILOR_MAX_JOBS",
        "CONVTAILOR_IDLE_EXIT_S",
        "CONVTAILOR_MAILER",
    }
)
"""Variables that say who may submit what to a server that stays, and how people far away hear of it."""


@contextmanager
def started_services(
    out: Path, environ: Mapping[str, str], *, keep: Path | None = None, is_made: bool = False
) -> Iterator[Onebox]:
    """Start the services for one run; they and their folder end with the block.

    Args:
        out: Folder for the results, made where it is missing; on its disk there is room for them.
        environ: What the services take over.
        keep: Folder for logs, stores and mails, kept afterwards, that no other run or server has; ``None``: a hidden
            one in ``out``, removed, of which the logs stay until the next run where a service died and they are wanted.
        is_made: Whether ``out`` was made for this run, so that it goes again where nothing comes into it.
    """
    is_new = is_made or not out.exists()
    out.mkdir(parents=True, exist_ok=True)
    try:
        with (
            _folder(out, keep) as folder,
            Onebox(folder, settings_of_run(out, folder, environ), stop_within_s=_STOP_WITHIN_S) as box,
        ):
            yield box
    finally:
        if is_new and not any(out.iterdir()):
            out.rmdir()


@contextmanager
def _folder(out: Path, keep: Path | None) -> Iterator[Path]:
    """Give the services their folder; what an earlier run that was killed left of its kind is removed."""
    if keep is not None:
        with served_alone(keep):
            end_unfinished(keep)
            yield keep
        return
    folder, descriptor = make_held(out, _PREFIX)
    keeps_logs = False
    try:
        yield folder
    except UserFault as error:
        keeps_logs = error.fault.code in SERVICE_FAULTS
        raise
    finally:
        os.close(descriptor)
        if keeps_logs:
            _remove_but_logs(folder)
        else:
            remove_unheld(folder)


def remove_left(out: Path) -> None:
    """Remove what a run that was killed left of its services in its folder for results, unless it still goes on."""
    for left in out.glob(f"{_PREFIX}*"):
        remove_unheld(left)


def _remove_but_logs(folder: Path) -> None:
    for path in folder.iterdir():
        if path.name != LOGS and path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != LOGS:
            path.unlink(missing_ok=True)


def settings_of_run(out: Path, folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of the services of one run: the person's, less those that are meant for a server that stays.

    Args:
        out: Folder for the results.
        folder: Of the services.
        environ: The person's.
    """
    kept = {name: value for name, value in environ.items() if name not in _OF_SERVERS}
    return {
        "CONVTAILOR_SCRATCH_DIR": str(folder.resolve() / "scratch"),
        "CONVTAILOR_WAIT_FOR_DISK": "false",  # nobody who waits for one run makes room meanwhile without being told
        **kept,
        "CONVTAILOR_OUTBOX_DIR": str(folder.resolve() / "outbox"),
        "CONVTAILOR_DELIVERY_DIR": str(out.resolve()),
    }
