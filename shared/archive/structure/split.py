"""Splits that cannot be used as they are, in words: what was found, and what to zip instead.

They are told by the arrangement of folders, or by their names alone: ``cats_train``, or ``test_set`` beside classes.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from shared.archive.entry import Entry, clash_key
from shared.archive.structure.file_name import class_hint
from shared.archive.structure.folder_name import Role, is_mask_folder, sense_of
from shared.archive.structure.folder_tree import Folder, names_of, paths_of
from shared.archive.structure.own_split import ALREADY_SPLIT, mixing_advice, own_split
from shared.archive.structure.part_level import (
    PARTS,
    Parts,
    are_parallel,
    class_names,
    is_bare_split,
    is_labelled_split,
    labelled_split,
    parts_of,
)
from shared.errors import Fault
from shared.text.printable import quoted
from shared.wording import count, quoted_names

_ORDER = (*Role, None)


def split_fault(base: Folder) -> Fault | None:
    """Return the fault of an archive that is split already, ``None`` where it is not.

    Args:
        base: The folder whose folders would be the classes.
    """
    inner = [found for folder in base.holding if (found := labelled_split(folder.core)) is not None]
    at_base = parts_of(base)
    mixing = mixing_advice(base)
    if is_labelled_split(at_base) and at_base.others and own_split(base.without(at_base.others)) is not None:
        return _told_beside(at_base)
    if is_labelled_split(at_base):
        return _told(at_base, mixing)
    if is_bare_split(at_base):
        return _told_bare(at_base)
    beside = _rest(base.holding, [_holder(inner[0], base)]) if len(inner) == 1 else []
    if beside and own_split(base.without(beside)) is not None:
        return _told_around(inner[0], beside)
    if inner and (len(inner) == 1 or are_parallel(inner)):
        return _told(inner[0], mixing)
    return names_end_in_parts(base) or part_beside_named_ones(base) or part_beside_classes(base)


def _told(found: Parts, mixing: str) -> Fault:
    """Tell of parts that hold class folders, and of those that do not."""
    first = _main_part(found.labelled)
    names = class_names(first)
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
        message=f"{message} Such parts are no classes.",
        fix=" ".join(filter(None, [_fix(first, labelled, [*bare, *aside]), mixing])),
        details={
            "folders": [part.path for part in parts],
            "classes": classes,
            **({"others": [each.path for each in aside]} if aside else {}),
        },
    )


def _told_beside(found: Parts) -> Fault:
    """Tell of ``train`` and ``test``, which could be used, beside a folder that may be anything."""
    others, parts = found.others, found.parts
    verb, its = ("lies", "its") if len(others) == 1 else ("lie", "their")
    classes = [folder.name for folder in _main_part(found.labelled).class_folders]
    return Fault(
        code=ALREADY_SPLIT,
        message=f"The zip is split into parts already, {names_of(parts)}, and beside these {verb} {names_of(others)}: "
        f"whether {'it is' if len(others) == 1 else 'these are'} to learn from or to test with, nothing says.",
        fix=f"Leave {paths_of(others)} out of the zip, or move {its} photographs into the class folders of a part. "
        f"{names_of(parts)} {'is then used as it is' if len(parts) == 1 else 'are then used as they are'}.",
        details={
            "folders": [part.path for part in parts],
            "classes": classes,
            "others": [each.path for each in others],
        },
    )


def _told_around(found: Parts, beside: Sequence[Folder]) -> Fault:
    """Tell of a folder with ``train`` and ``test``, which could be used, beside which lie folders with pictures."""
    verb, pictures = "lies" if len(beside) == 1 else "lie", count(sum(each.num_images for each in beside), "picture")
    return Fault(
        code=ALREADY_SPLIT,
        message=f"The zip is split into parts already: {quoted(found.base.path)} holds {names_of(found.parts)}. Beside "
        f"it {verb} {names_of(beside)} with {pictures}, of which nothing says what they are for.",
        fix=f"Zip the folder {quoted(found.base.path)} alone, or leave {paths_of(beside)} out of the zip: "
        f"{names_of(found.parts)} are then used as they are.",
        details={
            "folders": [part.path for part in found.parts],
            "classes": [folder.name for folder in _main_part(found.labelled).class_folders],
            "others": [each.path for each in beside],
        },
    )


def _holder(found: Parts, base: Folder) -> Folder:
    """Return the folder directly in another that a split lies in."""
    return base.folders[found.base.parts[len(base.parts)]]


def _holds_classes(folder: Folder, names: set[str]) -> bool:
    """Tell whether a folder holds some of these classes, or is a chain of folders to a single one."""
    if not names.isdisjoint(class_names(folder)):
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


def _told_bare(found: Parts) -> Fault:
    tests = [part for part in found.parts if sense_of(part.name).role is Role.TEST]
    return Fault(
        code=ALREADY_SPLIT,
        message=f"The zip is split into parts already, {names_of(found.parts)}, with no class folders inside: "
        "no folder says what is on each photograph. Such parts are no classes.",
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


def names_end_in_parts(base: Folder) -> Fault | None:
    """Tell of ``cats_train``, ``cats_test``, ``dogs_train``, ``dogs_test``: classes and parts in one name."""
    parts: defaultdict[tuple[str, ...], list[Folder]] = defaultdict(list)
    for folder in base.holding:
        sense = sense_of(folder.name)
        if sense.role not in PARTS or not sense.rest:
            return None
        parts[sense.rest].append(folder)
    if not parts or any(len({sense_of(each.name).role for each in group}) == 1 for group in parts.values()):
        return None
    names = [" ".join(rest) for rest in parts]
    example = next(iter(parts.values()))
    return Fault(
        code=ALREADY_SPLIT,
        message=f"The zip is split into parts already: each of {quoted_names(names)} has several folders, such as "
        f"{names_of(example)}. Such parts are no classes.",
        fix=f"Put what {paths_of(example)} hold into one folder {quoted(names[0])}, likewise for every other class, "
        "and zip these folders; convtailor makes its own split.",
        details={"folders": [folder.path for folder in base.holding], "classes": names},
    )


def part_beside_named_ones(base: Folder) -> Fault | None:
    """Tell of ``test`` beside ``train_cats`` and ``train_dogs``: by the names of the others it is no class."""
    senses = {folder: sense_of(folder.name) for folder in base.holding}
    bare = [folder for folder, sense in senses.items() if not sense.rest]
    named = [folder for folder, sense in senses.items() if sense.rest]
    roles = {senses[folder].role for folder in named}
    if len(named) < 2 or len(roles) != 1 or not bare or not PARTS.issuperset({*roles, *(senses[f].role for f in bare)}):  # noqa: PLR2004
        return None
    names = [" ".join(senses[folder].rest) for folder in named]
    is_one = len(bare) == 1
    told = "no class but part" if is_one else "no classes but parts"
    return Fault(
        code=ALREADY_SPLIT,
        message=f"The zip is split into parts already: {names_of(named)} hold one class each, and beside them "
        f"{'lies' if is_one else 'lie'} {names_of(bare)}, by the names of the others {told} of a split.",
        fix=f"Leave {paths_of(bare)} out of the zip: convtailor keeps part of every class aside to test with. If "
        f"{'it is a class' if is_one else 'they are classes'} all the same, call the folders by their classes alone, "
        f"such as {quoted(names[0])}.",
        details={"folders": [folder.path for folder in bare], "classes": names},
    )


def part_beside_classes(base: Folder) -> Fault | None:
    """Tell of ``test_set`` beside ``cats`` and ``dogs``; ``test`` alone may be a class, and stays one."""
    parts = [part for part in base.holding if _is_surely_a_part(part)]
    classes = [folder for folder in base.holding if not _is_surely_a_part(folder)]
    if not parts or len(classes) < 2:  # noqa: PLR2004
        return None
    is_one = len(parts) == 1
    told = "lies {}, by its name no class but part" if is_one else "lie {}, by their names no classes but parts"
    rename = "it is a class all the same, give the folder" if is_one else "they are classes all the same, give each"
    return Fault(
        code=ALREADY_SPLIT,
        message=f"Beside the classes {names_of(classes)} {told.format(names_of(parts))} of a split: what is on "
        f"{'its' if is_one else 'their'} pictures cannot be known.",
        fix=f"Leave {paths_of(parts)} out of the zip: convtailor keeps part of every class aside to test with. If "
        f"{rename} another name.",
        details={"folders": [part.path for part in parts], "classes": [folder.name for folder in classes]},
    )


def _is_surely_a_part(folder: Folder) -> bool:
    sense = sense_of(folder.name)
    return sense.role not in (None, Role.PIECE) and not sense.rest and not sense.is_plain and not folder.class_folders
