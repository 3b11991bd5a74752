"""What the names of photographs say, where no folder says what is on them: ``cat.12.jpg`` beside ``dog.7.jpg``."""

import re
from collections import Counter
from collections.abc import Iterable

from shared.archive.entry import Entry
from shared.wording import quoted_names

_HEAD = re.compile(r"([^\W\d_][^\d]*?)[\W_]*\d")
_LEAST_IMAGES = 5
_MOST_CLASSES = 200
_NEARLY_ALL = 0.9
_CAMERA_WORDS = frozenset(
    {
        *("img", "image", "images", "dsc", "dscn", "dscf", "dcim", "pict", "photo", "picture", "pic", "frame", "scan"),
        *(
            "screenshot",
            "p",
            "pxl",
            "vid",
            "wp",
            "sam",
            "cimg",
            "imag",
            "file",
            "page",
            "test",
            "train",
            "val",
            "mvimg",
            "gopr",
            "gx",
            "gh",
            "dji",
            "insta",
            "photos",
            "foto",
            "bild",
            "signal",
            "whatsapp image",
        ),
    }
)


def class_hint(entries: Iterable[Entry]) -> str:
    """Return a sentence that names classes with which file names seem to begin; empty where they do not.

    Args:
        entries: Photographs.
    """
    heads: Counter[str] = Counter()
    num_images = 0
    for entry in entries:
        num_images += 1
        found = _HEAD.match(entry.path.rpartition("/")[2])
        if found is not None:
            heads[found[1]] += 1
    classes = [head for head, number in heads.most_common() if number >= _LEAST_IMAGES]
    if not 1 < len(classes) <= _MOST_CLASSES or not _CAMERA_WORDS.isdisjoint(head.casefold() for head in classes):
        return ""
    if sum(heads[head] for head in classes) < _NEARLY_ALL * num_images:
        return ""
    return f" The names of the files seem to begin with the class, {quoted_names(sorted(classes))}: sort by it."
