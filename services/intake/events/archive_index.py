"""Judges an uploaded archive by its central directory, with a few ranged reads, however large the archive is.

::

    read_plan(objects, key, generation=..., limits=ArchiveLimits(max_archive_bytes=...)) -> ArchivePlan
    # plan.num_images, plan.num_classes; raises UserFault for the person, NotFound and Transient for the caller
"""

from threading import BoundedSemaphore
from typing import IO, cast

from services.intake.remote_file import RemoteFile
from shared.archive.rules import ArchivePlan, plan_archive
from shared.archive.safety import ArchiveLimits
from shared.archive.zip_format.directory import read_directory
from shared.errors import UserFault
from shared.ports.object_store import ObjectStore

_AT_ONCE = BoundedSemaphore(2)
"""Tables of contents in memory at a time: one of 250,000 entries takes more than a hundred megabytes."""


def read_plan(
    objects: ObjectStore,
    key: str,
    *,
    generation: str | None = None,
    limits: ArchiveLimits | None = None,
    is_mixed: bool = False,
) -> ArchivePlan:
    """Read the central directory of an archive and plan what the trainer will read.

    Args:
        objects: Where it lies.
        key: Under which key.
        generation: Which version; the newest unless given.
        limits: What is allowed; ``max_archive_bytes`` is the cap on the object itself.
        is_mixed: Whether parts of a split are put together.

    Raises:
        UserFault: With every fault found.
        NotFound: If there is no such object or generation.
        Transient: If the store does not answer.
    """
    limits = limits or ArchiveLimits()
    size_bytes = objects.stat(key).size_bytes
    if size_bytes > limits.max_archive_bytes:
        raise UserFault(
            "archive_too_big",
            f"The zip has {size_bytes:,} bytes, at most {limits.max_archive_bytes:,} are allowed.",
            fix="Send fewer or smaller images; a long side of 1,000 px is plenty.",
            details={"bytes": size_bytes, "max_bytes": limits.max_archive_bytes},
        )
    remote = RemoteFile(objects, key, generation=generation, size_bytes=size_bytes)
    with _AT_ONCE:
        directory = read_directory(cast("IO[bytes]", remote), max_entries=limits.max_entries)
        return plan_archive(directory.records, limits, data_end=directory.start, is_mixed=is_mixed)
