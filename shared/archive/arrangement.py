"""Which class every entry of an archive belongs to, and what it serves for where a person made the split."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shared.archive.entry import Aside, Entry, aside
from shared.archive.structure.folder_name import Role
from shared.archive.structure.folder_tree import Folder, grow
from shared.archive.structure.own_split import OwnSplit
from shared.archive.structure.recognise import base_of, split_of


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """An entry that is not used, and why."""

    path: str
    reason: Aside


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """Entries sorted into classes; a class folder without images is a class without entries.

    Args:
        top: The archive as a tree.
        base: The folder whose folders are the classes, or the parts of a split.
        root: Its names from the top.
        classes: Entries that may be images, by class.
        set_aside: The others.
        split: The parts, where there are such that are used or put together.
        is_mixed: Whether they are put together.
    """

    top: Folder
    base: Folder
    root: tuple[str, ...]
    classes: dict[str, list[Entry]]
    set_aside: list[SetAside]
    split: OwnSplit | None = None
    is_mixed: bool = False

    def place(self, folders: Sequence[str]) -> tuple[Role, str] | None:
        """Return what a file serves for and its class, by the folders that hold it; ``None`` where it has no class."""
        return _place(self.split, self.root, folders)

    def order(self, entry: Entry) -> tuple[int, tuple[str, ...], str]:
        """Return the key by which entries of a class stand: those of a test first, whose copies elsewhere go."""
        placed = self.place(entry.folders)
        return (_FIRST.index(placed[0]) if placed else 0, entry.folders, entry.path)

    @property
    def num_learnt(self) -> dict[str, int]:
        """Photographs by class that are there to learn from."""
        sizes = dict.fromkeys(sorted(self.classes), 0)
        for name, entries in self.classes.items():
            sizes[name] = sum(self.place(entry.folders) == (Role.TRAIN, name) for entry in entries)
        return sizes


_FIRST = (Role.TEST, Role.VALIDATION, Role.TRAIN)


def _place(split: OwnSplit | None, root: tuple[str, ...], folders: Sequence[str]) -> tuple[Role, str] | None:
    if split is not None:
        return split.place(folders)
    is_inside = len(folders) > len(root) and tuple(folders[: len(root)]) == root
    return (Role.TRAIN, folders[len(root)]) if is_inside else None


def lay_out(entries: Sequence[Entry], *, max_entry_bytes: int, is_mixed: bool = False) -> Arrangement:
    """Sort the entries of an archive into classes.

    Args:
        entries: All of them.
        max_entry_bytes: Larger ones are set aside.
        is_mixed: Whether parts such as ``train`` and ``test`` are put together.
    """
    judged = [(entry, aside(entry, max_entry_bytes=max_entry_bytes)) for entry in entries]
    top = grow(judged)
    base = base_of(top)
    root = base.parts
    split = split_of(base, is_mixed=is_mixed)
    classes: dict[str, list[Entry]] = {name: [] for name in _class_folders(base, split)}
    set_aside: list[SetAside] = []
    for entry, reason in judged:
        if entry.is_folder:
            continue
        placed = None if reason is not None else _place(split, root, entry.folders)
        if placed is not None:
            classes.setdefault(placed[1], []).append(entry)
        else:
            set_aside.append(SetAside(path=entry.path, reason=reason or Aside.NO_CLASS))
    return Arrangement(
        top=top, base=base, root=root, classes=classes, set_aside=set_aside, split=split, is_mixed=is_mixed
    )


def _class_folders(base: Folder, split: OwnSplit | None) -> Iterator[str]:
    """Yield the names of class folders, empty ones too."""
    if split is None:
        yield from base.folders
        return
    for folder in base.walk():
        role, name = split.levels.get(folder.parts, (None, None))
        if role is Role.TRAIN:
            yield from [name] if name else map(split.spelled, folder.folders)
