"""One entry of a zip as a person knows it: its name, what it is by its name, may it be an image.

Nothing is ever unpacked to a disk, so a name can lead nowhere: names tell classes, and stand in the report. What only
says where the packing program stood (a leading ``/``, a drive, ``..``) is taken off, as every unpacking program does.
"""

import re
import stat
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from shared.archive.name_table import name_table
from shared.archive.zip_format.content import READABLE_METHODS
from shared.archive.zip_format.directory import Record
from shared.text.printable import printable_name

_FLAG_ENCRYPTED = 0x1 | 0x40 | 0x2000  # traditional, strong, and encrypted central directory
_UNIX = frozenset({3, 19})  # Unix and macOS, by the numbers of APPNOTE 4.4.2
_DRIVE = re.compile(r"^[A-Za-z]:(?=[\\/])")
_PART = re.compile(r"\.(?:[zr]\d\d|(?:zip|7z|rar|tar)\.\d{3}|part\d+\.rar)$", re.IGNORECASE)


class Aside(StrEnum):
    """Why an entry is left out without being decoded."""

    SYSTEM = "system_file"
    NOT_IMAGE = "not_an_image"
    NESTED = "nested_archive"
    NO_CLASS = "outside_class_folder"
    TOO_BIG = "file_too_big"
    LINK = "link"
    PLACEHOLDER = "not_downloaded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry.

    Args:
        index: Its position in the central directory.
        path: Its name as a person knows it, with ``/`` between the parts; empty and ``.`` parts are gone.
        folders: The folders that hold it, from the top, in composed characters (NFC); a folder is its own last one.
        is_folder: Whether it stands for a folder and holds nothing.
        size_bytes: Its size when unpacked, as the directory claims it.
        is_link: Whether it is a symbolic link or any other thing that holds no bytes of its own.
    """

    index: int
    path: str
    folders: tuple[str, ...]
    is_folder: bool
    size_bytes: int
    is_link: bool = False


def read_entry(index: int, record: Record) -> Entry:
    """Describe an entry."""
    name = with_slashes(record.name)
    path = "/".join(_resolved(name))
    is_folder = not path or name.endswith("/") or stat.S_ISDIR(record.attributes >> 16)
    folders = _folders(path if is_folder else path.rpartition("/")[0])
    shown = printable_name(path)
    if shown == record.name:
        shown = record.name  # one string for both: names may take most of what an archive takes in memory
    return Entry(
        index=index,
        path=shown,
        folders=folders,
        is_folder=is_folder,
        size_bytes=record.size_bytes,
        is_link=is_link(record),
    )


def with_slashes(name: str) -> str:
    r"""Return a name with ``/`` between its parts.

    .NET before 4.6.1 and some cameras separate with ``\``, and then use nothing else. Where a name has ``/``, a ``\``
    is a character of a name, as it may be on every system but Windows.
    """
    return name if "/" in name else name.replace("\\", "/")


def _resolved(name: str) -> list[str]:
    """Return the parts of a name; those that lead upwards take the part before them away, if there is one."""
    parts: list[str] = []
    for part in _DRIVE.sub("", name).split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return parts


@lru_cache(maxsize=4096)
def _folders(path: str) -> tuple[str, ...]:
    """Split a folder's path; the thousands of files in a folder share one value.

    Characters that are not seen are written out, so that they reach no list of labels; but those of control, for which
    a class is refused, are left to be found.
    """
    if not path:
        return ()
    composed = unicodedata.normalize("NFC", path)
    return tuple(part if has_control_characters(part) else printable_name(part) for part in composed.split("/"))


def is_encrypted(record: Record) -> bool:
    """Tell whether the entry needs a password."""
    return bool(record.flags & _FLAG_ENCRYPTED)


def is_readable_method(record: Record) -> bool:
    """Tell whether the entry is packed in a way that is read; where it is encrypted, nobody can tell."""
    return record.method in READABLE_METHODS or is_encrypted(record)


def is_link(record: Record) -> bool:
    """Tell whether the entry is a symbolic link, a device or any other thing that is neither file nor folder.

    Only a mode that Unix wrote proves it. Windows sets its attribute of a reparse point also on files that OneDrive,
    deduplication or a compressing file system keep, and their bytes are there.
    """
    return record.made_by in _UNIX and stat.S_IFMT(record.attributes >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR)


def aside(entry: Entry, *, max_entry_bytes: int) -> Aside | None:
    """Tell why a file is left out by its name or size alone, or ``None`` where its content must decide.

    Endings never make an image: only endings that are surely something else count here.
    """
    name, table = entry.path.rpartition("/")[2], name_table()
    if name.startswith(".") and name.endswith(".icloud"):
        return Aside.PLACEHOLDER
    if any(part.startswith(".") or part.lower() in table.system_names for part in (name, *entry.folders)):
        return Aside.SYSTEM
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    if ending in table.archive_endings or is_part(name):
        return Aside.NESTED
    if ending in table.other_endings:
        return Aside.NOT_IMAGE
    if entry.is_link:
        return Aside.LINK
    return Aside.TOO_BIG if entry.size_bytes > max_entry_bytes else None


def is_part(name: str) -> bool:
    """Tell whether a file's name is that of one part of a split archive."""
    return _PART.search(name) is not None


def clash_key(name: str) -> str:
    """Return what two class names share that nobody could tell apart: by case, spaces, dots at their ends, width."""
    plain = " ".join(unicodedata.normalize("NFKC", name.casefold()).split())
    return unicodedata.normalize("NFC", plain.rstrip(". ")) or plain


def has_control_characters(name: str) -> bool:
    """Tell whether a name has line breaks or other control characters, which no list of labels can carry."""
    return any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in name)
