"""Which pictures have names that programs for augmenting photographs, and people who copy files, give to copies.

A name is a hint and no proof: what it connects is compared, and needs to agree somewhat less than the rest.
"""

import re
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_EDIT = (
    r"aug(?:ment(?:ed|ation)?)?|[hv]?[ _-]?flip(?:ped)?|mirror(?:ed)?|rot(?:at(?:e|ed|ion))?|turn(?:ed)?|crop(?:ped)?|"
    r"(?:bright|dark)(?:en|er|ness|ened)?|contrast|nois[ey]|blur(?:red)?|zoom(?:ed)?|shear(?:ed)?|shift(?:ed)?|"
    r"gr[ae]y(?:scale)?|hue|saturation|jitter|scaled?|resized?|transform(?:ed)?|warp(?:ed)?|copy|copie|kopie|copia|dup"
)
_AFTER = re.compile(
    r"(?:\.rf\.[0-9a-f]{8,}"  # Roboflow: cat_jpg.rf.<digest>
    rf"|[ _.-]+(?:{_EDIT})(?:[ _.-]*[+-]?\d+(?:deg)?)*"  # cat_flip, cat-rot90, cat_aug_3
    r"|[ _.-]*\(\d{1,3}\))$",  # cat (1)
    re.IGNORECASE,
)
_BEFORE = re.compile(rf"^(?:(?:copy|kopie|copia) (?:of|von|de) |(?:{_EDIT})\d*[ _.-]+)", re.IGNORECASE)
_AUGMENTOR = re.compile(r"^.*_original_(.+?)\.\w{3,4}_[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$", re.IGNORECASE)
_ENDING = re.compile(r"\.\w{1,5}$")
_MOST_OF_ONE_NAME = 24
"""Pictures with one stem: "photo (1)" to "photo (300)" are no copies of one another."""
_NEIGHBOURS = 6


def stem_of(path: str) -> str:
    """Return a file's name without folder, ending and all that tells of a copy: ``cat_flip (1).jpg`` is ``cat``."""
    name = _ENDING.sub("", path.rpartition("/")[2])
    if (made := _AUGMENTOR.match(name)) is not None:
        return made.group(1).lower()
    while (shorter := _BEFORE.sub("", _AFTER.sub("", name))) not in (name, ""):
        name = shorter
    return re.sub(r"_(?:jpe?g|png|webp|bmp)$", "", name, flags=re.IGNORECASE).lower()


def pairs_by_name(paths: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return pairs of images whose names say that they come of one picture; of many, each with a few others.

    Args:
        paths: Of all images.
    """
    rows_of: dict[str, list[int]] = defaultdict(list)
    for row, path in enumerate(paths):
        rows_of[stem_of(path)].append(row)
    pairs = [
        (row, other)
        for stem, rows in rows_of.items()
        if 1 < len(rows) <= _MOST_OF_ONE_NAME and any(_is_marked(paths[row], stem) for row in rows)
        for place, row in enumerate(rows)
        for other in rows[place + 1 : place + 1 + _NEIGHBOURS]
    ]
    first, second = np.array(pairs, np.int64).reshape(-1, 2).T
    return first, second


def _is_marked(path: str, stem: str) -> bool:
    return _ENDING.sub("", path.rpartition("/")[2]).lower() != stem
