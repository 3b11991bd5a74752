"""The archive on the local disk: judged anew, then read entry by entry, never unpacked."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from services.trainer.data.pictures.image import UnusableImage
from shared.archive.entry import Entry, read_entry
from shared.archive.name_remark import remarks_about_names
from shared.archive.rules import ArchivePlan, plan_archive
from shared.archive.zip_format.content import ContentReader, DamagedContent
from shared.archive.zip_format.directory import Directory, Record, read_directory


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
        return _read(self._content, self._records[entry.index])


def _read(content: ContentReader, record: Record) -> bytes:
    try:
        return content.read(record)
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


def read_files(path: Path, paths: Sequence[str]) -> Iterator[bytes]:
    """Yield the bytes of some files of an archive that was found sound before: what its folders mean is not judged.

    Args:
        path: The zip.
        paths: As entries have them.

    Raises:
        KeyError: If there is no such file.
        UnusableImage: If one is damaged.
    """
    with path.open("rb") as file:
        wanted = set(paths)
        records = {}
        for index, record in enumerate(read_directory(file).records):
            entry = read_entry(index, record)
            if entry.path in wanted and not entry.is_folder:
                records[entry.path] = record
        content = ContentReader(file)
        for each in paths:
            yield _read(content, records[each])
