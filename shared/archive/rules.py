"""What an archive must look like, judged from its central directory alone; intake and trainer share it.

The layout: one folder per class, images at any depth inside it. Folders that merely wrap everything are taken off.
Class names are brought to composed characters (NFC), so the two spellings of ``é`` that macOS and the rest of the world
write are one class; names that differ only in case are refused, because nobody could tell which was meant.
Types are never decided by file endings here; only what is surely no image is set aside, listed, and not used.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from shared.archive.class_faults import LeftOut, count_faults, name_faults
from shared.archive.entry import Aside, Entry, aside, is_part, read_entry
from shared.archive.safety import ArchiveLimits, listed, safety_faults
from shared.archive.structure.file_name import class_hint
from shared.archive.structure.folder_tree import Folder, grow
from shared.archive.structure.nesting import level_hint, remarks_about
from shared.archive.structure.recognise import base_of, structure_faults
from shared.archive.zip_format.diagnosis import JOIN_PARTS
from shared.archive.zip_format.directory import Record
from shared.errors import Fault, UserFault, faults_together
from shared.job.result import Remark
from shared.wording import count

LAYOUT_VERSION = 1
"""Raise it when folders become other classes; see ``tests/unit/test_data_version.py``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A reason in words, and what mends it."""

    reason: str
    fix: str


REASONS: Mapping[Aside, Told] = {
    Aside.NOT_IMAGE: Told(
        reason="The ending says that this is no image.", fix="Rename it if it is one, else leave it out."
    ),
    Aside.NESTED: Told(
        reason="An archive inside the archive is not opened.", fix="Unpack it before zipping the folders."
    ),
    Aside.NO_CLASS: Told(reason="The file lies in no class folder.", fix="Move it into the folder of its class."),
    Aside.LINK: Told(
        reason="It is a link, and what it leads to is not in the zip.",
        fix="Put the image itself into the folder.",
    ),
    Aside.TOO_BIG: Told(
        reason="The file is too big to be read.", fix="Scale it down; a long side of 1,000 px is plenty."
    ),
}
"""Of every entry that is not used; system files are nobody's concern."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """An entry that is not used, and why."""

    path: str
    reason: Aside


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivePlan:
    """What will be read from an archive.

    Args:
        root: The folder around everything, such as ``photos`` or ``a/b``; empty where there is none.
        classes: Entries that may be images, by class; both sorted by name.
        set_aside: Entries that are not used, system files such as ``Thumbs.db`` included.
        remarks: What a person should know of the way in which folders were taken for classes.
    """

    root: str
    classes: Mapping[str, tuple[Entry, ...]]
    set_aside: tuple[SetAside, ...]
    remarks: tuple[Remark, ...] = ()

    @property
    def num_images(self) -> int:
        """Entries that may be images."""
        return sum(map(len, self.classes.values()))

    @property
    def num_classes(self) -> int:
        """Folders that hold them."""
        return len(self.classes)

    @property
    def num_set_aside(self) -> dict[Aside, int]:
        """Entries set aside, by reason."""
        return {reason: sum(each.reason is reason for each in self.set_aside) for reason in Aside}


