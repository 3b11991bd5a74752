"""A stored object read like a file, in a few ranges: of an archive its table of contents, of a zip a single entry."""

import io

from shared.archive.zip_format.directory import MAX_DIRECTORY_BYTES
from shared.errors import UserFault
from shared.ports.object_store import ObjectStore

BLOCK_BYTES = 128 * 1024
"""Least range asked for: the directory of 1,000 images, so a usual archive takes two or three reads."""
_MAX_READ_BYTES = MAX_DIRECTORY_BYTES + 16 * 2**20
"""Most bytes read of any archive: its table of contents, and looks at where one may begin."""


class RemoteFile(io.RawIOBase):
    """A stored object as a seekable file; reads in blocks and keeps the last one.

    Args:
        objects: Where it lies.
        key: Under which key.
        generation: Which version; the newest unless given.
        size_bytes: Its size.
        most_bytes: Most that is read of it.
    """

    def __init__(
        self,
        objects: ObjectStore,
        key: str,
        *,
        generation: str | None,
        size_bytes: int,
        most_bytes: int = _MAX_READ_BYTES,
    ) -> None:
        super().__init__()
        self._objects = objects
        self._key = key
        self._generation = generation
        self._size_bytes = size_bytes
        self._position = 0
        self._block_start = 0
        self._block = b""
        self._left_bytes = self._most_bytes = most_bytes

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that it can be sought."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move the position.

        Raises:
            OSError: If it would lie before the start.
        """
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size_bytes}[whence]
        if start + offset < 0:
            raise OSError(f"position {start + offset} lies before the start")
        self._position = start + offset
        return self._position

    def read(self, size: int = -1, /) -> bytes:
        """Return bytes from the position on, fewer only at the end; nothing is set aside for what is not there."""
        end = self._size_bytes if size < 0 else min(self._position + size, self._size_bytes)
        if end <= self._position:
            return b""
        if not self._block_start <= self._position <= end <= self._block_start + len(self._block):
            self._fetch(self._position, end)
        data = self._block[self._position - self._block_start : end - self._block_start]
        self._position += len(data)
        return data

    def _fetch(self, start: int, end: int) -> None:
        """Read a range of at least one block, reaching back where the end is near: that is looked at first."""
        self._block_start = max(0, min(start, self._size_bytes - BLOCK_BYTES))
        end = min(self._size_bytes, max(end, self._block_start + BLOCK_BYTES))
        self._left_bytes -= end - self._block_start
        if self._left_bytes < 0:
            raise UserFault(
                "archive_too_many_files",
                f"The table of contents of the zip takes more than {self._most_bytes:,} bytes.",
                fix="Send fewer images; a few hundred per class are plenty.",
            )
        self._block = self._objects.read(self._key, self._block_start, end, generation=self._generation)
