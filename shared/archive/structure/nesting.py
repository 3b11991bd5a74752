"""Folders at the wrong level: class folders inside one of several, the same classes in several, classes in classes."""

import re

from shared.archive.entry import clash_key
from shared.archive.structure.folder_name import Role, is_beside, is_container, is_mask_folder, is_variant, sense_of
from shared.archive.structure.folder_tree import Folder, names_of, paths_of
from shared.archive.structure.part_level import class_names
from shared.errors import Fault
from shared.job.result import Remark
from shared.text.printable import quoted
from shared.wording import count, quoted_names

_CODE = "archive_wrong_level"
_OF_PROGRAMS = tuple(
    re.compile(form)
    for form in (
        r"\d{3}(ANDRO|APPLE|CANON|CASIO|CLOUD|EOS\w\w|FUJI_|GOPRO|LEICA|MEDIA|MSDCF|NIKON|NCD\d\d|OLYMP|PHOTO|RICOH|SIGMA|SSCAM|_PANA)",
        r"(Photos from|Fotos von|Fotos del?|Fotos de|Photos de|Foto dal|Foto's van) (19|20)\d\d",
        r"(19|20)\d\d[-_. ]?(0[1-9]|1[0-2])([-_. ]?[0-3]\d)?",
    )
)
"""Names of folders that cameras, phones and albums make, whatever the photographs in them show."""
_PARTS = frozenset({Role.TRAIN, Role.VALIDATION, Role.TEST})


def wrong_level_fault(base: Folder) -> Fault | None:
    """Return the fault of an archive whose class folders lie one level below its top, ``None`` where that is not plain.

    Args:
        base: The folder whose folders would be the classes.
    """
    return _in_one_of_several(base) or _several_times(base) or _mixed(base)


def level_hint(base: Folder) -> str:
    """Return a sentence for archives that are refused anyway: where class folders lie too, if in one place only."""
    holders = _holders(base)
    if len(holders) != 1 or len(base.folders) == 1:
        return ""
    [holder] = holders
    classes = quoted_names([folder.name for folder in holder.class_folders])
    return f" If {classes} in {quoted(holder.name)} are your classes, zip the folder {quoted(holder.core.path)} alone."


def remarks_about(base: Folder) -> tuple[Remark, ...]:
    """Return what a person should know of the way in which folders were taken for classes.

    Args:
        base: The folder whose folders are the classes.
    """
    found = [_classes_inside(base), _named_like_parts(base), _named_by_programs(base)]
    return tuple(remark for remark in found if remark is not None)


def _named_by_programs(base: Folder) -> Remark | None:
    """Tell of ``100CANON`` and ``101CANON``, ``Photos from 2019`` and ``Photos from 2020``: times, and no things."""
    names = [folder.name for folder in base.holding]
    if len(names) < 2 or not any(all(map(form.fullmatch, names)) for form in _OF_PROGRAMS):  # noqa: PLR2004 - classes
        return None
    return Remark(
        code="classes_named_by_a_program",
        message=f"The classes, {quoted_names(names)}, are called as cameras, phones and albums call folders of a time, "
        "so the model learns when photographs were taken rather than what is on them.",
        fix="If you want things told apart, make one folder for each, named for it, and sort the photographs into "
        "them. If not, all is well.",
    )


def _holders(base: Folder) -> list[Folder]:
    return [folder for folder in base.holding if len(folder.class_folders) > 1 and not is_beside(folder.name)]


def _marks_others(folder: Folder, base: Folder) -> bool:
    """Tell of ``annotations/cat`` beside ``images/cat``: files of the same classes that are no photographs of them."""
    if not is_mask_folder(folder.name):
        return False
    inner = {each.name for each in folder.class_folders}
    return any(inner & {each.name for each in other.class_folders} for other in base.holding if other is not folder)


def _is_no_class(folder: Folder) -> bool:
    is_unlabelled = sense_of(folder.name).role is Role.UNLABELLED
    return is_beside(folder.name) or is_container(folder.name) or is_unlabelled


def _in_one_of_several(base: Folder) -> Fault | None:
    """Tell of ``dataset`` with class folders beside ``docs`` with plots."""
    holders = [folder for folder in _holders(base) if not _marks_others(folder, base)]
    if len(holders) != 1 or len(base.holding) == 1:
        return None
    [holder] = holders
    others = [folder for folder in base.holding if folder is not holder]
    if not is_container(holder.name) and not all(_is_no_class(each) or _marks_others(each, base) for each in others):
        return None
    classes = [folder.name for folder in holder.class_folders]
    pictures = count(sum(folder.num_images for folder in others), "picture")
    verb, become = ("lies", "it would become a class") if len(others) == 1 else ("lie", "they would become classes")
    return Fault(
        code=_CODE,
        message=f"Only {quoted(holder.name)} holds class folders: {quoted_names(classes)}. Beside it {verb} "
        f"{names_of(others)} with {pictures}, and {become}.",
        fix=f"Zip the folder {quoted(holder.core.path)} alone, or leave {paths_of(others)} out of the zip.",
        details={"use": holder.core.path, "classes": classes, "others": [folder.path for folder in others]},
    )


