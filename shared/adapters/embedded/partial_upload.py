"""Uploads in pieces on their way into the folder of objects: what has arrived stays, and the sender goes on behind it.

The protocol is that of Cloud Storage's resumable uploads, so that a client speaks to both back-ends alike.
Source: https://cloud.google.com/storage/docs/performing-resumable-uploads
"""

import contextlib
import fcntl
import os
import re
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from shared.adapters.embedded.folder_object_store import FolderObjectStore, translated
from shared.errors import Transient, UserFault
from shared.ports.object_store import StoredObject

_CHUNK_BYTES = 1 << 20
_KEPT_S = 86_400.0
"""What nobody has added to for so long is given up; its sender begins anew."""
_PIECE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")
_QUESTION = re.compile(r"bytes \*/(\d{1,18}|\*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentRange:
    """Which bytes of an upload a request brings.

    Args:
        start: Place of the first; ``None`` where it brings none and asks what has arrived.
        stop: Place behind the last.
        total: Size of the whole upload, once the sender knows it.
    """

    start: int | None
    stop: int
    total: int | None


def read_content_range(header: str) -> ContentRange:
    """Read the header ``Content-Range`` of a request.

    Raises:
        UserFault: ``invalid_content_range``.
    """
    if asked := _QUESTION.fullmatch(header):
        return ContentRange(start=None, stop=0, total=_total(asked[1]))
    if found := _PIECE.fullmatch(header):
        start, stop, total = int(found[1]), int(found[2]) + 1, _total(found[3])
        if start < stop and (total is None or stop <= total):
            return ContentRange(start=start, stop=stop, total=total)
    raise UserFault(
        "invalid_content_range",
        f"Received the Content-Range {header[:80]!r}, expected one such as 'bytes 0-8388607/*'.",
        fix="Say which bytes the piece holds, or send 'bytes */*' without a body to ask what has arrived.",
    )


def _total(text: str) -> int | None:
    return None if text == "*" else int(text)


class PartialUploads:
    """Keeps what has arrived of uploads in files of a folder.

    Args:
        folder: Where they are kept; made where it is missing.
        objects: Takes them once they are whole.

    Raises:
        Transient: If the folder cannot be made.
    """

    def __init__(self, folder: Path, objects: FolderObjectStore) -> None:
        self._folder = folder
        self._objects = objects
        with translated(folder):
            folder.mkdir(parents=True, exist_ok=True)

    def begin(self) -> str:
        """Return the identifier of a new upload, and give up those that were left."""
        eldest = time.time() - _KEPT_S
        for path in self._folder.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < eldest:
                    path.unlink()
        return uuid.uuid4().hex

    def num_held(self, session: str) -> int:
        """Return how many bytes of an upload have arrived."""
        try:
            return self._path(session).stat().st_size
        except FileNotFoundError:
            return 0

    def add(self, session: str, start: int, source: BinaryIO) -> int:
        """Append a piece, durably; what has arrived of it already is passed over, and one behind a gap is not taken.

        Where the source breaks, what it gave until then stays.

        Args:
            session: From :meth:`begin`.
            start: Place of its first byte.
            source: The piece.

        Returns:
            How many bytes have arrived now.

        Raises:
            Transient: If the disk does not take it, or another request is at it.
        """
        with self._opened(session) as file:
            held = file.seek(0, os.SEEK_END)
            if start > held:
                return held
            known = held - start
            try:
                while data := source.read(_CHUNK_BYTES):
                    fresh = data[known:]
                    known -= len(data) - len(fresh)
                    held += len(fresh)
                    file.write(fresh)
            finally:
                file.flush()
                os.fsync(file.fileno())
            return held

    def finish(self, session: str, key: str, *, content_type: str) -> StoredObject:
        """Make an object of an upload that is whole.

        Raises:
            Conflict: If the key is taken.
            Transient: If the disk does not take it, or another request is at it.
        """
        with self._opened(session) as file:
            return self._objects.adopt(self._path(session), file, key, content_type=content_type)

    def _path(self, session: str) -> Path:
        return self._folder / uuid.UUID(hex=session).hex

    @contextlib.contextmanager
    def _opened(self, session: str) -> Iterator[BinaryIO]:
        """Open the file of an upload for this request alone."""
        path = self._path(session)
        with translated(path), path.open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise Transient("another request is sending this upload") from error
            yield file
