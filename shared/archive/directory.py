"""Opens a zip by its central directory, from any seekable stream, and says in plain words why one cannot be opened."""

import struct
from typing import IO
from zipfile import BadZipFile, ZipFile

from shared.errors import UserFault

_FIRST_BYTES = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_UNREADABLE = (BadZipFile, ValueError, OverflowError, EOFError, struct.error)
"""What zipfile raises on bytes that are no sound zip; ValueError includes names that are not the UTF-8 they claim."""


def open_archive(file: IO[bytes]) -> ZipFile:
    """Read the central directory.

    Args:
        file: Seekable; only its end and its first bytes are read.

    Raises:
        UserFault: ``archive_empty``, ``archive_not_zip``, ``archive_truncated`` or ``archive_damaged``.
    """
    try:
        return ZipFile(file)
    except NotImplementedError as error:
        raise UserFault(
            "archive_damaged",
            f"The zip asks for features that no common program writes: {error}.",
            fix="Zip the folders again with the usual settings.",
        ) from error
    except _UNREADABLE as error:
        raise _diagnosis(file, str(error)) from error


def _diagnosis(file: IO[bytes], reason: str) -> UserFault:
    size_bytes = file.seek(0, 2)
    file.seek(0)
    first = file.read(4)
    if size_bytes == 0:
        return UserFault(
            "archive_empty", "The file has no bytes.", fix="Check the file on your side, then send it again."
        )
    if first not in _FIRST_BYTES:
        return UserFault(
            "archive_not_zip",
            f"The file is no zip: it starts with {first!r}.",
            fix="Send a .zip with one folder of images per class; RAR, 7z and tar are not read.",
        )
    if "not a zip file" in reason:
        return UserFault(
            "archive_truncated",
            f"The zip is cut off: its end is missing after {size_bytes:,} bytes.",
            fix="Send it again, and check that it opens on your side.",
        )
    return UserFault(
        "archive_damaged",
        f"The table of contents of the zip cannot be read: {reason}.",
        fix="Zip the folders again, check that the zip opens on your side, and send it again.",
    )
