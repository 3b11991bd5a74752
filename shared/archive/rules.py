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
from shared.archive.entry import Aside, Entry, is_part, read_entry
from shared.archive.name_remark import remarks_about_hidden
from shared.archive.safety import ArchiveLimits, listed, safety_faults
from shared.archive.structure.file_name import class_hint
from shared.archive.structure.folder_name import Role
from shared.archive.structure.nesting import level_hint, remarks_about
from shared.archive.structure.own_split import MIX_THEM, OwnSplit, nothing_to_learn_fault, remarks_about_parts
from shared.archive.structure.recognise import structure_faults
from shared.archive.zip_format.diagnosis import JOIN_PARTS
from shared.archive.zip_format.directory import Record
from shared.errors import Fault, UserFault, faults_together
from shared.job.result import Remark
from shared.wording import count, quoted_names

LAYOUT_VERSION = 2
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

    @property
    def num_set_aside(self) -> dict[Aside, int]:
        """Entries set aside, by reason."""
        return {reason: sum(each.reason is reason for each in self.set_aside) for reason in Aside}


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
        raise UserFault("archive_empty", "The zip has no entries.", fix=_FIX_LAYOUT)
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


_FIX_LAYOUT = "Put the photographs of each class into a folder named for the class, and zip these folders."


def _layout_faults(layout: Arrangement, records: Sequence[Record], limits: ArchiveLimits) -> list[Fault]:
    if any(record.name == _OFFICE for record in records):
        return [_office_document()]
    structural = structure_faults(layout.top, layout.base, records, is_mixed=layout.is_mixed)
    if structural:
        return structural
    sizes = layout.num_learnt
    if not any(sizes.values()):
        return [_no_images(layout)]
    if len(sizes) > limits.max_classes:
        return [_too_many_classes(list(sizes), limits.max_classes)]
    if layout.split is not None:
        held = [name for name, entries in layout.classes.items() if entries]
        nothing = nothing_to_learn_fault(layout.split, held, [name for name, size in sizes.items() if size])
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
        hint += _one_each(sizes)
        hint += "".join(f" {each.message} {each.fix}" for each in _about_hidden(layout))
        counted[-1] = replace(counted[-1], fix=counted[-1].fix + hint)
    elif counted and own is not None:
        counted[-1] = replace(counted[-1], fix=f"{counted[-1].fix} {MIX_THEM}")
    return counted


_OFFICE = "[Content_Types].xml"
"""What every document of Word, Excel and PowerPoint has at its top, and no zip of photographs."""


def _office_document() -> Fault:
    return Fault(
        code="archive_no_images",
        message="The file is a document of Word, Excel or PowerPoint, or of a like program; pictures inside it are "
        "not taken out.",
        fix="Save the photographs as files. " + _FIX_LAYOUT,
    )


def _one_each(sizes: Mapping[str, int]) -> str:
    """Return a sentence for archives with a folder for every photograph."""
    told = " A folder stands for a class, not for a photograph: put all photographs of one class into one folder."
    return told if len(sizes) > 4 and max(sizes.values()) == 1 else ""  # noqa: PLR2004 - five classes of one


def _about_hidden(layout: Arrangement) -> tuple[Remark, ...]:
    return remarks_about_hidden(each.path for each in layout.set_aside if each.reason is Aside.SYSTEM)


def _remarks(layout: Arrangement) -> tuple[Remark, ...]:
    if layout.split is None:
        return (*remarks_about(layout.base), *_about_hidden(layout))
    return (*remarks_about_parts(layout.split, is_mixed=layout.is_mixed), *_about_hidden(layout))


def _too_many_classes(names: Sequence[str], max_classes: int) -> Fault:
    message = f"The zip has {len(names):,} class folders; at most {max_classes:,} classes can be told apart."
    fix = "Put classes that are alike into one folder, or split them into several zips."
    details = {"classes": list(names), "count": len(names)}
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


def _kinds(paths: Sequence[str]) -> str:
    """Return how many other files were found, by their kind where they are of one."""
    endings = {path.rpartition(".")[2].lower() if "." in path.rpartition("/")[2] else "" for path in paths}
    kind = f".{endings.pop()}" if len(endings) == 1 and "" not in endings else "other"
    return f"{count(len(paths), f'{kind} file was', f'{kind} files were')} found."


def _no_images(layout: Arrangement) -> Fault:
    loose = layout.top.num_images
    if loose:
        message = f"All {count(loose, 'photograph')} lie in no folder, so nothing says what is on each."
        fix = _FIX_LAYOUT + class_hint(entry for folder in layout.top.walk() for entry in folder.images)
        return Fault(code="archive_no_images", message=message, fix=fix, details={"count": loose})
    hidden = _about_hidden(layout)
    if hidden:
        message = "There are no photographs in the zip but hidden ones. " + " ".join(each.message for each in hidden)
        fix = "Rename the folder, so that no dot begins its name. " + _FIX_LAYOUT
        return Fault(code="archive_no_images", message=message, fix=fix)
    aside_paths = [each.path for each in layout.set_aside if each.reason is not Aside.SYSTEM]
    nested = any(each.reason is Aside.NESTED for each in layout.set_aside)
    message = "There are no photographs in the zip; " + (
        "there are archives inside the archive." if nested else _kinds(aside_paths)
    )
    fix = "Unpack the inner archives first. " + _FIX_LAYOUT if nested else _FIX_LAYOUT
    if any(is_part(path) for path in aside_paths):
        message = "There are no photographs in the zip; there are the parts of a split archive in it."
        fix = JOIN_PARTS
    return Fault(code="archive_no_images", message=message, fix=fix, details=listed(aside_paths))
