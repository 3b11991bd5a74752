"""The one place that says what an archive is, for intake, trainer and client alike."""

from collections.abc import Sequence

from shared.archive.structure.annotation import other_task_fault, table_fault
from shared.archive.structure.folder_name import is_annotation_folder, is_beside, is_container, sense_of
from shared.archive.structure.folder_tree import Folder
from shared.archive.structure.nesting import wrong_level_fault
from shared.archive.structure.own_split import OwnSplit, mixed_split, own_split
from shared.archive.structure.second_copy import copy_fault, second_copies
from shared.archive.structure.split import split_fault
from shared.archive.zip_format.directory import Record
from shared.errors import Fault


def base_of(top: Folder) -> Folder:
    """Return the folder whose folders are the classes: what merely wraps everything is taken off.

    A lone folder with images of its own is a class and no wrapper. Folders without any image beside it count where
    their names do, since a class may have been left empty: ``docs`` beside ``dataset`` is no class, ``birds`` may be.

    Args:
        top: The archive.
    """
    base = top
    while (wrapped := _wrapped(base)) is not None:
        base = wrapped
    return base


def split_of(base: Folder, *, is_mixed: bool) -> OwnSplit | None:
    """Return the parts of an archive that are used as they are, or put together; ``None`` where it has no such parts.

    Args:
        base: The folder whose folders would be the classes.
        is_mixed: Whether its parts are to be put together.
    """
    return mixed_split(base) if is_mixed else own_split(base)


def structure_faults(top: Folder, base: Folder, records: Sequence[Record], *, is_mixed: bool = False) -> list[Fault]:
    """Return why the folders of an archive are no classes, with what to zip instead; none where they may be.

    Args:
        top: The archive.
        base: The folder whose folders would be the classes.
        records: The central directory.
        is_mixed: Whether parts of a split are to be put together.
    """
    if not top.num_images:
        return []
    other = other_task_fault(top)
    if other is not None:
        return [other]
    copies = second_copies(base, records)
    faults = [copy_fault(copies)] if copies else []
    rest = base.without(copies) if copies else base
    if split_of(rest, is_mixed=is_mixed) is not None:
        return faults
    # One that stays alone once the copies are gone wraps the classes.
    level = split_fault(rest) or wrong_level_fault(rest)
    if level is None or "classes" not in level.details:  # nothing in folders says what is on the photographs
        table = table_fault(top)
        return [*faults, *(fault for fault in (level, table) if fault is not None)]
    return [*faults, level]


def _wrapped(base: Folder) -> Folder | None:
    """Return the one folder that holds all images of another, if its own folders would be the classes."""
    if len(base.holding) != 1:
        return None
    [only] = base.holding
    beside = [folder for folder in base.folders.values() if folder is not only]
    if not beside:
        return only if only.folders and not _is_lone_class(only) else None
    if len(only.holding) < 2:  # noqa: PLR2004
        return None
    is_no_class = is_container(only.name) or sense_of(only.name).role is not None
    return only if is_no_class or all(map(_is_no_class, beside)) else None


def _is_lone_class(only: Folder) -> bool:
    """Tell whether a folder is a class with one folder inside, and not two wrappers with a stray picture between."""
    if len(only.folders) > 1 or not only.images:
        return False
    [inner] = only.folders.values()
    return len(inner.class_folders) < 2 or 10 * len(only.images) > only.num_images  # noqa: PLR2004 - a tenth is stray


def _is_no_class(folder: Folder) -> bool:
    return is_beside(folder.name) or is_container(folder.name) or is_annotation_folder(folder.name)
