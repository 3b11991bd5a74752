"""Whether an archive can be read: nothing hidden from us, nothing that takes more room than it may.

Nothing is ever unpacked to a disk. So names harm nobody, wherever they point; and entries that are not used are not
read, so it does not matter how they are packed, whether they need a password or how large they claim to be.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from shared.archive.entry import Aside, Entry, aside, is_encrypted, is_readable_method
from shared.archive.name_table import name_table
from shared.archive.zip_format.diagnosis import FIX_CUT_OFF
from shared.archive.zip_format.directory import MAX_ENTRIES, Record
from shared.errors import Fault
from shared.text.bound import MOST_ENTRIES
from shared.text.printable import quoted

NUM_LISTED = min(20, MOST_ENTRIES)
"""Places that a fault names; its ``count`` tells how many there are."""


def _tabled(name: str) -> int:
    """Let a field of :class:`ArchiveLimits` be what the table of names and sizes says."""
    value: int = field(default_factory=lambda: name_table().limits[name])
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveLimits:
    """How much an archive may hold.

    Args:
        max_archive_bytes: Size of the zip itself.
        max_entries: Entries of any kind.
        max_unpacked_bytes: All entries that are used together, unpacked.
        max_entry_bytes: One entry, unpacked; larger files are set aside, the job goes on.
        max_ratio: Unpacked size over packed size, of any entry from ``min_bomb_bytes`` on and of the whole.
        min_bomb_bytes: Below this an entry is harmless whatever its ratio: a plain bitmap packs 1,000 to 1.
        min_images: Images that every class needs.
        max_classes: What is counted of every pair of classes, in memory and in ``result.json``, grows with its square.
    """

    max_archive_bytes: int = _tabled("max_archive_bytes")
    max_entries: int = MAX_ENTRIES
    max_unpacked_bytes: int = _tabled("max_unpacked_bytes")
    max_entry_bytes: int = _tabled("max_entry_bytes")
    max_ratio: float = 200.0
    min_bomb_bytes: int = 32 * 2**20
    min_images: int = _tabled("min_images")
    max_classes: int = _tabled("max_classes")


def safety_faults(
    records: Sequence[Record], entries: Sequence[Entry], limits: ArchiveLimits, *, data_end: int | None
) -> list[Fault]:
    """Find everything that makes an archive unsafe or unreadable.

    Args:
        records: Every entry, in the order of the directory.
        entries: The same, as people know them.
        limits: What is allowed.
        data_end: Offset at which the central directory begins, where known; entries must lie before it.
    """
    used: list[tuple[Entry, Record]] = []
    links: list[str] = []
    for entry, record in zip(entries, records, strict=True):
        reason = aside(entry, max_entry_bytes=limits.max_entry_bytes)
        if reason is Aside.LINK:
            links.append(entry.path)
        elif reason is None and not entry.is_folder:
            used.append((entry, record))
    faults = [*_link_faults(links, len(used)), *_entry_faults(used), *_duplicate_faults(used)]
    return [*faults, *_place_faults(used, data_end), *_size_faults(used, len(records), limits)]


def listed(places: Sequence[str]) -> dict[str, object]:
    """Return the details that point at places: the first of them and how many there are."""
    return {"files": list(places[:NUM_LISTED]), "count": len(places)}


_Used = Sequence[tuple[Entry, Record]]

_SAFETY: tuple[tuple[str, Callable[[Record], bool], str, str], ...] = (
    (
        "archive_encrypted",
        is_encrypted,
        "need a password",
        "Zip the folders again without a password, that is, without encryption.",
    ),
    (
        "archive_truncated",
        lambda record: record.offset < 0,
        "lie before the start of the file: its beginning is missing",
        FIX_CUT_OFF,
    ),
)


def _link_faults(links: Sequence[str], num_used: int) -> list[Fault]:
    """Refuse an archive of links; a few among photographs are left out and listed."""
    if len(links) <= num_used:
        return []
    message = f"{len(links):,} files are links, not photographs, the first is {quoted(links[0])}."
    fix = (
        "Put the photographs themselves into the folders and zip them again; on a command line, `zip -r` without `-y` "
        "follows links."
    )
    return [Fault(code="archive_links", message=message, fix=fix, details=listed(links))]


def _entry_faults(used: _Used) -> list[Fault]:
    faults = []
    for code, is_bad, trouble, fix in _SAFETY:
        bad = [entry.path for entry, record in used if is_bad(record)]
        if bad:
            message = f"{len(bad):,} of {len(used):,} files {trouble}, the first is {quoted(bad[0])}."
            faults.append(Fault(code=code, message=message, fix=fix, details=listed(bad)))
    return [*faults, *_method_faults(used)]


def _place_faults(used: _Used, data_end: int | None) -> list[Fault]:
    """Refuse an archive of which bytes were lost on the way; where it concerns few files, these alone are damaged."""
    end = math.inf if data_end is None else data_end
    beyond = [entry.path for entry, record in used if record.offset + record.packed_bytes > end]
    if 2 * len(beyond) <= len(used):
        return []
    message = (
        f"The zip is damaged: {len(beyond):,} of {len(used):,} files would reach beyond the place where they must end, "
        f"the first is {quoted(beyond[0])}."
    )
    fix = "Bytes were lost or changed on the way. Check that the zip opens on your side, and send it again."
    return [Fault(code="archive_damaged", message=message, fix=fix, details=listed(beyond))]


_METHOD_NAMES = {
    1: "Shrink",
    6: "Implode",
    9: "Deflate64",
    12: "bzip2",
    14: "LZMA",
    20: "Zstandard (old)",
    93: "Zstandard",
    95: "xz",
    96: "JPEG",
    97: "WavPack",
    98: "PPMd",
    99: "AES encryption",
}
_DEFLATE64 = 9
_FIX_DEFLATE64 = (
    "Windows Explorer packs by Deflate64 where a zip or a file in it becomes larger than 2 GB, and offers no choice: "
    "pack "
    "fewer photographs at a time, leave videos out, or use 7-Zip (free): mark the class folders, Add to archive, "
    "archive "
    "format zip, compression method Deflate or level Store. Or name the folder itself to `convtailor run`."
)
_FIX_METHOD = (
    "Pack the folders anew: in Windows or on a Mac with the zip that the system makes; in 7-Zip or WinZip choose the "
    "format "
    "zip and the method Deflate or Store (no compression). Or name the folder itself to `convtailor run`."
)


def _method_faults(used: _Used) -> list[Fault]:
    """Name the methods that are not read, and what to do where each of them comes from."""
    bad = [(entry.path, record.method) for entry, record in used if not is_readable_method(record)]
    if not bad:
        return []
    methods = dict.fromkeys(method for _, method in bad)
    names = ", ".join(_METHOD_NAMES.get(method, f"number {method}") for method in list(methods)[:3])
    message = (
        f"{len(bad):,} of {len(used):,} files are compressed in a way that convtailor does not read ({names}), the "
        f"first is {quoted(bad[0][0])}."
    )
    return [
        Fault(
            code="archive_unsupported_compression",
            message=message,
            fix=_FIX_DEFLATE64 if _DEFLATE64 in methods else _FIX_METHOD,
            details=listed([path for path, _ in bad]),
        )
    ]


def _duplicate_faults(used: _Used) -> list[Fault]:
    counts = Counter(entry.path for entry, _ in used)
    twice = [path for path, count in counts.items() if count > 1]
    if not twice:
        return []
    message = f"{len(twice):,} names stand in the zip more than once, the first is {quoted(twice[0])}."
    fix = "Make a new zip instead of adding to an old one."
    return [Fault(code="archive_duplicate_names", message=message, fix=fix, details=listed(twice))]


def _size_faults(used: _Used, num_entries: int, limits: ArchiveLimits) -> list[Fault]:
    faults = []
    if num_entries > limits.max_entries:
        message = f"The zip has {num_entries:,} entries, at most {limits.max_entries:,} are allowed."
        fix = "Send fewer images; a few hundred per class are plenty."
        faults.append(
            Fault(
                code="archive_too_many_files",
                message=message,
                fix=fix,
                details={"count": num_entries, "max_count": limits.max_entries},
            )
        )
    unpacked = sum(record.size_bytes for _, record in used)
    if unpacked > limits.max_unpacked_bytes:
        message = f"The zip unpacks to {unpacked:,} bytes, at most {limits.max_unpacked_bytes:,} are allowed."
        fix = "Send fewer or smaller images; a long side of 1,000 px is plenty."
        faults.append(
            Fault(
                code="archive_unpacks_too_big",
                message=message,
                fix=fix,
                details={"bytes": unpacked, "max_bytes": limits.max_unpacked_bytes},
            )
        )
    bombs = _bombs(used, limits)
    if bombs:
        message = f"{len(bombs):,} files unpack to far more than an image can, the first is {quoted(bombs[0])}."
        fix = "Zip only your own images; leave out the files named in the details."
        faults.append(Fault(code="archive_bomb", message=message, fix=fix, details=listed(bombs)))
    return faults


def _bombs(used: _Used, limits: ArchiveLimits) -> list[str]:
    """Name files that claim to unpack out of proportion, or share their packed bytes with others (Fifield's bomb).

    What they unpack to is bounded when they are read; this spares the hours that it would take.

    Source: David Fifield, A better zip bomb, WOOT 2019.
    """
    if not used:
        return []
    inflated = [
        entry.path
        for entry, record in used
        if record.size_bytes >= limits.min_bomb_bytes
        and record.size_bytes > limits.max_ratio * max(record.packed_bytes, 1)
    ]
    unpacked = sum(record.size_bytes for _, record in used)
    packed = sum(record.packed_bytes for _, record in used)
    if not inflated and unpacked >= limits.min_bomb_bytes * 8 and unpacked > limits.max_ratio * max(packed, 1):
        inflated = [max(used, key=lambda each: each[1].size_bytes)[0].path]
    by_offset = sorted(used, key=lambda each: each[1].offset)
    overlapping = [
        entry.path
        for (entry, record), (_, following) in pairwise(by_offset)
        if record.offset + record.packed_bytes > following.offset
    ]
    return list(dict.fromkeys([*inflated, *overlapping]))
