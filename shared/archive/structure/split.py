"""Archives that are divided into train and test already: recognised by how their folders are arranged.

Parts of a split must never become classes. A name alone proves nothing, since a class may be called ``train``
(beside ``bus``) or ``test`` (beside ``control``); it takes class folders inside, or nothing but parts at that level, or
a name that no class has, such as ``test_set``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shared.archive.entry import Entry, clash_key
from shared.archive.structure.file_name import class_hint
from shared.archive.structure.folder_name import Role, is_beside, is_container, is_mask_folder, sense_of
from shared.archive.structure.folder_tree import Folder, names_of, paths_of
from shared.archive.structure.part_name import ALREADY_SPLIT, PARTS, names_end_in_parts, part_beside_classes
from shared.errors import Fault
from shared.text.printable import quoted
from shared.wording import count, quoted_names

_ORDER = (*Role, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
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
        return [part for part in self.parts if _class_names(part)]

    @property
    def roles(self) -> set[Role | None]:
        """What the parts are called for."""
        return {sense_of(part.name).role for part in self.parts}


def split_fault(base: Folder) -> Fault | None:
    """Return the fault of an archive that is split already, ``None`` where it is not.

    Args:
        base: The folder whose folders would be the classes.
    """
    inner = [found for folder in base.holding if (found := _labelled_split(folder.core)) is not None]
    at_base = _parts_of(base)
    if _is_labelled_split(at_base):
        return _told(at_base)
    if _is_bare_split(at_base):
        return _told_bare(at_base)
    if inner and (len(inner) == 1 or _are_parallel(inner)):
        return _told(inner[0])
    return names_end_in_parts(base) or part_beside_classes(base)


def _parts_of(base: Folder) -> _Parts:
    """Sort the folders of a level; words that all parts share, as in ``flowers_train``, say nothing."""
    named = [folder for folder in base.holding if sense_of(folder.name).role in PARTS]
    rests = {sense_of(folder.name).rest for folder in named}
    roles = {sense_of(folder.name).role for folder in named}
    is_evident = len(roles) > 1 and (len(rests) == 1 or any(map(_class_names, named)))
    parts = [folder for folder in named if is_evident or not sense_of(folder.name).rest]
    return _Parts(base=base, parts=parts, others=_rest(base.holding, parts))


def _labelled_split(folder: Folder) -> _Parts | None:
    found = _parts_of(folder)
    return found if _is_labelled_split(found) else None


def _is_labelled_split(found: _Parts) -> bool:
    """Tell whether one part holds class folders and stands beside another part, or beside folders of the same classes.

    Pieces such as ``fold1`` and ``fold2`` have names that classes have too; they must hold the same classes.
    """
    labelled = found.labelled
    if not labelled:
        return False
    if found.roles == {Role.PIECE}:
        return any(_share_classes(labelled[0], piece) for piece in labelled[1:])
    if len(found.parts) > 1:
        return len(labelled) > 1 or len(_class_names(labelled[0])) > 1
    return any(_share_classes(labelled[0], other) for other in found.others)


def _is_bare_split(found: _Parts) -> bool:
    """Tell whether there is nothing but parts, and whatever lies beside photographs, so that there are no classes."""
    beside = all(_is_no_class(other) for other in found.others)
    return beside and len(found.parts) > 1 and len(found.roles) > 1


def _is_no_class(folder: Folder) -> bool:
    return is_beside(folder.name) or is_container(folder.name) or sense_of(folder.name).role is not None


def _are_parallel(found: Sequence[_Parts]) -> bool:
    """Tell whether several data sets lie side by side, each split, and not classes that are each split."""
    return all(is_container(each.base.name) or sense_of(each.base.name).role for each in found)


def _class_names(part: Folder) -> set[str]:
    """Return the names that two parts have in common where they hold the same classes; none of parts in a part."""
    names = {clash_key(folder.name) for folder in part.class_folders}
    return set() if all(sense_of(name).role in PARTS and not sense_of(name).rest for name in names) else names


def _share_classes(one: Folder, other: Folder) -> bool:
    mine, theirs = _class_names(one), _class_names(other)
    return len(mine) > 1 and 2 * len(mine & theirs) >= min(len(mine), len(theirs)) > 0


def _told(found: _Parts) -> Fault:
    """Tell of parts that hold class folders, and of those that do not."""
    first = _main_part(found.labelled)
    names = _class_names(first)
    holding = sorted(found.base.holding, key=lambda each: _ORDER.index(sense_of(each.name).role))
    labelled = [each for each in holding if _holds_classes(each, names) and not is_mask_folder(each.name)]
    labelled += _rest(found.labelled, labelled)
    bare, aside = _rest(found.parts, labelled), _rest(found.others, labelled)
    classes = [folder.name for folder in first.class_folders]
    parts = [*labelled, *bare]
    kept = names_of(labelled)
    is_same = all(_holds_classes(part, names) for part in labelled)
    several = "hold the same classes," if is_same else "hold class folders, such as"
    message = f"{kept} {several if len(labelled) > 1 else 'holds the classes'}"
    message = f"The zip is split into parts already: {message} {quoted_names(classes)}."
    if bare:
        unlabelled = count(sum(part.num_images for part in bare), "photograph")
        message += f" In {names_of(bare)} there are no class folders ({unlabelled})."
    return Fault(
        code=ALREADY_SPLIT,
        message=f"{message} Such parts are no classes; convtailor divides the photographs itself.",
        fix=_fix(first, labelled, [*bare, *aside]),
        details={
            "folders": [part.path for part in parts],
            "classes": classes,
            **({"others": [each.path for each in aside]} if aside else {}),
        },
    )


def _holds_classes(folder: Folder, names: set[str]) -> bool:
    """Tell whether a folder holds some of these classes, or is a chain of folders to a single one."""
    if not names.isdisjoint(_class_names(folder)):
        return True
    while not folder.images and len(folder.holding) == 1:
        [folder] = folder.holding
        if clash_key(folder.name) in names:
            return True
    return False


def _fix(first: Folder, labelled: Sequence[Folder], aside: Sequence[Folder]) -> str:
    steps = f"Zip the folder {quoted(first.core.path)} alone"
    together = [part for part in labelled if part is not first]
    if together:
        join = (
            f"put what {paths_of([first, *together])} hold of a class, such as {quoted(first.class_folders[0].name)}, "
            "into one folder named for it, likewise for every other class, and zip these folders"
        )
        alone = f"{steps}, and keep {paths_of(together)} to try the network on. Or, to use all of them, {join}"
        steps = alone if sense_of(first.name).role is Role.TRAIN else join.replace("put", "Put", 1)
    if aside:
        steps += f". Leave {paths_of(aside)} out"
    return f"{steps}. Part of the photographs of every class is kept aside to test with."


def _rest(folders: Sequence[Folder], without: Sequence[Folder]) -> list[Folder]:
    left_out = set(without)
    return [folder for folder in folders if folder not in left_out]


def _main_part(labelled: Sequence[Folder]) -> Folder:
    """Return the part to learn from: the one called train where there is one, else the largest."""
    return max(labelled, key=lambda part: (sense_of(part.name).role is Role.TRAIN, part.num_images))


def _told_bare(found: _Parts) -> Fault:
    tests = [part for part in found.parts if sense_of(part.name).role is Role.TEST]
    return Fault(
        code=ALREADY_SPLIT,
        message=f"The zip is split into parts already, {names_of(found.parts)}, with no class folders inside: "
        "nothing says what is on each photograph. Such parts are no classes.",
        fix="Make one folder for each class, named for it, put the photographs of that class into it, and zip these "
        f"folders; convtailor makes its own split. Photographs whose class nobody knows, as often in "
        f"{names_of((tests or found.parts)[-1:])}, stay out.{class_hint(_images_to_learn_from(found.parts))}",
        details={"folders": [part.path for part in found.parts]},
    )


def _images_to_learn_from(parts: Sequence[Folder]) -> Iterator[Entry]:
    for part in parts:
        if sense_of(part.name).role is Role.TRAIN:
            for folder in part.walk():
                yield from folder.images
