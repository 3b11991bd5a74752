"""A split that a person made, where it can be used: which folder serves for what, and where its classes lie."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from shared.archive.entry import clash_key
from shared.archive.name_table import name_table
from shared.archive.structure.folder_name import Role, is_beside, sense_of
from shared.archive.structure.folder_tree import Folder
from shared.archive.structure.part_level import (
    PARTS,
    Parts,
    class_names,
    is_bare_split,
    is_labelled_split,
    labelled_split,
    parts_of,
)
from shared.errors import Fault
from shared.job.result import Remark
from shared.wording import count, quoted_names

ALREADY_SPLIT = "archive_already_split"
_MIX_THEM = (
    "Or give the option split=new (--split new): all parts are put together, and convtailor makes a split of its own."
)
_HELD_APART = frozenset({Role.TRAIN, Role.VALIDATION, Role.TEST})


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnSplit:
    """Parts that a person made.

    Args:
        parts: Folders by what they serve for; of a split whose parts are put together all serve to learn from.
        levels: By the names from the top, folders whose photographs are of one class, or whose folders are classes:
            what they serve for, and the class if it is one.
        left_out: Folders beside them whose photographs lie in no class.
        spelling: How the part to learn from writes a class, by :func:`shared.archive.entry.clash_key`: ``Cats`` there
            and ``cats`` in the test are one. Of names that it has itself, none is changed.
    """

    parts: Mapping[Role, tuple[Folder, ...]]
    levels: Mapping[tuple[str, ...], tuple[Role, str | None]]
    left_out: tuple[Folder, ...]
    spelling: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def names(self, *roles: Role) -> tuple[str, ...]:
        """Return the names of the folders that serve for this, each once."""
        return tuple(dict.fromkeys(folder.name for role in roles for folder in self.parts.get(role, ())))

    def place(self, folders: Sequence[str]) -> tuple[Role, str] | None:
        """Return what a file serves for and its class, by the folders that hold it; ``None`` where it has no class."""
        found = self._find(folders)
        if found is None:
            return None
        (role, name), inside = found
        return (role, name or self.spelled(inside[0])) if name or inside else None

    def below(self, folders: Sequence[str]) -> Sequence[str]:
        """Return those of the folders that hold a file which lie within that of its class."""
        found = self._find(folders)
        if found is None:
            return ()
        (_, name), inside = found
        return inside if name else inside[1:]

    def _find(self, folders: Sequence[str]) -> tuple[tuple[Role, str | None], Sequence[str]] | None:
        """Return the level that a file lies in, and the folders within."""
        for depth in range(len(folders) + 1):
            found = self.levels.get(tuple(folders[:depth]))
            if found is not None:
                return found, folders[depth:]
        return None

    def spelled(self, name: str) -> str:
        """Return the class that a folder of this name stands for."""
        known = self.spelling.get(clash_key(name), (name,))
        return name if name in known else known[0]


def own_split(base: Folder) -> OwnSplit | None:
    """Return the parts of an archive that can be used as they are, ``None`` where there are none or something is open.

    It takes class folders to learn from, in a folder called for that. Folders without classes are left out where their
    names say that they are part of the split, or beside it.

    Args:
        base: The folder whose folders would be the classes.
    """
    inside = _inside_classes(base)
    if inside is not None:
        return inside
    found, beside = _found(base)
    if found is None or Role.PIECE in found.roles or not all(map(_may_stay_out, (*beside, *found.others))):
        return None
    learnt = [part for part in found.parts if sense_of(part.name).role is Role.TRAIN]
    names = {name for part in learnt for name in class_names(part)}
    if not learnt or not all(class_names(part) for part in learnt):
        return None
    return _split([(part, _role(part)) for part in found.parts], names, [*found.others, *beside])


def mixed_split(base: Folder) -> OwnSplit | None:
    """Return the same with all parts put together, pieces such as ``fold1`` among them; see :func:`own_split`."""
    found, beside = _found(base)
    if found is None or not all(map(_may_stay_out, (*beside, *found.others))):
        return None
    names = {name for part in found.labelled for name in class_names(part)}
    return _split([(part, Role.TRAIN) for part in found.parts], names, [*found.others, *beside])


def mixing_advice(base: Folder) -> str:
    """Return the advice to put parts together; empty where they cannot be, or a class would still be too small then.

    Args:
        base: The folder whose folders would be the classes.
    """
    split = mixed_split(base)
    if split is None or len(split.names(Role.TRAIN)) < 2:  # noqa: PLR2004 - there is nothing to put to a lone part
        return ""
    sizes: Counter[str] = Counter()
    for folder in base.walk():
        placed = split.place(folder.parts)
        if placed is not None:
            sizes[placed[1]] += len(folder.images)
    is_enough = len(sizes) > 1 and min(sizes.values()) >= name_table().limits["min_images"]
    return _MIX_THEM if is_enough else ""


def nothing_to_learn_fault(
    split: OwnSplit, classes: Iterable[str], learnt: Iterable[str], *, mixing: str = ""
) -> Fault | None:
    """Return the fault of a split with classes that have no folder to learn from.

    Args:
        split: The parts.
        classes: All classes.
        learnt: Those with a folder in the part to learn from.
        mixing: As :func:`mixing_advice` returns it.
    """
    missing = sorted({*classes} - {*learnt})
    if not missing:
        return None
    held_out, learnt_from = split.names(Role.VALIDATION, Role.TEST), split.names(Role.TRAIN)
    classes_of, them = ("a class", "it") if len(missing) == 1 else ("classes", "them")
    return Fault(
        code=ALREADY_SPLIT,
        message=f"The zip is split into parts already, and {quoted_names(held_out)} "
        f"{'holds' if len(held_out) == 1 else 'hold'} {classes_of} that {quoted_names(learnt_from)} lacks: "
        f"{quoted_names(missing)}. There is nothing to learn {them} from.",
        fix=f"Put photographs of {quoted_names(missing)} into {quoted_names(learnt_from)}, or leave {them} out of the "
        f"other parts. {mixing}".rstrip(),
        details={"folders": list(held_out), "classes": missing},
    )


def nothing_left_fault(names: Sequence[str], *, are_copies: bool = False) -> Fault:
    """Return the fault of a split of which one part has no photograph that can be used.

    Args:
        names: Of the folders of that part.
        are_copies: Whether they have copies among those to test with, which stay.
    """
    told = quoted_names(names)
    why = ": they are in the part to test with too" if are_copies else ""
    return Fault(
        code=ALREADY_SPLIT,
        message=f"The zip is split into parts already, and none of the photographs in {told} can be used{why}.",
        fix=f"Put {'other photographs' if are_copies else 'photographs that can be read'} into {told}, or leave "
        f"{'it' if len(names) == 1 else 'them'} out: "
        "convtailor then takes others from those to learn from.",
        details={"folders": list(names)},
    )


def remarks_about_parts(split: OwnSplit, *, is_mixed: bool) -> tuple[Remark, ...]:
    """Return what a person should know of folders that were left out, and of parts that were put together.

    Args:
        split: The parts.
        is_mixed: Whether they were put together.
    """
    remarks = []
    if is_mixed and len(split.names(Role.TRAIN)) > 1:
        message = f"{quoted_names(split.names(Role.TRAIN))} were put together, and convtailor made its own split."
        fix = "If you keep one of these parts to test with yourself, leave it out of the zip: the network has learnt "
        remarks.append(Remark(code="split_mixed", message=message, fix=f"{fix}from some of its photographs."))
    if split.left_out:
        number = count(sum(folder.num_images for folder in split.left_out), "photograph")
        names = quoted_names([folder.name for folder in split.left_out])
        message = f"In {names} there are no class folders ({number}), so nothing says what is on these photographs: "
        message += "they were left out."
        fix = "If they are to be used, sort them into a folder for each class. If not, all is well."
        remarks.append(Remark(code="part_without_classes", message=message, fix=fix))
    return tuple(remarks)


def _inside_classes(base: Folder) -> OwnSplit | None:
    """Return the parts of ``cats/train``, ``cats/test``, ``dogs/train``, ``dogs/test``, if every class has its own."""
    levels: dict[tuple[str, ...], tuple[Role, str | None]] = {}
    parts: dict[Role, tuple[Folder, ...]] = {}
    for holder in base.holding:
        senses = [(folder, sense_of(folder.name)) for folder in holder.holding]
        roles = {sense.role for _, sense in senses}
        if holder.images or Role.TRAIN not in roles or len(roles) == 1 or sense_of(holder.name).role is not None:
            return None
        for folder, sense in senses:
            if sense.role not in _HELD_APART or sense.rest or len(folder.class_folders) > 1:
                return None
            levels[folder.parts] = sense.role, holder.name
            parts[sense.role] = (*parts.get(sense.role, ()), folder)
    return OwnSplit(parts=parts, levels=levels, left_out=()) if len(base.holding) > 1 else None


def _found(base: Folder) -> tuple[Parts | None, list[Folder]]:
    """Return the level that is a split, at the top or in one of its folders, and what lies beside that folder."""
    at_base = parts_of(base)
    if is_labelled_split(at_base) or _is_part_beside_unlabelled(at_base):
        return at_base, []
    inner = [(folder, found) for folder in base.holding if (found := labelled_split(folder.core)) is not None]
    if len(inner) != 1 or is_bare_split(at_base):
        return None, []
    [(holder, found)] = inner
    return found, [folder for folder in base.holding if folder is not holder]


def _is_part_beside_unlabelled(found: Parts) -> bool:
    """Tell of ``train/cats`` and ``train/dogs`` beside nothing but ``single_prediction``."""
    roles = {sense_of(folder.name).role for folder in found.others}
    return found.roles == {Role.TRAIN} and bool(found.labelled) and roles == {Role.UNLABELLED}


def _may_stay_out(folder: Folder) -> bool:
    """Tell of a folder that nobody would miss: of unlabelled photographs, of a part without classes, of documents."""
    role = sense_of(folder.name).role
    return role is Role.UNLABELLED or is_beside(folder.name) or (role in PARTS and not class_names(folder))


def _role(part: Folder) -> Role:
    return sense_of(part.name).role or Role.TRAIN


def _split(parts: Sequence[tuple[Folder, Role]], names: set[str], beside: Sequence[Folder]) -> OwnSplit:
    levels: dict[tuple[str, ...], tuple[Role, str | None]] = {}
    left_out = list(beside)
    used: dict[Role, tuple[Folder, ...]] = {}
    for part, role in parts:
        level = _class_level(part, names)
        if level is None:
            left_out.append(part)
        else:
            levels[level.parts] = role, None
            used[role] = (*used.get(role, ()), part)
    return OwnSplit(
        parts=used, levels=levels, left_out=tuple(left_out), spelling=_spelling([part for part, _ in parts], levels)
    )


def _spelling(parts: Sequence[Folder], levels: Collection[tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Return how classes are written by the parts called for learning; of pieces of equal rank, by the first."""
    leading = [part for part in parts if _role(part) is Role.TRAIN] or [part for part in parts if class_names(part)][:1]
    found: dict[str, tuple[str, ...]] = {}
    for part in leading:
        for level in part.walk():
            for inner in level.holding if level.parts in levels else ():
                key = clash_key(inner.name)
                found[key] = (*found.get(key, ()), inner.name)
    return found


def _class_level(part: Folder, names: set[str]) -> Folder | None:
    """Return the folder whose folders are the classes of a part; it may have only one of them."""
    folder: Folder = part
    while True:
        if any(clash_key(inner.name) in names for inner in folder.holding):
            return folder
        if folder.images or len(folder.holding) != 1:
            return part.core if class_names(part) else None
        [folder] = folder.holding
