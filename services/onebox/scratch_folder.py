"""Where the services of a single run live: a hidden folder beside its results, gone when the run is."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from services.onebox.services import LOGS, SERVICE_FAULTS, Onebox
from shared.errors import UserFault
from shared.process.held_folder import make_held, remove_unheld

_STOP_WITHIN_S = 0.1  # everything was delivered by then
_PREFIX = ".convtailor-run-"


@contextmanager
def started_services(out: Path, environ: Mapping[str, str], *, keep: Path | None = None) -> Iterator[Onebox]:
    """Start the services for one run; they and their folder end with the block.

    Args:
        out: Folder for the results, made where it is missing; on its disk there is room for them.
        environ: What the services take over.
        keep: Folder for logs, stores and mails, kept afterwards; ``None``: a hidden one in ``out``, removed, of which
            the logs stay until the next run where a service died and they are wanted.
    """
    is_new = not out.exists()
    out.mkdir(parents=True, exist_ok=True)
    try:
        with (
            _folder(out, keep) as folder,
            Onebox(folder, _settings(out, folder, environ), stop_within_s=_STOP_WITHIN_S) as box,
        ):
            yield box
    finally:
        if is_new and not any(out.iterdir()):
            out.rmdir()


@contextmanager
def _folder(out: Path, keep: Path | None) -> Iterator[Path]:
    """Give the services their folder; what an earlier run that was killed left of its kind is removed."""
    if keep is not None:
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


def _remove_but_logs(folder: Path) -> None:
    for path in folder.iterdir():
        if path.name != LOGS and path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != LOGS:
            path.unlink(missing_ok=True)


def _settings(out: Path, folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the person's settings, less those that only make sense for a server that stays."""
    kept = {name: value for name, value in environ.items() if name != "CONVTAILOR_PUBLIC_URL"}
    return {
        "CONVTAILOR_SCRATCH_DIR": str(folder.resolve() / "scratch"),
        "CONVTAILOR_WAIT_FOR_DISK": "false",  # nobody who waits for one run makes room meanwhile without being told
        **kept,
        "CONVTAILOR_OUTBOX_DIR": str(folder.resolve() / "outbox"),
        "CONVTAILOR_DELIVERY_DIR": str(out.resolve()),
    }
