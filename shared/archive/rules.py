"""What an archive must look like, judged from its central directory alone; intake and trainer share it.

The layout: one folder per class, images at any depth inside it. Folders that merely wrap everything are taken off.
Class names are brought to composed characters (NFC), so the two spellings of ``é`` that macOS and the rest of the world
write are one class; names that differ only in case are refused, because nobody could tell which was meant.
Types are never decided by file endings here; only what is surely no image is set aside, listed, and not used.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from shared.archive.arrangement import Arrangement, SetAside, lay_out
from shared.archive.class_faults import LeftOut, count_faults, name_faults
from shared.archive.entry import Aside, Entry, read_entry
from shared.archive.no_photographs import (
    FIX_LAYOUT,
    OFFICE_ENTRY,
    about_hidden,
    no_photographs_fault,
    office_document_fault,
)
from shared.archive.safety import ArchiveLimits, safety_faults
from shared.archive.structure.file_name import class_hint
from shared.archive.structure.folder_name import Role
from shared.archive.structure.nesting import level_hint, remarks_about
from shared.archive.structure.own_split import OwnSplit, mixing_advice, nothing_to_learn_fault, remarks_about_parts
from shared.archive.structure.recognise import structure_faults
from shared.archive.zip_format.directory import Record
from shared.errors import Fault, UserFault, faults_together
from shared.job.result import Remark
from shared.wording import quoted_names

LAYOUT_VERSION = 3
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
    Aside.PLACEHOLDER: Told(
        reason="It was never downloaded from iCloud: this is a note in its place.",
        fix="Have the folder downloaded (in the Finder: right click, Download Now), and zip it again.",
    ),
    Aside.TOO_BIG: Told(
        reason="The file is too big to be read.", fix="Scale it down; a long side of 1,000 px is plenty."
    ),
}
"""Of every entry that is not used; system files are nobody's concern."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivePlan:
    """What will be read from an archive.

    Args:
        root: The folder around everything, such as ``photos`` or ``a/b``; empty where there is none.
        classes: Entries that may be images, by class; both sorted by name.
        set_aside: Entries that are not used, system files such as ``Thumbs.db`` included.
        remarks: What a person should know of the way in which folders were taken for classes.
        own: The split that the person made, where there is one to be used; ``None``: the product makes one.
    """

    root: str
    classes: Mapping[str, tuple[Entry, ...]]
    set_aside: tuple[SetAside, ...]
    remarks: tuple[Remark, ...] = ()
    own: OwnSplit | None = None

    @property
    def num_images(self) -> int:
        """Entries that may be images."""
        return sum(map(len, self.classes.values()))

    @property
    def num_classes(self) -> int:
        """Folders that hold them."""
        return len(self.classes)


def plan_archive(
    records: Sequence[Record],
    limits: ArchiveLimits | None = None,
    *,
    data_end: int | None = None,
    is_mixed: bool = False,
) -> ArchivePlan:
    """Judge a central directory and plan what to read.

    Args:
        records: Every entry, in the order of the directory.
        limits: What is allowed; the defaults of :class:`ArchiveLimits` unless given.
        data_end: Offset at which the central directory begins, where known; entries must lie before it.
        is_mixed: Whether parts such as ``train`` and ``test`` are put together instead of used as they are.

    Raises:
        UserFault: With every fault found; see :func:`shared.errors.faults_together`.
    """
    limits = limits or ArchiveLimits()
    if not records:
        raise UserFault("archive_empty", "The zip has no entries.", fix=FIX_LAYOUT)
    entries = [read_entry(index, record) for index, record in enumerate(records)]
    faults = safety_faults(records, entries, limits, data_end=data_end)
    layout = lay_out(entries, max_entry_bytes=limits.max_entry_bytes, is_mixed=is_mixed)
    faults += _layout_faults(layout, records, limits)
    if faults:
        raise faults_together(faults)
    return ArchivePlan(
        root="/".join(layout.root),
        classes={name: tuple(sorted(layout.classes[name], key=layout.order)) for name in sorted(layout.classes)},
        set_aside=tuple(layout.set_aside),
        remarks=_remarks(layout),
        own=None if is_mixed else layout.split,
    )


