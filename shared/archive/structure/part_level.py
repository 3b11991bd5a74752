"""Which folders of one level are parts of a split: recognised by how they are arranged, and what is in them.

Parts of a split must never become classes. A name alone proves nothing, since a class may be called ``train``
(beside ``bus``) or ``test`` (beside ``control``); it takes class folders inside, or nothing but parts at that level.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.archive.entry import clash_key
from shared.archive.structure.folder_name import Role, is_beside, is_container, sense_of
from shared.archive.structure.folder_tree import Folder

PARTS = frozenset({Role.TRAIN, Role.VALIDATION, Role.TEST, Role.PIECE})
"""What a folder may be called for that is part of a labelled split."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Folders of one level, by what they may be.

    Args:
        base: The folder that holds them.
        parts: Named for a part of a split.
        others: The rest, but for what holds no image.
    """

    base: Folder
    parts: list[Folder]
    others: list[Folder]

    @property
    def labelled(self) -> list[Folder]:
        """Parts that hold class folders."""
        return [part for part in self.parts if class_names(part)]

    @property
    def roles(self) -> set[Role | None]:
        """What the parts are called for."""
        return {sense_of(part.name).role for part in self.parts}


def parts_of(base: Folder) -> Parts:
    """Sort the folders of a level; words that all parts share, as in ``flowers_train``, say nothing."""
    named = [folder for folder in base.holding if sense_of(folder.name).role in PARTS]
    rests = {sense_of(folder.name).rest for folder in named}
    roles = {sense_of(folder.name).role for folder in named}
    is_evident = len(roles) > 1 and (len(rests) == 1 or any(map(class_names, named)))
    parts = [folder for folder in named if is_evident or not sense_of(folder.name).rest]
    return Parts(base=base, parts=parts, others=[folder for folder in base.holding if folder not in set(parts)])


def labelled_split(folder: Folder) -> Parts | None:
    """Return the parts directly in a folder where they are a split with class folders, else ``None``."""
    found = parts_of(folder)
    return found if is_labelled_split(found) else None


def is_labelled_split(found: Parts) -> bool:
    """Tell whether one part holds class folders and stands beside another part, or beside folders of the same classes.

    Pieces such as ``fold1`` and ``fold2`` have names that classes have too; they must hold the same classes.
    """
    labelled = found.labelled
    if not labelled:
        return False
    if found.roles == {Role.PIECE}:
        return any(_share_classes(labelled[0], piece) for piece in labelled[1:])
    if len(found.parts) > 1:
        return len(labelled) > 1 or len(class_names(labelled[0])) > 1
    return any(_share_classes(labelled[0], other) for other in found.others)


def is_bare_split(found: Parts) -> bool:
    """Tell whether there is nothing but parts, and whatever lies beside photographs, so that there are no classes."""
    beside = all(is_no_class(other) for other in found.others)
    return beside and len(found.parts) > 1 and len(found.roles) > 1


def is_no_class(folder: Folder) -> bool:
    """Tell whether a name says that a folder is no class: one beside photographs, a container, or a part."""
    return is_beside(folder.name) or is_container(folder.name) or sense_of(folder.name).role is not None


def are_parallel(found: Sequence[Parts]) -> bool:
    """Tell whether several data sets lie side by side, each split, and not classes that are each split."""
    return all(is_container(each.base.name) or sense_of(each.base.name).role for each in found)


def class_names(part: Folder) -> set[str]:
    """Return what names of the class folders of a part are compared by; none where these are parts themselves."""
    names = {clash_key(folder.name) for folder in part.class_folders}
    return set() if all(sense_of(name).role in PARTS and not sense_of(name).rest for name in names) else names


def _share_classes(one: Folder, other: Folder) -> bool:
    mine, theirs = class_names(one), class_names(other)
    return len(mine) > 1 and 2 * len(mine & theirs) >= min(len(mine), len(theirs)) > 0
