"""Folders that hold the same files as others: recognised by names, sizes and checksums, nothing is unpacked."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from shared.archive.entry import Entry
from shared.archive.structure.folder_name import sense_of, words
from shared.archive.structure.folder_tree import Folder, names_of
from shared.archive.zip_format.directory import Record
from shared.errors import Fault
from shared.text.printable import quoted
from shared.wording import count, quoted_names

_MOST = 0.5
"""Share of a folder's images that lie in folders found elsewhere too, from which on it is called a copy."""

_SAID = frozenset(
    {"copy", "copies", "kopie", "kopia", "kopi", "copie", "copia", "of", "von", "de", "di", "av", "af", "van"}
)
"""What systems write into the name of a copy, as in ``Copy of dogs`` and ``Kopie von dogs``."""

_Path = tuple[str, ...]
_Leaves = Mapping[_Path, tuple[int, int]]
"""By its path: the number of images that lie directly in a folder, and a digest of names, sizes and checksums."""


def second_copies(base: Folder, records: Sequence[Record]) -> dict[Folder, str]:
    """Return folders that hold what others beside them hold, each with where else it lies, in words.

    Args:
        base: The folder whose folders would be the classes.
        records: The central directory.
    """
    leaves = {folder: _leaves(folder, records) for folder in base.holding}
    beside = {(folder.name, *path): held for folder, inner in leaves.items() for path, held in inner.items()}
    owners: dict[tuple[int, int], Folder] = {}
    copies: dict[Folder, str] = {}
    for folder in sorted(leaves, key=lambda each: (len(each.name), each.name)):  # "photos copy" copies "photos"
        twin = _twin(folder, leaves[folder], owners)
        bare = leaves[folder] if folder.core is folder else _leaves(folder.core, records)
        if any(_is_repeated(folder.name, inner, beside) for inner in (leaves[folder], bare)):
            copies[folder] = "beside it"
        elif twin is not None:
            copies[folder] = f"in {quoted(twin.path)}"
        else:
            owners |= {held: folder for held in leaves[folder].values() if held not in owners}
    return copies or _all_in_one(base, records)


def _all_in_one(base: Folder, records: Sequence[Record]) -> dict[Folder, str]:
    """Return a folder such as ``all`` that holds what lies in ``cats`` and in ``dogs`` beside it, under any names.

    Only folders with a third of all images are looked at, three at most: one that holds the others has half of them.
    """
    for folder in base.holding:
        others = [each for each in base.holding if each is not folder]
        if 3 * folder.num_images < base.num_images or folder.class_folders:
            continue
        held = set(_contents(folder, records))
        shared = {each: sum(content in held for content in _contents(each, records)) for each in others}
        repeated = [each for each, number in shared.items() if number >= _MOST * each.num_images]
        if len(repeated) > 1 and sum(shared.values()) >= _MOST * folder.num_images:
            return {folder: f"in {names_of(repeated)}"}
    return {}


def _contents(folder: Folder, records: Sequence[Record]) -> Iterator[int]:
    """Yield what tells the content of every image in a folder, if the zip says it."""
    for level in folder.walk():
        for entry in level.images:
            record = records[entry.index]
            if record.crc:
                yield record.crc << 48 | record.size_bytes


def copy_fault(copies: Mapping[Folder, str]) -> Fault:
    """Tell of folders that hold a second copy.

    Args:
        copies: As :func:`second_copies` returns them, at least one.
    """
    paths = [folder.path for folder in copies]
    first, where = next(iter(copies.items()))
    more = f" The same holds for {quoted_names(paths[1:])}." if len(paths) > 1 else ""
    return Fault(
        code="archive_second_copy",
        message=f"The folder {quoted(first.path)} holds a second copy of the photographs {where}: "
        f"{count(first.num_images, 'file')}.{more} A copy would become a class, or put the same picture into two.",
        fix=f"Leave {quoted_names(paths)} out of the zip.",
        details={"folders": paths},
    )


def _leaves(folder: Folder, records: Sequence[Record]) -> _Leaves:
    """Return what lies in a folder and in every one below it, by the path from here."""
    held = {}
    waiting: list[tuple[Folder, _Path]] = [(folder, ())]
    while waiting:
        at, path = waiting.pop()
        waiting.extend((inner, (*path, inner.name)) for inner in at.folders.values())
        if at.images:
            held[path] = (len(at.images), sum(_digest(entry, records[entry.index]) for entry in at.images))
    return held


def _digest(entry: Entry, record: Record) -> int:
    """Return what files of one name and content have in common; those without a checksum are like no other."""
    return hash((entry.path.rpartition("/")[2], entry.size_bytes, record.crc or (entry.index, "unknown")))


def _is_repeated(name: str, inner: _Leaves, beside: _Leaves) -> bool:
    """Tell whether most of what lies in a folder lies under the same names beside it."""
    elsewhere = (held for path, held in inner.items() if path and path[0] != name and beside.get(path) == held)
    repeated = sum(num_images for num_images, _ in elsewhere)
    return repeated >= _MOST * sum(held[0] for held in inner.values()) > 0


def _twin(folder: Folder, inner: _Leaves, owners: Mapping[tuple[int, int], Folder]) -> Folder | None:
    """Return the folder that holds most of what lies in another, if the two are no classes and no parts of a split."""
    shared: Counter[Folder] = Counter()
    for held in inner.values():
        if held in owners:
            shared[owners[held]] += held[0]
    least = _MOST * sum(held[0] for held in inner.values())
    alike = (twin for twin, num_images in shared.most_common(1) if num_images >= least)
    return next((twin for twin in alike if _may_be_copies(twin, folder)), None)


def _may_be_copies(one: Folder, other: Folder) -> bool:
    """Tell whether one is called as a copy of the other is, as in ``dogs (2)``, or both hold class folders."""
    if sense_of(one.name).role and sense_of(other.name).role:
        return False
    stem, spoken = words(one.name), words(other.name)
    bare = tuple(word for word in spoken if word not in _SAID)
    return stem in (spoken[: len(stem)], bare) or bool(one.class_folders and other.class_folders)
