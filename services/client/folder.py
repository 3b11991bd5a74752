"""What a folder holds: files to be packed, and what is left out because it is none or cannot be read."""

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from shared.archive.name_table import name_table
from shared.archive.zip_format.code_page import names_of
from shared.layout import FILE_NAMES, MAIL_FILE_NAME, Artefact
from shared.text.printable import printable_name

_KINDS = {
    stat.S_IFIFO: "a pipe, not a file",
    stat.S_IFSOCK: "a socket, not a file",
    stat.S_IFCHR: "a device, not a file",
    stat.S_IFBLK: "a device, not a file",
}
_DELIVERED = frozenset({*FILE_NAMES.values(), MAIL_FILE_NAME})
_RESULT, _LABELS = FILE_NAMES[Artefact.RESULT], FILE_NAMES[Artefact.LABELS]
_NOWHERE = "a link that leads nowhere"
_ERRORS = {
    errno.ENOENT: _NOWHERE,
    errno.ENOTDIR: _NOWHERE,
    errno.ELOOP: "a link that leads back to itself",
    errno.EACCES: "not readable for you",
    errno.EPERM: "not readable for you",
    errno.ENAMETOOLONG: "a path that is too long for this system",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Something in a folder that is not packed.

    Args:
        path: Where it lies in the folder, fit to be shown.
        reason: A phrase that says what it is.
    """

    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What was found in a folder.

    Args:
        files: Name in the zip by path relative to the folder, in the order of the paths.
        left_out: What is not packed, in the order in which it was found; a system's litter is not told of.
    """

    files: dict[str, str]
    left_out: tuple[LeftOut, ...]


def find_contents(folder: Path, *, leave_out: tuple[Path, ...] = ()) -> Contents:
    """Look for files, at any depth. Links are followed; every folder is entered once, however many links lead to it.

    Folders inside that hold the results of a run are left out: whoever works in the folder of the photographs has them
    there.

    Args:
        folder: Where to look.
        leave_out: Folders inside that are not part of the data.
    """
    search = _Search(folder, entered={path.resolve() for path in leave_out})
    files = sorted(search.run())
    return Contents(files=_stored_names(files), left_out=tuple(search.left_out))


def why_unreadable(error: OSError) -> str:
    """Return what keeps a file from being read, as a phrase."""
    return _ERRORS.get(error.errno or 0, error.strerror or str(error))


def kind_of(path: Path) -> str | None:
    """Return what something is that is neither a file nor a folder, as a phrase; ``None`` for those two.

    Raises:
        OSError: If it cannot be looked at.
    """
    return _kind_of(stat.S_IFMT(path.stat().st_mode))


def _kind_of(kind: int) -> str | None:
    return None if kind in (stat.S_IFREG, stat.S_IFDIR) else _KINDS.get(kind, "not a file")


class _Search:
    """Goes through a folder; links to folders wait until all that lies in it without them has been entered."""

    def __init__(self, folder: Path, *, entered: set[Path]) -> None:
        self.left_out: list[LeftOut] = []
        self._folder = folder
        self._entered = entered
        self._links: list[str] = []

    def run(self) -> Iterator[str]:
        """Yield paths of files, relative to the folder."""
        yield from self._enter("")
        while self._links:
            link = self._links.pop(0)
            if (self._folder / link).resolve() in self._entered:
                self._leave_out(link, "a link to a folder that is packed already, or holds it")
            else:
                yield from self._enter(link)

    def _enter(self, start: str) -> Iterator[str]:
        waiting = [start]
        while waiting:
            inside = waiting.pop()
            real = (self._folder / inside).resolve()
            if real in self._entered:
                continue
            self._entered.add(real)
            try:
                with os.scandir(self._folder / inside) as entries:
                    found = sorted(entries, key=lambda entry: entry.name)
            except OSError as error:
                self._leave_out(inside or ".", f"a folder that cannot be opened: {why_unreadable(error)}")
                continue
            if inside and _is_delivery({entry.name for entry in found if not _is_junk(entry.name)}):
                self._leave_out(inside, "results of an earlier run")
                continue
            for entry in found:
                path = f"{inside}/{entry.name}" if inside else entry.name
                kind = None if _is_junk(entry.name) else self._kind(entry, path)
                if kind == stat.S_IFREG:
                    yield path
                elif kind == stat.S_IFDIR:
                    (self._links if entry.is_symlink() else waiting).append(path)

    def _kind(self, entry: os.DirEntry[str], path: str) -> int | None:
        """Return whether an entry is a file or a folder, ``None`` where it is left out."""
        try:
            kind = stat.S_IFMT(entry.stat().st_mode)
        except OSError as error:
            self._leave_out(path, why_unreadable(error))
            return None
        if (strange := _kind_of(kind)) is not None:
            self._leave_out(path, strange)
        return kind

    def _leave_out(self, path: str, reason: str) -> None:
        self.left_out.append(LeftOut(path=printable_name(path), reason=reason))


def _is_junk(name: str) -> bool:
    return name.startswith(".") or name.lower() in name_table().system_names


def _is_delivery(names: set[str]) -> bool:
    """Tell whether a folder is what a run left: a network with its result, or a mail alone where it failed."""
    return names >= {_RESULT, _LABELS} or (names <= _DELIVERED and not names.isdisjoint({_RESULT, MAIL_FILE_NAME}))


def _stored_names(paths: list[str]) -> dict[str, str]:
    """Return the name in the zip for each path; those that are no UTF-8 were written in some code page."""
    strange = [path for path in paths if not _is_text(path)]
    named = names_of([os.fsencode(path) for path in strange], beside=(path for path in paths if _is_text(path)))
    stored = {path: named[os.fsencode(path)] for path in strange}
    return {path: stored.get(path, path) for path in paths}


def _is_text(path: str) -> bool:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
