"""A folder of photographs becomes a zip: stored, not deflated, since photographs are compressed already."""

import shutil
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.client.fault import UsageFault
from services.client.folder import LeftOut, find_contents, why_unreadable
from shared.text.printable import printable_name

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest moment a zip can hold: one folder gives one zip, byte for byte, whenever it is made."""
_MOST_NOTED = 12

BytesListener = Callable[[int, int], None]
"""Takes the bytes done and the bytes in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """What became of a folder.

    Args:
        num_files: Files in the zip.
        left_out: What is not in it, and why.
    """

    num_files: int
    left_out: tuple[LeftOut, ...]

    @property
    def notes(self) -> list[str]:
        """Lines for a person about what was left out, a few of them however much it is; none where nothing was."""
        return _notes(self.left_out)


def write_archive(
    folder: Path, target: Path, *, leave_out: tuple[Path, ...] = (), on_bytes: BytesListener | None = None
) -> Packed:
    """Zip a folder, its classes at the root of the zip; what is no file or cannot be read is left out.

    Args:
        folder: Holds one folder per class.
        target: Zip to write.
        leave_out: Folders inside that are not part of the data, such as the one for the results.
        on_bytes: Hears how far it has come.

    Raises:
        UsageFault: If there is no file that can be read, or one ends while it is read.
    """
    contents = find_contents(folder, leave_out=leave_out)
    left_out = list(contents.left_out)
    num_files = done_bytes = 0
    sizes = {path: _size_bytes(folder / path) for path in contents.files}
    total_bytes = sum(sizes.values())
    target.touch(mode=0o600)  # a copy of what may be closed to others itself
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for path, name in contents.files.items():
            reason = _add(archive, folder / path, name)
            if reason is None:
                num_files += 1
            else:
                left_out.append(LeftOut(path=printable_name(path), reason=reason))
            done_bytes += sizes[path]
            if on_bytes:
                on_bytes(done_bytes, total_bytes)
    packed = Packed(num_files=num_files, left_out=tuple(left_out))
    if not num_files:
        raise _no_files(folder, packed)
    return packed


def _size_bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _add(archive: zipfile.ZipFile, path: Path, name: str) -> str | None:
    """Add a file, or return why it cannot be opened.

    Raises:
        UsageFault: If it breaks off while it is read.
    """
    try:
        source = path.open("rb")
    except FileNotFoundError:
        return "gone before it could be packed"
    except OSError as error:
        return why_unreadable(error)
    entry = zipfile.ZipInfo(name, date_time=_EPOCH)
    entry.external_attr = 0o644 << 16
    with source:
        try:
            entry.file_size = path.stat().st_size  # lets zipfile choose 64-bit headers where they are needed
            with archive.open(entry, "w") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
        except OSError as error:
            raise UsageFault(
                "file_unreadable",
                f"{path}: {error.strerror or error}.",
                fix="Check the disk that the file lies on and the one for temporary files, or take the file out of the "
                "folder, and run the command again.",
                details={"path": str(path)},
            ) from error
    return None


def _no_files(folder: Path, packed: Packed) -> UsageFault:
    details: dict[str, object] = {"path": str(folder)}
    if packed.left_out:
        details["left_out"] = [f"{each.path}: {each.reason}" for each in packed.left_out]
    return UsageFault(
        "no_files",
        f"The folder {folder} holds no files{' that can be read' if packed.left_out else ''}.",
        fix="Name a folder with one folder of photographs per class, such as photos/cats and photos/dogs.",
        details=details,
    )


def _notes(left_out: Sequence[LeftOut]) -> list[str]:
    lines = [f"Left out: {each.path} ({each.reason})" for each in left_out[:_MOST_NOTED]]
    if len(left_out) > _MOST_NOTED:
        lines.append(f"Left out: {len(left_out) - _MOST_NOTED:,} more of the kind")
    return lines
