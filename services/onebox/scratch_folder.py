"""Where the services of a single run live: a hidden folder beside its results, gone when the run is."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from services.onebox.services import SERVICE_FAULTS, Onebox
from shared.errors import UserFault

_STOP_WITHIN_S = 0.1  # everything was delivered by then


@contextmanager
def started_services(out: Path, environ: Mapping[str, str], *, keep: Path | None = None) -> Iterator[Onebox]:
    """Start the services for one run; they and their folder end with the block.

    Args:
        out: Folder for the results, made where it is missing; on its disk there is room for them.
        environ: What the services take over.
        keep: Folder for logs, stores and mails, kept afterwards; ``None``: a hidden one in ``out``, removed unless a
            service died and its log is wanted.
    """
    is_new = not out.exists()
    out.mkdir(parents=True, exist_ok=True)
    folder = keep or Path(tempfile.mkdtemp(dir=out, prefix=".convtailor-"))
    is_kept = keep is not None
    try:
        with Onebox(folder, _settings(out, folder, environ), stop_within_s=_STOP_WITHIN_S) as box:
            yield box
    except UserFault as error:
        is_kept = is_kept or error.fault.code in SERVICE_FAULTS
        raise
    finally:
        if not is_kept:
            shutil.rmtree(folder, ignore_errors=True)
        if is_new and not any(out.iterdir()):
            out.rmdir()


def _settings(out: Path, folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the person's settings, less those that only make sense for a server that stays."""
    kept = {name: value for name, value in environ.items() if name != "CONVTAILOR_PUBLIC_URL"}
    return {
        "CONVTAILOR_SCRATCH_DIR": str(folder.resolve() / "scratch"),
        **kept,
        "CONVTAILOR_OUTBOX_DIR": str(folder.resolve() / "outbox"),
        "CONVTAILOR_DELIVERY_DIR": str(out.resolve()),
    }
