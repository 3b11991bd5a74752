"""Whether an archive is safe to read: no way out of it, nothing hidden, nothing that unpacks out of proportion."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zipfile import ZipInfo

from shared.archive.entry import (
    READABLE_METHODS,
    is_absolute,
    is_encrypted,
    is_link,
    is_traversal,
    read_entry,
    true_name,
)
from shared.errors import Fault

NUM_LISTED = 20
"""Places that a fault names; its ``count`` tells how many there are."""
MAX_SHOWN = 200
"""Characters of a name that are shown; a zip may hold names of 65,535."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveLimits:
    """How much an archive may hold.

    Args:
        max_archive_bytes: Size of the zip itself.
        max_entries: Entries of any kind.
        max_unpacked_bytes: All entries together, unpacked.
        max_entry_bytes: One entry, unpacked; larger files are set aside, the job goes on.
        max_ratio: Unpacked size over packed size, of any entry from ``min_bomb_bytes`` on and of the whole.
        min_bomb_bytes: Below this an entry is harmless whatever its ratio: a plain bitmap packs 1,000 to 1.
        min_images: Images that every class needs.
    """

    max_archive_bytes: int = 5 * 2**30
    max_entries: int = 250_000
    max_unpacked_bytes: int = 50 * 2**30
    max_entry_bytes: int = 256 * 2**20
    max_ratio: float = 200.0
    min_bomb_bytes: int = 32 * 2**20
    min_images: int = 5


def safety_faults(infos: Sequence[ZipInfo], limits: ArchiveLimits, *, data_end: int | None) -> list[Fault]:
    """Find everything that makes an archive unsafe or unreadable.

    Args:
        infos: Every entry, in the order of the directory.
        limits: What is allowed.
        data_end: Offset at which the central directory begins, where known; entries must lie before it.
    """
    return [*_entry_faults(infos), *_duplicate_faults(infos), *_size_faults(infos, limits, data_end)]


def listed(places: Sequence[str]) -> dict[str, object]:
    """Return the details that point at places: the first of them and how many there are."""
    return {"files": list(places[:NUM_LISTED]), "count": len(places)}


def is_safe(info: ZipInfo) -> bool:
    """Tell whether the name of an entry may be used at all."""
    return not (is_link(info) or is_traversal(info) or is_absolute(info))


_SAFETY: tuple[tuple[str, Callable[[ZipInfo], bool], str, str], ...] = (
    ("archive_encrypted", is_encrypted, "need a password", "Zip the folders again without a password."),
    ("archive_traversal", is_traversal, "have names that lead out of the archive", "Zip the class folders themselves."),
    ("archive_absolute_path", is_absolute, "have absolute names", "Zip the class folders with relative names."),
    ("archive_links", is_link, "are links", "Put the images themselves into the folders and zip them again."),
    (
        "archive_unsupported_compression",
        lambda info: info.compress_type not in READABLE_METHODS,
        "are packed by a method that is not supported",
        "Zip the folders again with the usual method, Deflate.",
    ),
    (
        "archive_truncated",
        lambda info: info.header_offset < 0,
        "lie before the start of the file: its beginning is missing",
        "Send it again, and check that it opens on your side.",
    ),
)


def _entry_faults(infos: Sequence[ZipInfo]) -> list[Fault]:
    faults = []
    for code, is_bad, trouble, fix in _SAFETY:
        bad = [true_name(info)[:MAX_SHOWN] for info in infos if is_bad(info)]
        if bad:
            message = f"{len(bad)} of {len(infos)} entries {trouble}, the first is {bad[0]!r}."
            faults.append(Fault(code=code, message=message, fix=fix, details=listed(bad)))
    return faults


def _duplicate_faults(infos: Sequence[ZipInfo]) -> list[Fault]:
    files = (read_entry(index, info) for index, info in enumerate(infos))
    counts = Counter(entry.path for entry in files if not entry.is_folder)
    twice = [path for path, count in counts.items() if count > 1]
    if not twice:
        return []
    message = f"{len(twice)} names stand in the zip more than once, the first is {twice[0]!r}."
    fix = "Make a new zip instead of adding to an old one."
    return [Fault(code="archive_duplicate_names", message=message, fix=fix, details=listed(twice))]


def _size_faults(infos: Sequence[ZipInfo], limits: ArchiveLimits, data_end: int | None) -> list[Fault]:
    faults = []
    if len(infos) > limits.max_entries:
        message = f"The zip has {len(infos):,} entries, at most {limits.max_entries:,} are allowed."
        fix = "Send fewer images; a few hundred per class are plenty."
        faults.append(Fault(code="archive_too_many_files", message=message, fix=fix, details={"count": len(infos)}))
    unpacked = sum(info.file_size for info in infos)
    if unpacked > limits.max_unpacked_bytes:
        message = f"The zip unpacks to {unpacked:,} bytes, at most {limits.max_unpacked_bytes:,} are allowed."
        fix = "Send fewer or smaller images; a long side of 1,000 px is plenty."
        faults.append(Fault(code="archive_unpacks_too_big", message=message, fix=fix, details={"bytes": unpacked}))
    bombs = _bombs(infos, limits, data_end)
    if bombs:
        message = f"{len(bombs)} entries unpack to far more than an image can, the first is {bombs[0]!r}."
        fix = "Zip only your own images; leave out the files named in the details."
        faults.append(Fault(code="archive_bomb", message=message, fix=fix, details=listed(bombs)))
    return faults


def _bombs(infos: Sequence[ZipInfo], limits: ArchiveLimits, data_end: int | None) -> list[str]:
    """Name entries that unpack out of proportion, or share their packed bytes with others (Fifield's bomb).

    Source: David Fifield, A better zip bomb, WOOT 2019.
    """
    inflated = [
        true_name(info)
        for info in infos
        if info.file_size >= limits.min_bomb_bytes and info.file_size > limits.max_ratio * max(info.compress_size, 1)
    ]
    unpacked, packed = sum(info.file_size for info in infos), sum(info.compress_size for info in infos)
    if not inflated and unpacked >= limits.min_bomb_bytes * 8 and unpacked > limits.max_ratio * max(packed, 1):
        inflated = [true_name(max(infos, key=lambda info: info.file_size))]
    by_offset = sorted(infos, key=lambda info: info.header_offset)
    starts = [*(info.header_offset for info in by_offset[1:]), data_end]
    overlapping = [
        true_name(info)
        for info, end in zip(by_offset, starts, strict=True)
        if end is not None and info.header_offset + info.compress_size > end
    ]
    return list(dict.fromkeys([*inflated, *overlapping]))
