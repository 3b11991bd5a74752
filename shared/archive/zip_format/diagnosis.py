"""Says in plain words why a file cannot be opened as a zip, and what its owner can do about it."""

from collections.abc import Callable
from typing import IO

from shared.errors import Fault, UserFault

_LOOKED_AT_BYTES = 1024
_BOM = b"\xef\xbb\xbf"
JOIN_PARTS = (
    "Join the parts first: put all of them into one folder, open the one that ends in .zip (or .001) with 7-Zip, The "
    "Unarchiver or WinRAR, unpack it, and zip the class folders again, as one zip. On a command line, "
    "`zip -s 0 parts.zip --out whole.zip` does it."
)
FIX_CUT_OFF = (
    "Send it again, and check that it opens on your side. If there are more files of that name, which end in .z01, "
    f".001 or the like, it is one part of several. {JOIN_PARTS}"
)
_AGAIN = "Download the zip again, check that it opens on your side, and send that."
_UNPACK = (
    "Unpack it with the program that made it, and zip the class folders: in Windows select them, click with the right "
    "button and choose Compress to ZIP file; on a Mac choose Compress."
)


def no_end(file: IO[bytes]) -> UserFault:
    """Return what a file is that has no end record of a zip."""
    size_bytes = file.seek(0, 2)
    file.seek(0)
    first = file.read(_LOOKED_AT_BYTES)
    if not size_bytes:
        return UserFault.of(empty_archive())
    if first.startswith((b"PK\x07\x08", b"PK00PK\x07\x08")):
        return in_parts()
    if first.startswith((b"PK\x03\x04", b"PK\x01\x02", b"PK00PK\x03\x04")):
        return UserFault(
            "archive_truncated",
            f"The zip is cut off: its end is missing after {size_bytes:,} bytes.",
            fix=FIX_CUT_OFF,
        )
    return _no_zip(first)


def empty_archive() -> Fault:
    """Return what is told of a file without a single byte."""
    return Fault(
        code="archive_empty",
        message="The zip is empty: the file has no bytes.",
        fix="Check the file on your side: a copy or a download may have broken off. Then send it again.",
    )


def in_parts() -> UserFault:
    """Return what is told of one file of an archive that was split over several."""
    return UserFault(
        "archive_in_parts",
        "The file is one part of a zip that was split into several files (.z01, .z02 … and .zip); alone it cannot be "
        "read.",
        fix=JOIN_PARTS,
    )


def no_beginning() -> UserFault:
    """Return what is told of a file that ends as a zip does, and is shorter than its table of contents."""
    return UserFault(
        "archive_truncated", "The beginning of the zip is missing; only its end is there.", fix=FIX_CUT_OFF
    )


def damaged(reason: str) -> UserFault:
    """Return what is told of a table of contents that cannot be read.

    Args:
        reason: A clause whose subject is the table or one of its entries.
    """
    return UserFault(
        "archive_damaged",
        f"The zip's table of contents, which stands at its end, cannot be read: {reason}.",
        fix="Zip the folders again, check that the zip opens on your side, and send it again.",
    )


def too_many_entries(claimed: int | None, most: int) -> UserFault:
    """Return what is told of more entries than are read.

    Args:
        claimed: How many the zip says it has; ``None`` where nobody counted them.
        most: How many are read.
    """
    told = "too many entries" if claimed is None else f"{claimed:,} entries"
    return UserFault(
        "archive_too_many_files",
        f"The zip has {told}; {most:,} are the most that is read.",
        fix="Send fewer images; a few hundred per class are plenty.",
        details={"count": claimed, "max_count": most} if claimed is not None else {"max_count": most},
    )


def _is_page(first: bytes) -> bool:
    text = first.removeprefix(_BOM).lstrip().lower()
    return text.startswith((b"<!doctype", b"<html", b"<head", b"<?xml", b"<error", b"<script", b"<!--"))


def _is_json(first: bytes) -> bool:
    return first.removeprefix(_BOM).lstrip()[:1] in (b"{", b"[")


def _starts(*signatures: bytes) -> Callable[[bytes], bool]:
    return lambda first: first.startswith(signatures)


_DOWNLOAD_FAILED = (
    "the download went wrong, and what was saved under the name of the zip is {}. Sharing sites do so where one is not "
    "signed in, or where a link has expired"
)
_KINDS: tuple[tuple[Callable[[bytes], bool], str, str], ...] = (
    (_starts(b"Rar!"), "a RAR archive", _UNPACK),
    (_starts(b"7z\xbc\xaf\x27\x1c"), "a 7z archive", _UNPACK),
    (_starts(b"\x1f\x8b"), "a gzip file, probably a .tar.gz", _UNPACK),
    (
        _starts(b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd"),
        "a tar archive that is packed with bzip2, xz or zstd",
        _UNPACK,
    ),
    (lambda first: first[257:262] == b"ustar", "a tar archive", _UNPACK),
    (_is_page, _DOWNLOAD_FAILED.format("a web page"), _AGAIN),
    (_is_json, _DOWNLOAD_FAILED.format("an error message (JSON)"), _AGAIN),
    (
        _starts(b"version https://git-lfs"),
        "a pointer of Git LFS, which stands for the zip",
        "Run `git lfs pull` first.",
    ),
    (
        lambda first: not first.strip(b"\0"),
        "something that begins with zero bytes alone: a download that broke off, or the image of a disk",
        _AGAIN,
    ),
    (
        _starts(b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"RIFF"),
        "a single picture or recording",
        "Put the photographs of each class into a folder named for the class, and zip these folders.",
    ),
    (_starts(b"%PDF"), "a PDF document", "Zip the folders with the photographs themselves."),
    (_starts(b"MZ"), "a Windows program that is no self-extracting zip, or one that is cut off", _UNPACK),
)


def _no_zip(first: bytes) -> UserFault:
    for is_kind, kind, fix in _KINDS:
        if is_kind(first):
            verb = "" if kind.startswith("the download") else "it is "
            return UserFault("archive_not_zip", f"The file is no zip: {verb}{kind}.", fix=fix)
    return UserFault(
        "archive_not_zip",
        f"The file is no zip, nor anything else that is known here; it starts with the bytes {first[:4].hex(' ')}.",
        fix="Send a .zip with one folder of images per class; RAR, 7z and tar are not read. If the file is one part of "
        f"several, which end in .z01, .002 or the like: {JOIN_PARTS}",
    )
