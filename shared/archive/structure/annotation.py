"""Archives whose classes do not stand in folders: data sets for other tasks, and photographs with a table of labels."""

from collections import Counter
from collections.abc import Iterable

from shared.archive.entry import Entry
from shared.archive.structure.file_name import class_hint
from shared.archive.structure.folder_name import (
    is_annotation_folder,
    is_beside,
    is_container,
    is_mask_folder,
    sense_of,
    words,
)
from shared.archive.structure.folder_tree import Folder
from shared.errors import Fault
from shared.text.printable import quoted
from shared.wording import count, quoted_names

_TABLES = frozenset({"csv", "tsv", "xls", "xlsx", "ods", "parquet"})
_LISTS = frozenset({"txt", "json", "jsonl", "mat", "pkl", "db", "sqlite", "npy", "npz", "xml"})
_LIST_WORDS = frozenset(
    {
        *("label", "labels", "meta", "metadata", "annotation", "annotations", "class", "classes", "list", "index"),
        *("train", "target", "targets", "truth", "groundtruth", "y", "categories", "id", "ids", "names", "split"),
        *("result", "results", "project", "tasks"),
    }
)
_BESIDE = frozenset(
    {
        *(
            "readme",
            "license",
            "licence",
            "lizenz",
            "copying",
            "requirements",
            "notes",
            "changelog",
            "citation",
            "about",
        ),
        *(
            "package",
            "lock",
            "config",
            "settings",
            "manifest",
            "info",
            "version",
            "terms",
            "credits",
            "lies",
            "lisezmoi",
        ),
    }
)
"""In names of lists that lie beside photographs of any kind and say nothing about them."""
_PAIRED = {"txt": "YOLO", "xml": "Pascal VOC", "json": "LabelMe"}
_MASK_WORDS = frozenset({"mask", "masks", "seg", "segmentation", "gt", "label", "groundtruth", "annotation"})
_LEAST_PAIRS = 3
_MANY_PAIRS = 0.2
"""Share of the pictures with a file of the same name; who marks boxes by hand often sends a set half done."""
_LEVELS = 8
"""Above a picture at which its folder may be called that of masks."""
_MANY_MASKS = 0.1
"""Share of all pictures from which masks among them spoil what is learnt."""


def other_task_fault(top: Folder) -> Fault | None:
    """Return the fault of an archive that is made for finding or outlining things, ``None`` where it is not.

    Args:
        top: The archive.
    """
    if _has_named_classes(top):
        return _masks_among_photographs(top)
    return _masks_among_photographs(top) or _masks(top) or _boxes(top)


def table_fault(top: Folder) -> Fault | None:
    """Return the fault of photographs whose classes may stand in a table, ``None`` where folders tell them.

    Args:
        top: The archive.
    """
    if _has_named_classes(top):
        return None
    is_unnamed = all(_is_structural(folder.name) for folder in _leaves(top))
    others = (entry for folder in top.walk() for entry in folder.others)
    tables = [entry for entry in others if _is_table(entry, is_unnamed=is_unnamed)]
    tables = sorted(tables, key=lambda entry: (len(entry.folders), entry.path))
    if not tables:
        return None
    paths = [entry.path for entry in tables]
    return Fault(
        code="archive_labels_in_table",
        message=f"The {count(top.num_images, 'photograph')} {_where(top)}, and {quoted_names(paths, most=3)} may say "
        "which is what; convtailor does not read tables. A photograph's class is the name of the folder that it lies "
        "in.",
        fix="Make one folder for each class that the table names, move every photograph into the folder of its class, "
        "and zip these folders. The table may stay; it is not used." + _hint(top),
        details={"files": paths, "count": len(paths), "folders": [folder.path for folder in _leaves(top)]},
    )


def _is_table(entry: Entry, *, is_unnamed: bool) -> bool:
    """Tell whether a file may say what is on photographs: a table, or a list that is called so.

    Args:
        entry: The file.
        is_unnamed: Whether no folder has a name that may be a class; then any list may say it but ``README.txt``.
    """
    ending, spoken = _ending(entry), words(_stem(entry))
    if ending in _TABLES:
        return True
    return ending in _LISTS and (not _LIST_WORDS.isdisjoint(spoken) or (is_unnamed and _BESIDE.isdisjoint(spoken)))


