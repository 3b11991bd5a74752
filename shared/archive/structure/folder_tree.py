"""The folders of an archive as a tree, with what lies in each."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from shared.archive.entry import Aside, Entry
from shared.wording import quoted_names

MAX_FOLDERS = 100_000
"""Folders told apart; what lies in further ones counts as lying in the nearest folder above that is known."""


@dataclass(slots=True, eq=False, kw_only=True)
class Folder:
    """One folder.

    Args:
        name: Its own name; empty for the archive itself.
        above: The folder that holds it.
        folders: Folders in it, by name.
        images: Files directly in it that may be images.
        others: Files directly in it that are surely no images.
        num_images: Files in it or deeper that may be images.
    """

    name: str = ""
    above: "Folder | None" = None
    folders: dict[str, "Folder"] = field(default_factory=dict)
    images: list[Entry] = field(default_factory=list)
    others: list[Entry] = field(default_factory=list)
    num_images: int = 0

    @property
    def path(self) -> str:
        """Its names from the top, with ``/`` between them."""
        return "/".join(self.parts)

    @property
    def parts(self) -> tuple[str, ...]:
        """Its names from the top; worked out anew each time, since deep paths take much room."""
        names: list[str] = []
        folder: Folder | None = self
        while folder is not None and folder.above is not None:
            names.append(folder.name)
            folder = folder.above
        return tuple(reversed(names))

    @property
    def holding(self) -> list["Folder"]:
        """Folders in it that hold images, at any depth, by name."""
        return [self.folders[name] for name in sorted(self.folders) if self.folders[name].num_images]

    @property
    def core(self) -> "Folder":
        """The folder itself, or where nothing but one folder after the other lies in it, the first that holds more."""
        folder = self
        while not folder.images and len(inner := folder.holding) == 1:
            [folder] = inner
        return folder

    @property
    def class_folders(self) -> list["Folder"]:
        """Folders in its core that hold most of its images, as those of classes would."""
        core = self.core
        return core.holding if 2 * len(core.images) < core.num_images else []

    def without(self, left_out: Collection["Folder"]) -> "Folder":
        """Return the folder as it would be without some of those directly in it."""
        kept = {name: folder for name, folder in self.folders.items() if folder not in left_out}
        num_images = len(self.images) + sum(folder.num_images for folder in kept.values())
        return replace(self, folders=kept, num_images=num_images)

    def walk(self) -> Iterator["Folder"]:
        """Yield the folder and all below it."""
        waiting = [self]
        while waiting:
            folder = waiting.pop()
            yield folder
            waiting.extend(folder.folders.values())


def grow(entries: Iterable[tuple[Entry, Aside | None]]) -> Folder:
    """Return the tree of an archive.

    Args:
        entries: Each with the reason why it is not used, if there is one. System files are left out of the tree.
    """
    top = Folder()
    every = [top]
    known: dict[tuple[str, ...], Folder] = {}
    for entry, reason in entries:
        if reason is Aside.SYSTEM:
            continue
        folder = known.get(entry.folders)
        if folder is None:
            folder = known[entry.folders] = _at(entry.folders, every)
        if not entry.is_folder:
            (folder.images if reason is None else folder.others).append(entry)
    for folder in every:
        folder.num_images = len(folder.images)
    for folder in reversed(every):  # a folder stands before those in it
        if folder.above is not None:
            folder.above.num_images += folder.num_images
    return top


def names_of(folders: Sequence[Folder]) -> str:
    """Return the names of folders as they stand in a sentence."""
    return quoted_names([folder.name for folder in folders])


def paths_of(folders: Sequence[Folder]) -> str:
    """Return the paths of folders as they stand in a sentence."""
    return quoted_names([folder.path for folder in folders])


def _at(path: tuple[str, ...], every: list[Folder]) -> Folder:
    """Return the folder of a path, made with all above it where it is new and there is room."""
    folder = every[0]
    for name in path:
        inner = folder.folders.get(name)
        if inner is None:
            if len(every) >= MAX_FOLDERS:
                return folder
            inner = Folder(name=name, above=folder)
            folder.folders[name] = inner
            every.append(inner)
        folder = inner
    return folder
