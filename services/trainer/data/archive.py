"""The archive on the local disk: judged anew, then read entry by entry, never unpacked."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from services.trainer.data.pictures.image import UnusableImage
from shared.archive.entry import Entry
from shared.archive.name_remark import remarks_about_names
from shared.archive.rules import ArchivePlan, plan_archive
from shared.archive.zip_format.content import ContentReader, DamagedContent
from shared.archive.zip_format.directory import Directory, read_directory


class ImageArchive:
    """A zip that has been found sound as far as its central directory tells. Reading is safe for threads.

    Args:
        directory: Every entry, used or not.
        content: Reads single ones.
        plan: What is to be read.
    """

    def __init__(self, directory: Directory, content: ContentReader, plan: ArchivePlan) -> None:
        self.plan = plan
        self._records = directory.records
        self._content = content

    @property
    def num_entries(self) -> int:
        """Entries of the central directory, used or not."""
        return len(self._records)

    def read(self, entry: Entry) -> bytes:
        """Return the bytes of one entry; no more are unpacked than the directory claims, whatever is packed.

        Raises:
            UnusableImage: If they are damaged.
        """
        try:
            return self._content.read(self._records[entry.index])
        except (DamagedContent, OSError) as error:
            reason = f"The file is damaged inside the zip: {error}."
            fix = "Zip the original again and send it once more."
            raise UnusableImage("file_damaged", reason, fix=fix) from error


@contextmanager
def open_images(path: Path, *, is_mixed: bool = False) -> Iterator[ImageArchive]:
    """Open an archive for the length of a ``with`` block.

    Args:
        path: The zip.
        is_mixed: Whether parts of a split are put together.

    Raises:
        UserFault: With every fault found; see :func:`shared.archive.rules.plan_archive`.
    """
    with path.open("rb") as file:
        directory = read_directory(file)
        plan = plan_archive(directory.records, data_end=directory.start, is_mixed=is_mixed)
        remarks = (*plan.remarks, *remarks_about_names(directory.page, is_guessed=directory.is_guessed))
        yield ImageArchive(directory, ContentReader(file), replace(plan, remarks=remarks))
