"""What an archive must look like, judged from its central directory alone; intake and trainer share it.

The layout: one folder per class, images at any depth inside it. Folders that merely wrap everything are taken off.
Class names are brought to composed characters (NFC), so the two spellings of ``é`` that macOS and the rest of the world
write are one class; names that differ only in case are refused, because nobody could tell which was meant.
Types are never decided by file endings here; only what is surely no image is set aside, listed, and not used.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.archive.entry import Aside, Entry, aside, clash_key, has_control_characters, read_entry
from shared.archive.safety import ArchiveLimits, listed, safety_faults
from shared.archive.zip_format.directory import Record
from shared.errors import Fault, UserFault, faults_together

_SPLIT_NAMES = frozenset({"train", "training", "test", "testing", "val", "valid", "validation"})


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
    """

    root: str
    classes: Mapping[str, tuple[Entry, ...]]
    set_aside: tuple[SetAside, ...]

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
    faults += _layout_faults(layout, limits)
    if faults:
        raise faults_together(faults)
    return ArchivePlan(
        root="/".join(layout.root),
        classes={name: tuple(sorted(layout.classes[name], key=_by_path)) for name in sorted(layout.classes)},
        set_aside=tuple(layout.set_aside),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """Entries sorted into classes; a class folder without images is a class without entries."""

    root: tuple[str, ...]
    classes: dict[str, list[Entry]]
    set_aside: list[SetAside]


def _lay_out(entries: Sequence[Entry], limits: ArchiveLimits) -> _Layout:
    images: list[Entry] = []
    set_aside: list[SetAside] = []
    folders: set[tuple[str, ...]] = set()
    for entry in entries:
        reason = aside(entry, max_entry_bytes=limits.max_entry_bytes)
        if reason is not Aside.SYSTEM:
            folders.add(entry.folders)
        if entry.is_folder:
            continue
        if reason is None:
            images.append(entry)
        else:
            set_aside.append(SetAside(path=entry.path, reason=reason))
    root = _root(folders, {image.folders for image in images})
    classes: dict[str, list[Entry]] = {folder[len(root)]: [] for folder in folders if len(folder) > len(root)}
    for image in images:
        if len(image.folders) > len(root):
            classes[image.folders[len(root)]].append(image)
        else:
            set_aside.append(SetAside(path=image.path, reason=Aside.NO_CLASS))
    return _Layout(root=root, classes=classes, set_aside=set_aside)


def _root(folders: set[tuple[str, ...]], image_folders: set[tuple[str, ...]]) -> tuple[str, ...]:
    """Find the folder that wraps all class folders; a lone folder with images of its own is a class, not a wrapper."""
    root: tuple[str, ...] = ()
    while len(tops := {folder[len(root)] for folder in folders if len(folder) > len(root)}) == 1:
        deeper = (*root, *tops)
        inner = {folder[len(deeper)] for folder in folders if len(folder) > len(deeper)}
        if not inner or (len(inner) == 1 and deeper in image_folders):
            break
        root = deeper
    return root


def _by_path(entry: Entry) -> tuple[tuple[str, ...], str]:
    return entry.folders, entry.path


_FIX_LAYOUT = "Put the images of each class into a folder named for the class, and zip these folders."


def _layout_faults(layout: _Layout, limits: ArchiveLimits) -> list[Fault]:
    sizes = {name: len(layout.classes[name]) for name in sorted(layout.classes)}
    if not any(sizes.values()):
        return [_no_images(layout)]
    if _is_split(layout):
        message = f"The zip is split into {', '.join(sizes)} already; convtailor makes its own split."
        fix = "Put all images of each class into one folder named for the class, and zip these folders."
        return [Fault(code="archive_already_split", message=message, fix=fix, details={"folders": list(sizes)})]
    return [*_name_faults(list(sizes)), *_count_faults(sizes, limits.min_images)]


def _no_images(layout: _Layout) -> Fault:
    aside_paths = [each.path for each in layout.set_aside if each.reason is not Aside.SYSTEM]
    nested = any(each.reason is Aside.NESTED for each in layout.set_aside)
    message = "There are no images inside class folders; " + (
        "there are archives inside the archive." if nested else f"{len(aside_paths)} other files were found."
    )
    fix = "Unpack the inner archives first. " + _FIX_LAYOUT if nested else _FIX_LAYOUT
    return Fault(code="archive_no_images", message=message, fix=fix, details=listed(aside_paths))


def _is_split(layout: _Layout) -> bool:
    """Tell whether the folders are train and test with the class folders inside; they must not become classes."""
    if len(layout.classes) < 2 or not {name.lower() for name in layout.classes} <= _SPLIT_NAMES:  # noqa: PLR2004
        return False
    depth = len(layout.root) + 2
    return all(len(image.folders) >= depth for images in layout.classes.values() for image in images)


def _name_faults(names: Sequence[str]) -> list[Fault]:
    faults = []
    alike: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        alike[clash_key(name)].append(name)
    clashes = [group for group in alike.values() if len(group) > 1]
    if clashes:
        pairs = "; ".join(" and ".join(map(repr, group)) for group in clashes)
        message = f"Class names differ only in case or in spaces at their ends: {pairs}."
        fix = "Merge the folders if they are one class, else give them names that differ."
        faults.append(Fault(code="class_names_clash", message=message, fix=fix, details={"classes": clashes}))
    unusable = [name for name in names if has_control_characters(name)]
    if unusable:
        message = f"Class names hold line breaks or other control characters: {', '.join(map(repr, unusable))}."
        fix = "Rename these folders."
        faults.append(Fault(code="class_name_unusable", message=message, fix=fix, details={"classes": unusable}))
    return faults


def _count_faults(sizes: Mapping[str, int], min_images: int) -> list[Fault]:
    faults = []
    if len(sizes) == 1:
        message = f"There is one class only, {next(iter(sizes))!r}; telling apart takes at least two."
        fix = "Add a folder for every other class, for example one named 'other'."
        faults.append(Fault(code="archive_one_class", message=message, fix=fix, details={"classes": dict(sizes)}))
    empty = [name for name, size in sizes.items() if not size]
    if empty:
        message = f"Folders without any image: {', '.join(map(repr, empty))}."
        fix = f"Put at least {min_images} images into each of them, or leave them out of the zip."
        faults.append(Fault(code="archive_empty_class", message=message, fix=fix, details={"classes": empty}))
    small = {name: size for name, size in sizes.items() if 0 < size < min_images}
    if small:
        faults.append(class_too_small(small, min_images=min_images))
    return faults


def class_too_small(sizes: Mapping[str, int], *, min_images: int) -> Fault:
    """Tell which classes have too few images; ``sizes`` holds these classes only."""
    message = f"Every class needs {min_images} images; too few in: " + ", ".join(
        f"{name!r} ({size})" for name, size in sizes.items()
    )
    fix = f"Add images to these folders until each has at least {min_images}, better 50, or leave them out of the zip."
    return Fault(code="class_too_small", message=message + ".", fix=fix, details={"classes": dict(sizes)})