def _where(top: Folder) -> str:
    leaves = _leaves(top)
    if leaves == [top]:
        return "lie in no folder"
    where = "lie all in one folder," if len(leaves) == 1 else "lie in the folders"
    return f"{where} {quoted_names([folder.path or '.' for folder in leaves])}"


def _leaves(top: Folder) -> list[Folder]:
    """Return the folders that hold images directly."""
    return sorted((folder for folder in top.walk() if folder.images), key=lambda folder: folder.path)


def _has_named_classes(top: Folder) -> bool:
    """Tell whether two folders or more that hold images may be named for classes.

    ``images``, ``train`` and ``masks`` are not, nor are pieces of one thing, such as ``x_part_1`` and ``x_part_2``; but
    ``test`` is, beside ``control``.
    """
    leaves = {folder.name for folder in _leaves(top)}
    named = {name for name in leaves if not _is_structural(name)}
    stems = {tuple(word for word in words(name) if not word.isdigit()) for name in named}
    if len(stems) == 1 and all(map(_is_numbered_piece, named)):
        return False
    plain = [name for name in leaves if (sense := sense_of(name)).role and sense.is_plain and not sense.rest]
    if len(named) > 1 or (plain and any(sense_of(name).role is None for name in named)):
        return True
    # cats/images and dogs/images: the classes stand one level above
    above = {folder.above.name for folder in _leaves(top) if folder.above is not None and _is_structural(folder.name)}
    return len([name for name in above if not _is_structural(name)]) > 1


def _is_numbered_piece(name: str) -> bool:
    """Tell whether a name is that of a numbered piece, such as ``HAM10000_images_part_1``."""
    spoken = words(name)
    return len(spoken) > 1 and spoken[-1].isdigit() and (is_container(spoken[-2]) or spoken[-2] in ("part", "batch"))


def _is_structural(name: str) -> bool:
    sense = sense_of(name)
    is_part = sense.role is not None and not sense.rest
    return not name or is_part or is_container(name) or is_beside(name) or is_mask_folder(name)


def _boxes(top: Folder) -> Fault | None:
    """Tell of a data set for object detection, by files that go with photographs one by one, or by names."""
    stems = {_stem(entry) for folder in top.walk() for entry in folder.images}
    pairs: Counter[str] = Counter()
    named = ""
    for folder in top.walk():
        for entry in folder.others:
            ending = _ending(entry)
            if ending in _PAIRED and _stem(entry) in stems:
                pairs[ending] += 1
            elif _names_boxes(entry, ending, folder):
                named = entry.path
    if pairs:
        ending, num_pairs = pairs.most_common(1)[0]
        if num_pairs >= _LEAST_PAIRS and num_pairs >= _MANY_PAIRS * len(stems):
            reason = f"{count(num_pairs, 'photograph')} of {top.num_images:,} have a .{ending} file of the same name"
            return _detection(_PAIRED[ending], reason, top)
    if named:
        kind = {"json": "COCO", "csv": "boxes in a table"}.get(_ending_of(named), "YOLO")
        return _detection(kind, f"{quoted(named)} describes such a data set", top)
    return None


def _names_boxes(entry: Entry, ending: str, folder: Folder) -> bool:
    """Tell whether a file's name says that it describes boxes for all photographs together."""
    spoken = words(entry.path.rpartition("/")[2].rpartition(".")[0])
    if ending in ("yaml", "yml"):
        return spoken in (("data",), ("dataset",), ("coco",), ("voc",))
    if ending == "json":
        return not {"coco", "instances", "createml", "keypoints"}.isdisjoint(spoken) or (
            is_annotation_folder(folder.name) or spoken[:1] in (("annotations",), ("annotation",))
        )
    return ending == "csv" and spoken in (("annotations",), ("bboxes",), ("bbox",), ("boxes",))


