"""What a person names as DATA: a zip, or a folder that becomes one."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from services.client.archive import BytesListener, write_archive
from services.client.fault import UsageFault
from shared.archive.rules import ArchivePlan, plan_archive
from shared.archive.zip_format.diagnosis import empty_archive
from shared.archive.zip_format.directory import read_directory
from shared.errors import UserFault
from shared.process.held_folder import make_held, remove_unheld

_PREFIX = "convtailor-submit-"
"""Begins the names of folders for zips on their way."""
PACKED = "archive.zip"
"""What a folder that was packed is called in the scratch folder."""
_LAYOUT = "one folder of photographs per class, such as photos/cats and photos/dogs"


def check_data(data: Path) -> None:
    """Refuse what cannot be a data set, before anything is started.

    Raises:
        UserFault: ``archive_empty``, if it is a file without bytes.
        UsageFault: If the path leads nowhere, or to something that is neither a file nor a folder.
    """
    if not data.exists():
        raise UsageFault(
            "data_not_found",
            f"There is no file or folder {data}.",
            fix=f"Name a zip or a folder that holds {_LAYOUT}.",
            details={"path": str(data)},
        )
    if not data.is_file() and not data.is_dir():
        raise UsageFault(
            "data_unreadable",
            f"{data} is neither a file nor a folder.",
            fix=f"Name a zip or a folder that holds {_LAYOUT}.",
            details={"path": str(data)},
        )
    if data.is_file() and not data.stat().st_size:
        raise UserFault.of(empty_archive())


def check_archive(archive: Path, *, is_mixed: bool = False) -> ArchivePlan:
    """Return what a server will read of a zip; one that every server would refuse for its contents is never sent.

    Args:
        archive: The zip.
        is_mixed: Whether parts of a split are to be put together.

    Raises:
        UserFault: With every fault found; see :func:`shared.archive.rules.plan_archive`.
    """
    with archive.open("rb") as file:
        directory = read_directory(file)
    return plan_archive(directory.records, data_end=directory.start, is_mixed=is_mixed)


def archive_of(
    data: Path,
    scratch: Path,
    *,
    on_bytes: BytesListener | None = None,
    on_note: Callable[[str], None] | None = None,
    leave_out: tuple[Path, ...] = (),
) -> Path:
    """Return the zip to upload: the file itself, or the folder packed into the scratch folder.

    Args:
        data: What the person named.
        scratch: Takes the zip.
        on_bytes: Hears how far it has come.
        on_note: Hears a line about each thing that is left out.
        leave_out: Folders inside that are not part of the data.

    Raises:
        UsageFault: If the data cannot be read or a folder is empty.
    """
    check_data(data)
    if data.is_file():
        return data
    target = scratch / PACKED
    packed = write_archive(data, target, leave_out=leave_out, on_bytes=on_bytes)
    if on_note is not None:
        for note in packed.notes:
            on_note(note)
    return target


@contextmanager
def packing_folder(parent: Path | None = None) -> Iterator[Path]:
    """Give a temporary folder for the zip; those of commands that were killed are removed before.

    Args:
        parent: Where it lies; the system's folder for what is temporary, unless given.

    Raises:
        OSError: If it cannot be made.
    """
    folder, descriptor = make_held(parent or Path(tempfile.gettempdir()), _PREFIX)
    try:
        yield folder
    finally:
        os.close(descriptor)
        remove_unheld(folder)
