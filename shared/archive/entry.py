"""One entry of a zip as its central directory shows it: its true name, is it safe, may it be an image."""

import re
import stat
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA, ZIP_STORED, ZipInfo

READABLE_METHODS = frozenset({ZIP_STORED, ZIP_DEFLATED, ZIP_BZIP2, ZIP_LZMA})
_FLAG_ENCRYPTED = 0x1 | 0x40 | 0x2000  # traditional, strong, and encrypted central directory
_FLAG_UTF8 = 0x800
_WINDOWS_REPARSE_POINT = 0x400
_DRIVE = re.compile(r"^[A-Za-z]:")
_SYSTEM_NAMES = frozenset(
    {"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "$recycle.bin", "system volume information"}
    | {"@eadir", "__pycache__"}  # Synology's thumbnails, Python's caches
)
_ARCHIVE_ENDINGS = frozenset({"zip", "rar", "7z", "tar", "gz", "tgz", "bz2", "xz", "zst"})
_TEXT_ENDINGS = frozenset(
    {"txt", "csv", "tsv", "json", "jsonl", "xml", "md", "rst", "html", "htm", "log", "yaml", "yml"}
)
_OFFICE_ENDINGS = frozenset({"pdf", "doc", "docx", "odt", "rtf", "xls", "xlsx", "ods", "ppt", "pptx", "url", "lnk"})
_PROGRAM_ENDINGS = frozenset({"py", "ipynb", "js", "css", "sh", "bat", "exe", "dll", "so", "ini", "cfg", "toml"})
_ARRAY_ENDINGS = frozenset({"npy", "npz", "pkl", "h5", "hdf5", "keras", "mat", "parquet", "db", "sqlite"})
_MEDIA_ENDINGS = frozenset({"mp3", "wav", "flac", "m4a", "mp4", "m4v", "mov", "avi", "mkv", "webm", "wmv"})
_OTHER_ENDINGS = _TEXT_ENDINGS | _OFFICE_ENDINGS | _PROGRAM_ENDINGS | _ARRAY_ENDINGS | _MEDIA_ENDINGS


class Aside(StrEnum):
    """Why an entry is left out without being decoded."""

    SYSTEM = "system_file"
    NOT_IMAGE = "not_an_image"
    NESTED = "nested_archive"
    NO_CLASS = "outside_class_folder"
    TOO_BIG = "file_too_big"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry.

    Args:
        index: Its position in the central directory.
        path: Its name as a person knows it, with ``/`` between the parts; empty and ``.`` parts are gone.
        folders: The folders that hold it, from the top, in composed characters (NFC); a folder is its own last one.
        is_folder: Whether it stands for a folder and holds nothing.
        size_bytes: Its size when unpacked, as the directory claims it.
    """

    index: int
    path: str
    folders: tuple[str, ...]
    is_folder: bool
    size_bytes: int


def read_entry(index: int, info: ZipInfo) -> Entry:
    """Describe an entry; whether its name is safe is for :func:`is_traversal` and its kin to say."""
    name = true_name(info).replace("\\", "/")  # .NET before 4.6.1 and some cameras separate with backslashes
    path = "/".join(part for part in name.split("/") if part not in ("", "."))
    is_folder = name.endswith("/") or stat.S_ISDIR(info.external_attr >> 16)
    folders = _folders(path if is_folder else path.rpartition("/")[0])
    return Entry(index=index, path=path, folders=folders, is_folder=is_folder, size_bytes=info.file_size)


@lru_cache(maxsize=4096)
def _folders(path: str) -> tuple[str, ...]:
    """Split a folder's path; the thousands of files in a folder share one value."""
    return tuple(unicodedata.normalize("NFC", path).split("/")) if path else ()


def true_name(info: ZipInfo) -> str:
    """Return the name as it was meant: many tools write UTF-8 without the flag that says so.

    Unflagged bytes that form valid UTF-8 are UTF-8; all others stay code page 437, as the format defines.
    """
    name = info.orig_filename
    if info.flag_bits & _FLAG_UTF8 or name.isascii():
        return name
    try:
        return name.encode("cp437").decode("utf-8")
    except UnicodeError:
        return name


def is_encrypted(info: ZipInfo) -> bool:
    """Tell whether the entry needs a password."""
    return bool(info.flag_bits & _FLAG_ENCRYPTED)


def is_link(info: ZipInfo) -> bool:
    """Tell whether the entry is a symbolic link, a device or any other thing that is neither file nor folder."""
    kind = stat.S_IFMT(info.external_attr >> 16)
    return kind not in (0, stat.S_IFREG, stat.S_IFDIR) or bool(info.external_attr & _WINDOWS_REPARSE_POINT)


def is_traversal(info: ZipInfo) -> bool:
    """Tell whether the name climbs out of the folder it is unpacked into, or hides its end behind a zero byte."""
    name = true_name(info).replace("\\", "/")
    return ".." in name.split("/") or "\0" in name


def is_absolute(info: ZipInfo) -> bool:
    """Tell whether the name starts at the root of a disk, a drive or a network share."""
    name = true_name(info).replace("\\", "/")
    return name.startswith("/") or _DRIVE.match(name) is not None


def aside(entry: Entry, *, max_entry_bytes: int) -> Aside | None:
    """Tell why a file is left out by its name or size alone, or ``None`` where its content must decide.

    Endings never make an image: only endings that are surely something else count here.
    """
    name = entry.path.rpartition("/")[2]
    if any(part.startswith(".") or part.lower() in _SYSTEM_NAMES for part in (name, *entry.folders)):
        return Aside.SYSTEM
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    if ending in _ARCHIVE_ENDINGS:
        return Aside.NESTED
    if ending in _OTHER_ENDINGS:
        return Aside.NOT_IMAGE
    return Aside.TOO_BIG if entry.size_bytes > max_entry_bytes else None


def clash_key(name: str) -> str:
    """Return what two class names share that differ only in case or in spaces at their ends."""
    return unicodedata.normalize("NFC", name.casefold()).strip()


def has_control_characters(name: str) -> bool:
    """Tell whether a name has line breaks or other control characters, which no list of labels can carry."""
    return any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in name)
