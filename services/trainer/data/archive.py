"""The archive on the local disk: judged anew, then read entry by entry, never unpacked."""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from lzma import LZMAError
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from services.trainer.data.pictures.image import UnusableImage
from shared.archive.directory import open_archive
from shared.archive.entry import Entry
from shared.archive.rules import ArchivePlan, plan_archive

_DAMAGE = (BadZipFile, zlib.error, LZMAError, EOFError, OSError, RuntimeError, ValueError, struct.error)
"""What zipfile raises where packed bytes are not what the central directory promised; a wrong checksum among them."""


class ImageArchive:
    """A zip that has been found sound as far as its central directory tells. Reading is safe for threads.

    Args:
        plan: What is to be read.
    """

    def __init__(self, archive: ZipFile, plan: ArchivePlan) -> None:
        self.plan = plan
        self._archive = archive
        self._infos = archive.infolist()

    @property
    def num_entries(self) -> int:
        """Entries of the central directory, used or not."""
        return len(self._infos)

    def read(self, entry: Entry) -> bytes:
        """Return the bytes of one entry; never more than the directory claims, whatever the packed bytes hold.

        Raises:
            UnusableImage: If they are damaged.
        """
        try:
            with self._archive.open(self._infos[entry.index]) as file:
                return file.read()
        except _DAMAGE as error:
            reason = f"The file is damaged inside the zip: {error}."
            raise UnusableImage("file_damaged", reason, fix="Zip the original again and send it once more.") from error


@contextmanager
def open_images(path: Path) -> Iterator[ImageArchive]:
    """Open an archive for the length of a ``with`` block.

    Raises:
        UserFault: With every fault found; see :func:`shared.archive.rules.plan_archive`.
    """
    with path.open("rb") as file, open_archive(file) as archive:
        yield ImageArchive(archive, plan_archive(archive.infolist(), data_end=archive.start_dir))
