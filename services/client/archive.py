"""A folder of photographs becomes a zip: stored, not deflated, since photographs are compressed already."""

import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from services.client.fault import UsageFault

_JUNK_NAMES = frozenset({"__macosx", "thumbs.db", "desktop.ini"})
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest moment a zip can hold: one folder gives one zip, byte for byte, whenever it is made."""

BytesListener = Callable[[int, int], None]
"""Takes the bytes done and the bytes in all."""


def write_archive(
    folder: Path, target: Path, *, leave_out: tuple[Path, ...] = (), on_bytes: BytesListener | None = None
) -> int:
    """Zip a folder, its classes at the root of the zip.

    Args:
        folder: Holds one folder per class.
        target: Zip to write.
        leave_out: Folders inside that are not part of the data, such as the one for the results.
        on_bytes: Hears how far it has come.

    Returns:
        Number of files in the zip.

    Raises:
        UsageFault: If there is no file, or one cannot be read.
    """
    files = sorted(_find_files(folder, leave_out=frozenset(path.resolve() for path in leave_out)))
    if not files:
        raise UsageFault(
            "no_files",
            f"The folder {folder} holds no files.",
            fix="Name a folder with one folder of photographs per class, such as photos/cats and photos/dogs.",
            details={"path": str(folder)},
        )
    total = done = 0
    try:
        total = sum((folder / name).stat().st_size for name in files)
        target.touch(mode=0o600)  # a copy of what may be closed to others itself
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
            for name in files:
                _add(archive, folder / name, name)
                done += archive.getinfo(_stored_name(name)).file_size
                if on_bytes:
                    on_bytes(done, total)
    except OSError as error:
        raise UsageFault(
            "file_unreadable",
            f"{error.filename or folder}: {error.strerror or error}.",
            fix="Make the file readable, or take it out of the folder, and run the command again.",
            details={"path": str(error.filename or folder)},
        ) from error
    return len(files)


def _find_files(folder: Path, *, leave_out: frozenset[Path]) -> Iterator[str]:
    """Yield the paths, relative to the folder, of all files that are not a system's litter; links are followed."""
    seen: set[Path] = set(leave_out)
    for directory, subfolders, names in os.walk(folder, followlinks=True):
        real = Path(directory).resolve()
        if real in seen:  # a link that leads back up would never end
            subfolders.clear()
            continue
        seen.add(real)
        subfolders[:] = [name for name in subfolders if not _is_junk(name)]
        relative = Path(directory).relative_to(folder)
        yield from ((relative / name).as_posix() for name in names if not _is_junk(name))


def _is_junk(name: str) -> bool:
    return name.startswith(".") or name.lower() in _JUNK_NAMES


def _add(archive: zipfile.ZipFile, path: Path, name: str) -> None:
    entry = zipfile.ZipInfo(_stored_name(name), date_time=_EPOCH)
    entry.external_attr = 0o644 << 16
    entry.file_size = path.stat().st_size  # lets zipfile choose 64-bit headers where they are needed
    with path.open("rb") as source, archive.open(entry, "w") as sink:
        shutil.copyfileobj(source, sink, 1 << 20)


def _stored_name(name: str) -> str:
    """Return a name that UTF-8 can hold; a byte that is no text becomes a replacement character."""
    return os.fsencode(name).decode("utf-8", "replace")