def plan_archive(
    records: Sequence[Record], limits: ArchiveLimits | None = None, *, data_end: int | None = None
) -> ArchivePlan:
    """Judge a central directory and plan what to read.

    Args:
        records: Every entry, in the order of the directory.
        limits: What is allowed; the defaults of :class:`ArchiveLimits` unless given.
        data_end: Offset at which the central directory begins, where known; entries must lie before it.

    Raises:
        UserFault: With every fault found; see :func:`shared.errors.faults_together`.
    """
    limits = limits or ArchiveLimits()
    if not records:
        raise UserFault("archive_empty", "The zip has no entries.", fix=_FIX_LAYOUT)
    entries = [read_entry(index, record) for index, record in enumerate(records)]
    faults = safety_faults(records, entries, limits, data_end=data_end)
    layout = _lay_out(entries, limits)
    faults += _layout_faults(layout, records, limits)
    if faults:
        raise faults_together(faults)
    return ArchivePlan(
        root="/".join(layout.root),
        classes={name: tuple(sorted(layout.classes[name], key=_by_path)) for name in sorted(layout.classes)},
        set_aside=tuple(layout.set_aside),
        remarks=remarks_about(layout.base),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """Entries sorted into classes; a class folder without images is a class without entries."""

    top: Folder
    base: Folder
    root: tuple[str, ...]
    classes: dict[str, list[Entry]]
    set_aside: list[SetAside]


def _lay_out(entries: Sequence[Entry], limits: ArchiveLimits) -> _Layout:
    judged = [(entry, aside(entry, max_entry_bytes=limits.max_entry_bytes)) for entry in entries]
    top = grow(judged)
    base = base_of(top)
    root = base.parts
    classes: dict[str, list[Entry]] = {name: [] for name in base.folders}
    set_aside: list[SetAside] = []
    for entry, reason in judged:
        if entry.is_folder:
            continue
        if reason is not None:
            set_aside.append(SetAside(path=entry.path, reason=reason))
        elif entry.folders[: len(root)] == root and len(entry.folders) > len(root):
            classes.setdefault(entry.folders[len(root)], []).append(entry)
        else:
            set_aside.append(SetAside(path=entry.path, reason=Aside.NO_CLASS))
    return _Layout(top=top, base=base, root=root, classes=classes, set_aside=set_aside)


def _by_path(entry: Entry) -> tuple[tuple[str, ...], str]:
    return entry.folders, entry.path


_FIX_LAYOUT = "Put the photographs of each class into a folder named for the class, and zip these folders."


def _layout_faults(layout: _Layout, records: Sequence[Record], limits: ArchiveLimits) -> list[Fault]:
    sizes = {name: len(layout.classes[name]) for name in sorted(layout.classes)}
    structural = structure_faults(layout.top, layout.base, records)
    if structural:
        return structural
    if not any(sizes.values()):
        return [_no_images(layout)]
    if len(sizes) > limits.max_classes:
        return [_too_many_classes(list(sizes), limits.max_classes)]
    counted = count_faults(sizes, _left_out(layout), min_images=limits.min_images)
    if counted:
        hint = level_hint(layout.base)
        if len(sizes) == 1:
            hint += class_hint(entry for entries in layout.classes.values() for entry in entries)
        counted[-1] = replace(counted[-1], fix=counted[-1].fix + hint)
    return [*name_faults(list(sizes)), *counted]


def _too_many_classes(names: Sequence[str], max_classes: int) -> Fault:
    message = f"The zip has {len(names):,} class folders; at most {max_classes:,} classes can be told apart."
    fix = "Put classes that are alike into one folder, or split them into several zips."
    details = {"classes": list(names), "count": len(names)}
    return Fault(code="archive_too_many_classes", message=message, fix=fix, details=details)


def _left_out(layout: _Layout) -> list[LeftOut]:
    """Return why files of classes cannot be photographs."""
    found = []
    for each in layout.set_aside:
        parts = each.path.split("/")
        name = parts[len(layout.root)] if len(parts) > len(layout.root) + 1 else None
        if name in layout.classes and each.reason in REASONS:
            found.append(_missing(name, each))
    return found


def _missing(class_name: str, file: SetAside) -> LeftOut:
    told = REASONS[file.reason]
    if file.reason is not Aside.NOT_IMAGE:
        return LeftOut(class_name=class_name, code=str(file.reason), reason=told.reason, fix=told.fix)
    ending = f".{file.path.rpartition('.')[2].lower()}"
    reason, fix = f"{ending} files are no photographs.", "Put photographs, such as JPEG or PNG files, in their place."
    return LeftOut(class_name=class_name, code=ending, reason=reason, fix=fix)


def _no_images(layout: _Layout) -> Fault:
    loose = layout.top.num_images
    if loose:
        message = f"All {count(loose, 'photograph')} lie in no folder, so nothing says what is on each."
        fix = _FIX_LAYOUT + class_hint(entry for folder in layout.top.walk() for entry in folder.images)
        return Fault(code="archive_no_images", message=message, fix=fix, details={"count": loose})
    aside_paths = [each.path for each in layout.set_aside if each.reason is not Aside.SYSTEM]
    nested = any(each.reason is Aside.NESTED for each in layout.set_aside)
    message = "There are no photographs in the zip; " + (
        "there are archives inside the archive." if nested else f"{count(len(aside_paths), 'other file')} were found."
    )
    fix = "Unpack the inner archives first. " + _FIX_LAYOUT if nested else _FIX_LAYOUT
    if any(is_part(path) for path in aside_paths):
        message = "There are no photographs in the zip; there are the parts of a split archive in it."
        fix = JOIN_PARTS
    return Fault(code="archive_no_images", message=message, fix=fix, details=listed(aside_paths))