def _layout_faults(layout: Arrangement, records: Sequence[Record], limits: ArchiveLimits) -> list[Fault]:
    if any(record.name == OFFICE_ENTRY for record in records):
        return [office_document_fault()]
    structural = structure_faults(layout.top, layout.base, records, is_mixed=layout.is_mixed)
    if structural:
        return structural
    sizes = layout.num_learnt
    if not any(sizes.values()):
        return [no_photographs_fault(layout)]
    if len(sizes) > limits.max_classes:
        return [_too_many_classes(sizes, limits)]
    if layout.split is not None:
        held = [name for name, entries in layout.classes.items() if entries]
        learnt, mixing = [name for name, size in sizes.items() if size], mixing_advice(layout.base)
        nothing = nothing_to_learn_fault(layout.split, held, learnt, mixing=mixing)
        if nothing is not None:
            return [nothing, *name_faults(list(sizes))]
    return [*name_faults(list(sizes)), *_count_faults(layout, sizes, limits.min_images)]


def _count_faults(layout: Arrangement, sizes: Mapping[str, int], min_images: int) -> list[Fault]:
    own = None if layout.is_mixed else layout.split
    part = quoted_names(own.names(Role.TRAIN)) if own is not None else ""
    counted = count_faults(sizes, _left_out(layout), min_images=min_images, part=part)
    if counted and layout.split is None:
        hint = level_hint(layout.base)
        if len(sizes) == 1:
            hint += class_hint(entry for entries in layout.classes.values() for entry in entries)
        hint += _one_each(sizes) + _about_nested(layout)
        hint += "".join(f" {each.message} {each.fix}" for each in about_hidden(layout))
        counted[-1] = replace(counted[-1], fix=counted[-1].fix + hint)
    elif counted and own is not None:
        counted[-1] = replace(counted[-1], fix=f"{counted[-1].fix} {mixing_advice(layout.base)}".rstrip())
    return counted


def _one_each(sizes: Mapping[str, int]) -> str:
    """Return a sentence for archives with a folder for every photograph."""
    told = " A folder stands for a class, not for a photograph: put all photographs of one class into one folder."
    return told if len(sizes) > 4 and max(sizes.values()) == 1 else ""  # noqa: PLR2004 - five classes of one


def _about_nested(layout: Arrangement) -> str:
    """Return a sentence on archives inside the archive that may hold what is missing."""
    nested = [each.path for each in layout.set_aside if each.reason is Aside.NESTED]
    if not nested:
        return ""
    them = "it holds photographs, unpack it" if len(nested) == 1 else "they hold photographs, unpack them"
    is_opened = "is" if len(nested) == 1 else "are"
    return f" {quoted_names(nested, most=3)} {is_opened} not opened: if {them} before you zip the folders."


def _remarks(layout: Arrangement) -> tuple[Remark, ...]:
    if layout.split is None:
        return (*remarks_about(layout.base), *about_hidden(layout))
    return (*remarks_about_parts(layout.split, is_mixed=layout.is_mixed), *about_hidden(layout))


def _too_many_classes(sizes: Mapping[str, int], limits: ArchiveLimits) -> Fault:
    message = f"The zip has {len(sizes):,} class folders; at most {limits.max_classes:,} classes can be told apart."
    fix = "Put classes that are alike into one folder, or split them into several zips."
    if sum(sizes.values()) < limits.min_images * len(sizes):
        fix += " A folder stands for a class, not for a photograph or a single thing: put all photographs of one class "
        fix += f"into one folder; every class needs {limits.min_images}."
    details = {"classes": list(sizes), "count": len(sizes)}
    return Fault(code="archive_too_many_classes", message=message, fix=fix, details=details)


def _left_out(layout: Arrangement) -> list[LeftOut]:
    """Return why files of classes cannot be photographs."""
    found = []
    for each in layout.set_aside:
        placed = layout.place(each.path.split("/")[:-1])
        if placed is not None and placed[1] in layout.classes and each.reason in REASONS:
            found.append(_missing(placed[1], each))
    return found


def _missing(class_name: str, file: SetAside) -> LeftOut:
    told = REASONS[file.reason]
    if file.reason is not Aside.NOT_IMAGE:
        return LeftOut(class_name=class_name, code=str(file.reason), reason=told.reason, fix=told.fix)
    ending = f".{file.path.rpartition('.')[2].lower()}"
    reason, fix = f"{ending} files are no photographs.", "Put photographs, such as JPEG or PNG files, in their place."
    return LeftOut(class_name=class_name, code=ending, reason=reason, fix=fix)