def _several_times(base: Folder) -> Fault | None:
    """Tell of ``color/apple`` and ``grayscale/apple``, or ``dataset1/cats`` and ``dataset2/cats``."""
    holders = _holders(base)
    if len(holders) < 2 or not all(is_variant(each.name) or _is_no_class(each) for each in base.holding):  # noqa: PLR2004
        return None
    classes = [folder.name for folder in holders[0].class_folders]
    return Fault(
        code=_CODE,
        message=f"The folders at the top are no classes but several sets of photographs: {names_of(holders)}. The "
        f"class folders lie inside them, in {quoted(holders[0].name)} for example {quoted_names(classes)}.",
        fix=f"Zip one of them alone, such as {quoted(holders[0].core.path)}; or, if they hold different photographs, "
        "put what they hold of each class into one folder named for it, and zip these folders.",
        details={"folders": [folder.path for folder in holders], "classes": classes},
    )


def _mixed(base: Folder) -> Fault | None:
    """Tell of ``more/cats`` and ``more/dogs`` beside ``cats`` and ``dogs``."""
    names = {clash_key(folder.name) for folder in base.holding}
    for holder in _holders(base):
        inner = [folder.name for folder in holder.class_folders]
        same = [name for name in inner if clash_key(name) in names and clash_key(name) != clash_key(holder.name)]
        if len(same) > 1 and 2 * len(same) >= len(inner):
            return Fault(
                code=_CODE,
                message=f"The folder {quoted(holder.name)} holds folders of the same names as those beside it: "
                f"{quoted_names(same)}. As it is, it would become a class of its own.",
                fix=f"Move the photographs of {paths_of(holder.class_folders)} into the folders of these names beside "
                f"{quoted(holder.path)}, or leave {quoted(holder.path)} out. If it is a class, put its photographs "
                "directly into it.",
                details={"folders": [holder.path], "classes": same},
            )
    return None


def _classes_inside(base: Folder) -> Remark | None:
    """Tell of classes that hold folders which may be the classes that were meant."""
    nested = [folder for folder in base.holding if len(folder.class_folders) > 1]
    if not nested:
        return None
    inner = [each.name for folder in nested for each in folder.class_folders]
    if all(sense_of(name).role in _PARTS and not sense_of(name).rest for name in inner):
        return Remark(
            code="split_inside_classes",
            message=f"Inside the class folders lie parts of a split, {quoted_names(sorted(set(inner)))}. They were put "
            "together, and convtailor made its own split.",
            fix="If you keep one of these parts to test with yourself, leave it out of the zip: the network has learnt "
            "from some of its photographs.",
        )
    told = "; ".join(f"{quoted(each.name)} holds {names_of(each.class_folders)}" for each in nested[:3])
    more = f"; and {len(nested) - 3:,} more hold folders too" if len(nested) > 3 else ""  # noqa: PLR2004
    classes, wanted = names_of(base.holding), quoted_names(list(dict.fromkeys(inner)))
    if nested == base.holding and len({frozenset(class_names(each)) for each in nested}) == 1 and len(nested) > 1:
        told, more = f"each of them holds {names_of(nested[0].class_folders)}", ""
        fix = (
            f"If you want {wanted} told apart instead, as where the folders at the top are times, places or parts of "
            f"your data, put all photographs of {quoted(inner[0])} into one folder, likewise for the others, make "
            "these the folders at the top of the zip and send it again. If not, all is well."
        )
    else:
        fix = f"If you want {wanted} told apart instead, make these the folders at the top of the zip and send it "
        fix += "again. If not, all is well."
    return Remark(
        code="folders_inside_classes",
        message=f"The classes are the folders at the top: {classes}. Folders inside them were not told apart: "
        f"{told}{more}.",
        fix=fix,
    )


def _named_like_parts(base: Folder) -> Remark | None:
    """Tell of a class called ``test`` beside others: it may be a part that was forgotten in the zip."""
    parts = [each for each in base.holding if sense_of(each.name).role in _PARTS and not sense_of(each.name).rest]
    if not parts or len(base.holding) - len(parts) < 2:  # noqa: PLR2004
        return None
    is_one, named = len(parts) == 1, set(parts)
    return Remark(
        code="class_named_like_a_part",
        message=f"{names_of(parts)} {'was' if is_one else 'were'} taken for {'a class' if is_one else 'classes'} like "
        f"{names_of([folder for folder in base.holding if folder not in named])}.",
        fix=f"If {'it is' if is_one else 'they are'} no class but a part of your data that was set aside, such as "
        "photographs to test with, leave it out of the zip and send it again. If not, all is well.",
    )
