"""Parts of a split that are told by the names of folders alone: ``cats_train``, or ``test_set`` beside classes."""

from collections import defaultdict

from shared.archive.structure.folder_name import Role, sense_of
from shared.archive.structure.folder_tree import Folder, names_of, paths_of
from shared.errors import Fault
from shared.text.printable import quoted
from shared.wording import quoted_names

ALREADY_SPLIT = "archive_already_split"
PARTS = frozenset({Role.TRAIN, Role.VALIDATION, Role.TEST, Role.PIECE})
"""What a folder may be called for that is part of a labelled split."""


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


def part_beside_classes(base: Folder) -> Fault | None:
    """Tell of ``test_set`` beside ``cats`` and ``dogs``; ``test`` alone may be a class, and stays one."""
    parts = [part for part in base.holding if _is_surely_a_part(part)]
    classes = [folder for folder in base.holding if not _is_surely_a_part(folder)]
    if not parts or len(classes) < 2:  # noqa: PLR2004
        return None
    verb = "lies" if len(parts) == 1 else "lie"
    return Fault(
        code=ALREADY_SPLIT,
        message=f"Beside the classes {names_of(classes)} {verb} {names_of(parts)}, by its name no class but part of a "
        "split: what is on its photographs cannot be known.",
        fix=f"Leave {paths_of(parts)} out of the zip: convtailor keeps part of every class aside to test with. If it "
        "is a class all the same, give the folder another name.",
        details={"folders": [part.path for part in parts], "classes": [folder.name for folder in classes]},
    )


def _is_surely_a_part(folder: Folder) -> bool:
    sense = sense_of(folder.name)
    return sense.role not in (None, Role.PIECE) and not sense.rest and not sense.is_plain and not folder.class_folders
