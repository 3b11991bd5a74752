"""What an archive is told that holds no photograph in any folder: what lies in it instead, what to do."""

from collections import Counter
from collections.abc import Sequence

from shared.archive.arrangement import Arrangement
from shared.archive.entry import Aside, is_part
from shared.archive.name_remark import remarks_about_hidden
from shared.archive.name_table import name_table
from shared.archive.safety import listed
from shared.archive.structure.file_name import class_hint
from shared.archive.zip_format.diagnosis import JOIN_PARTS
from shared.errors import Fault
from shared.job.result import Remark
from shared.wording import count

FIX_LAYOUT = "Put the photographs of each class into a folder named for the class, and zip these folders."

OFFICE_ENTRY = "[Content_Types].xml"
"""What every document of Word, Excel and PowerPoint has at its top, and no zip of photographs."""


def office_document_fault() -> Fault:
    """Return what is told of a document of an office program."""
    return Fault(
        code="archive_no_images",
        message="The file is a document of Word, Excel or PowerPoint, or of a like program; pictures inside it are "
        "not taken out.",
        fix="Save the photographs as files. " + FIX_LAYOUT,
    )


def about_hidden(layout: Arrangement) -> tuple[Remark, ...]:
    """Return what to say of folders that count as hidden and hold photographs."""
    return remarks_about_hidden(each.path for each in layout.set_aside if each.reason is Aside.SYSTEM)


def _kinds(paths: Sequence[str]) -> str:
    """Return how many other files were found, by their kind where they are of one."""
    if not paths:
        return "its folders are empty."
    endings = {path.rpartition(".")[2].lower() if "." in path.rpartition("/")[2] else "" for path in paths}
    kind = f".{endings.pop()}" if len(endings) == 1 and "" not in endings else "other"
    return f"{count(len(paths), f'{kind} file was', f'{kind} files were')} found."


_AS_PICTURES = {
    "media": "Films are not read: save single pictures from them as JPEG files. ",
    "office": "Documents are not read: save the pictures in them as JPEG or PNG files. ",
    "array": "Files of numbers, as programs keep them, are not read: save each picture as a PNG file. ",
}


def _as_pictures(paths: Sequence[str]) -> str:
    """Return a sentence on how to get photographs out of the files that were found, by what most of them are."""
    endings = Counter(path.rpartition(".")[2].lower() for path in paths)
    kinds = name_table().kinds
    commonest = Counter({kind: sum(endings[each] for each in kinds[kind]) for kind in _AS_PICTURES}).most_common(1)
    [(kind, number)] = commonest
    return _AS_PICTURES[kind] if 2 * number > len(paths) else ""


def no_photographs_fault(layout: Arrangement) -> Fault:
    """Return the fault of an archive without a photograph that lies in a class folder.

    Args:
        layout: The archive, sorted.
    """
    loose = layout.top.num_images
    if loose:
        message = f"All {count(loose, 'photograph')} lie in no folder, so nothing says what is on each."
        fix = FIX_LAYOUT + class_hint(entry for folder in layout.top.walk() for entry in folder.images)
        return Fault(code="archive_no_images", message=message, fix=fix, details={"count": loose})
    hidden = about_hidden(layout)
    if hidden:
        message = "There are no photographs in the zip but hidden ones. " + " ".join(each.message for each in hidden)
        fix = "Rename the folder, so that no dot begins its name. " + FIX_LAYOUT
        return Fault(code="archive_no_images", message=message, fix=fix)
    aside_paths = [each.path for each in layout.set_aside if each.reason is not Aside.SYSTEM]
    nested = any(each.reason is Aside.NESTED for each in layout.set_aside)
    message = "There are no photographs in the zip; " + (
        "there are archives inside the archive." if nested else _kinds(aside_paths)
    )
    fix = ("Unpack the inner archives first. " if nested else _as_pictures(aside_paths)) + FIX_LAYOUT
    if any(is_part(path) for path in aside_paths):
        message = "There are no photographs in the zip; there are the parts of a split archive in it."
        fix = JOIN_PARTS
    return Fault(code="archive_no_images", message=message, fix=fix, details=listed(aside_paths))
