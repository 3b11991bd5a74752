"""A ``.npy`` file of squares that grows image by image, through the page cache, not through this process's memory."""

import os
from collections.abc import Collection
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from services.trainer.scratch.disk import allocate


class SquareFile:
    """Appends ``(px, px, 3) uint8`` images; on a clean end of the ``with`` block the file is flushed to the disk.

    Memory-mapping for writing would count every written page as this process's memory until the system needs it.

    Args:
        path: Where.
        px: Side length.
        num_images: Room on the disk is taken for so many at once.

    Raises:
        OSError: If the disk has no such room.
    """

    def __init__(self, path: Path, px: int, *, num_images: int = 0) -> None:
        self._path = path
        self._px = px
        self._num_images = 0
        self._file = path.open("w+b")
        self._write_header()
        self._start = self._file.tell()
        try:
            allocate(self._file.fileno(), self._start, self._start + num_images * px * px * 3)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._file.truncate(self._start + self._num_images * self._px**2 * 3)
            self._file.seek(0)
            self._write_header()
            self._file.flush()
            os.fsync(self._file.fileno())
        self._file.close()

    def append(self, pixels: bytes) -> None:
        """Add an image: its rows from the top, each pixel red, green, blue."""
        self._file.write(pixels)
        self._num_images += 1

    def skip(self) -> None:
        """Leave room for an image that nobody will look at: a hole in the file."""
        self._file.seek(self._px**2 * 3, os.SEEK_CUR)
        self._num_images += 1

    def drop(self, rows: Collection[int]) -> None:
        """Take images out; the others close up and keep their order."""
        gone, image_bytes = set(rows), self._px**2 * 3
        kept = 0
        for row in range(self._num_images):
            if row in gone:
                continue
            if kept < row:
                self._file.seek(self._start + row * image_bytes)
                pixels = self._file.read(image_bytes)
                self._file.seek(self._start + kept * image_bytes)
                self._file.write(pixels)
            kept += 1
        self._num_images = kept
        self._file.truncate(self._start + kept * image_bytes)
        self._file.seek(0, os.SEEK_END)

    def _write_header(self) -> None:
        """Write the header; numpy leaves room in it for the number of images to grow."""
        shape = (self._num_images, self._px, self._px, 3)
        header = {"descr": np.lib.format.dtype_to_descr(np.dtype(np.uint8)), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self._file, header)
