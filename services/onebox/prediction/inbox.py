"""Which files of those that a person names are to be classified, and which are passed over, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from services.client.fault import UsageFault
from services.client.folder import LeftOut, find_contents, kind_of, why_unreadable
from shared.archive.entry import Aside, Entry, aside
from shared.text.printable import printable_name

_MAX_FILE_BYTES = 2**29
"""A bigger file is no photograph."""
_PICTURE_ENDINGS = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".gif", ".bmp", ".dib", ".webp", ".tif", ".tiff"}
    | {".heic", ".heif", ".hif", ".avif", ".jp2", ".j2k", ".jpx", ".ppm", ".pgm", ".pbm", ".pnm", ".ico"}
    | {".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2", ".psd", ".jxl"}
)
"""What says that a file was meant to be a picture; whether it is one, its content tells."""
_PASSED_OVER = {
    Aside.NOT_IMAGE: "the ending says that it is no picture",
    Aside.NESTED: "an archive, which is not opened",
    Aside.TOO_BIG: "bigger than any photograph",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was found.

    Args:
        images: Files to be classified, in the order in which they were named, folders in that of their paths.
        left_out: What lies in the folders and is surely no picture.
        meant: Those of ``images`` that the person named or that have the ending of a picture.
    """

    images: tuple[Path, ...]
    left_out: tuple[LeftOut, ...]
    meant: frozenset[Path]


def find_images(paths: Sequence[Path], *, leave_out: tuple[Path, ...] = ()) -> Found:
    """Return the pictures named, folders replaced by what may be a picture in them, whatever its ending.

    Args:
        paths: Of pictures and folders.
        leave_out: Folders inside that are not looked into.

    Raises:
        UsageFault: If a path leads nowhere, or to a pipe or the like, which might never end; if there is no picture.
    """
    images: list[Path] = []
    left_out: list[LeftOut] = []
    named: set[Path] = set()
    for path in paths:
        if path.is_dir():
            _look_into(path, images, left_out, leave_out)
        else:
            _check_file(path)
            images.append(path)
            named.add(path)
    if not images:
        raise _none(paths, left_out)
    meant = named.union(path for path in images if path.suffix.lower() in _PICTURE_ENDINGS)
    return Found(images=tuple(images), left_out=tuple(left_out), meant=frozenset(meant))


def _check_file(path: Path) -> None:
    name = printable_name(str(path))
    details = {"path": name}
    try:
        strange = kind_of(path)
    except FileNotFoundError:
        fix = "Name pictures, or folders that hold some."
        raise UsageFault("image_not_found", f"There is no {name}.", fix=fix, details=details) from None
    except OSError as error:
        fix = "Check the path and its rights."
        reason = why_unreadable(error)
        raise UsageFault("image_not_found", f"{name} is {reason}.", fix=fix, details=details) from error
    if strange is not None:
        fix = "Write what comes out of it into a file, and name that."
        raise UsageFault("image_not_found", f"{name} is {strange}.", fix=fix, details=details)


def _look_into(folder: Path, images: list[Path], left_out: list[LeftOut], leave_out: tuple[Path, ...]) -> None:
    contents = find_contents(folder, leave_out=leave_out)
    left_out += [LeftOut(path=str(folder / each.path), reason=each.reason) for each in contents.left_out]
    for inside in contents.files:
        path = folder / inside
        reason = _aside(inside, path)
        if reason is None:
            images.append(path)
        elif reason in _PASSED_OVER:
            left_out.append(LeftOut(path=printable_name(str(path)), reason=_PASSED_OVER[reason]))


def _aside(inside: str, path: Path) -> Aside | None:
    folders = tuple(inside.split("/")[:-1])
    entry = Entry(index=0, path=inside, folders=folders, is_folder=False, size_bytes=path.stat().st_size)
    return aside(entry, max_entry_bytes=_MAX_FILE_BYTES)


def _none(paths: Sequence[Path], left_out: Sequence[LeftOut]) -> UsageFault:
    listed = ", ".join(str(path) for path in paths[:6])
    details = {"left_out": [f"{each.path}: {each.reason}" for each in left_out[:20]]} if left_out else {}
    fix = "Name pictures, or folders of them."
    return UsageFault("no_images", f"There is no picture in {listed}.", fix=fix, details=details)