def _detection(kind: str, reason: str, top: Folder) -> Fault:
    return Fault(
        code="archive_other_task",
        message=f"This is an object detection data set ({kind}): {reason}. Such files say where things are on a "
        "photograph; convtailor tells whole photographs apart, and reads a photograph's class from the name of the "
        "folder that it lies in.",
        fix="Make one folder for each class and put into it the photographs that show this class and no other; where "
        "photographs show several things, cut out each of them and sort the cuttings. Then zip these folders. To find "
        "things and their places, use a tool for object detection." + _hint(top),
        details={"task": "object_detection", "format": kind, "folders": [folder.path for folder in _leaves(top)]},
    )


def _masks(top: Folder) -> Fault | None:
    """Tell of a data set for segmentation: pictures that mark regions, in folders beside those of the photographs."""
    leaves = {folder: _is_under_masks(folder) for folder in _leaves(top)}
    masks = [folder for folder, is_mask in leaves.items() if is_mask]
    photographs = [folder for folder, is_mask in leaves.items() if not is_mask]
    if not all(_is_structural(folder.name) for folder in photographs):  # mask and no_mask are classes
        return None
    stems = {_bare(_spelled_alike(entry)) for entry in _images(photographs)}
    marked = [entry for entry in _images(masks) if _bare(_spelled_alike(entry)) in stems]
    if len(marked) < _LEAST_PAIRS or 2 * len(marked) < len(stems):
        return None
    paths = [folder.path for folder in masks]
    return Fault(
        code="archive_other_task",
        message=f"This is a segmentation data set: the pictures in {quoted_names(paths)} have the names of the "
        "photographs and mark regions on them. convtailor tells whole photographs apart, and reads a photograph's "
        "class from the name of the folder that it lies in.",
        fix="Leave the folders of masks out, make one folder for each class, put the photographs of that class into "
        "it, and zip these folders. To outline things, use a tool for segmentation." + _hint(top),
        details={"task": "segmentation", "folders": paths},
    )


def _masks_among_photographs(top: Folder) -> Fault | None:
    """Tell of ``1_mask.png`` beside ``1.png`` in one folder: it would be taken for a photograph of that class."""
    masks = []
    for folder in _leaves(top):
        stems = [_spelled_alike(entry) for entry in folder.images]
        known = frozenset(stems)
        masks += [entry for entry, stem in zip(folder.images, stems, strict=True) if _is_of_another(stem, known)]
    if len(masks) < max(_LEAST_PAIRS, _MANY_MASKS * top.num_images):
        return None
    paths = [entry.path for entry in masks]
    return Fault(
        code="archive_other_task",
        message=f"{len(masks):,} of {top.num_images:,} pictures are no photographs but mark regions on others: "
        f"{quoted_names(paths, most=3)} have the names of the photographs beside them.",
        fix="Leave these pictures out of the zip; they would be learnt as photographs of the class.",
        details={"task": "segmentation", "files": paths, "count": len(paths)},
    )


def _is_under_masks(folder: Folder) -> bool:
    at: Folder | None = folder
    for _ in range(_LEVELS):
        if at is None or is_mask_folder(at.name):
            break
        at = at.above
    return at is not None and is_mask_folder(at.name)


def _images(folders: Iterable[Folder]) -> list[Entry]:
    return [entry for folder in folders for entry in folder.images]


def _hint(top: Folder) -> str:
    return class_hint(_images(folder for folder in _leaves(top) if not _is_under_masks(folder)))


def _stem(entry: Entry) -> str:
    return entry.path.rpartition("/")[2].rpartition(".")[0].casefold()


def _spelled_alike(entry: Entry) -> str:
    """Return a stem with one mark between its words: the mask of ``img-1`` may be ``img-1_mask`` or ``img_1_mask``."""
    return _stem(entry).replace("-", "_")


def _bare(stem: str) -> str:
    """Return a stem without what marks it as a mask: ``12`` of ``12_mask``."""
    head, _, tail = stem.rpartition("_")
    return head if tail in _MASK_WORDS and head else stem


def _is_of_another(stem: str, known: frozenset[str]) -> bool:
    """Tell whether a stem is that of a mask, and the photograph that it marks is there."""
    bare = _bare(stem)
    return bare != stem and bare in known


def _ending(entry: Entry) -> str:
    return _ending_of(entry.path)


def _ending_of(path: str) -> str:
    return path.rpartition(".")[2].lower()
