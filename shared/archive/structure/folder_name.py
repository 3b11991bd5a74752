"""What the name of a folder says about it: part of a split, a container, something beside the photographs, or nothing.

Names alone never decide: :mod:`shared.archive.structure` asks them only where the folders are arranged to match. Most
folders are named for a class, and a class may be called ``test``, ``train`` or ``set``.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache

from shared.archive.name_table import name_table


class Role(StrEnum):
    """Which part of a split data set a folder may be."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"
    UNLABELLED = "unlabelled"
    PIECE = "piece"


_SURE = frozenset({"set", "sets", "split", "splits", "seg", "x", "y", "single", "samples", "to"})
"""With names of containers, words that leave no doubt beside one such as ``test``: ``test_set`` is no class."""
_NO_CLASSES = ("validation", "validierung", "holdout", "heldout", "unlabel")
"""What words begin with that name a part of a split and never a class."""
_HELD_OUT = frozenset({("held", "out"), ("hold", "out")})
"""Two words of one meaning. Of no other pair: ``no_label`` may be a class beside ``label``."""
_VARIANTS = frozenset(
    {
        *("color", "colour", "colored", "coloured", "grayscale", "greyscale", "gray", "grey", "rgb", "bw", "segmented"),
        *("augmented", "aug", "augmentation", "original", "originals", "raw", "processed", "preprocessed", "resized"),
        *("cropped", "crops", "enhanced", "normalized", "normalised", "denoised", "noisy", "unprocessed"),
    }
)
_MASKS = frozenset(
    {
        *("mask", "masks", "label", "labels", "annotation", "annotations", "gt", "groundtruth", "ground", "truth"),
        *("segmentation", "segmentations", "seg", "trimap", "trimaps", "segmentationclass", "segmentationobject"),
        *("class", "object", "binary", "png", "images", "image", "img"),
    }
)
_MASK_HEADS = _MASKS - {"class", "object", "binary", "png", "images", "image", "img", "ground", "truth"} | {"truth"}
_ANNOTATIONS = frozenset({"label", "labels", "annotation", "annotations", "labeltxt", "bbox", "bboxes", "imagesets"})

_WORD = re.compile(r"(?:[^\W\d_]|[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0963\u0e31-\u0e4e])+|\d+")
"""Vowels of Hindi and Thai, and points of Hebrew and Arabic, are marks and no letters, yet part of a word."""
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True, slots=True, kw_only=True)
class NameSense:
    """What a name says of a split.

    Args:
        role: The part that it names, if any.
        rest: Its other words, such as ``("cats",)`` of ``cats_train``; fillers such as ``set`` or ``images`` are gone.
        is_plain: Whether the part is all that the name says, as in ``test``, which may well be a class.
    """

    role: Role | None
    rest: tuple[str, ...]
    is_plain: bool


@lru_cache(maxsize=4096)
def sense_of(name: str) -> NameSense:
    """Read a folder's name for the part of a split that it may stand for."""
    spoken, split = _held_out_as_one(words(name)), name_table().split
    found = {index: role for index, word in enumerate(spoken) if (role := _role_of(word)) is not None}
    roles = set(found.values())
    if roles == {Role.TRAIN, Role.VALIDATION}:
        roles = {Role.TRAIN}
    rest = tuple(word for index, word in enumerate(spoken) if index not in found and not _is_filler(word))
    if len(roles) == 1:
        others = [word for index, word in enumerate(spoken) if index not in found]
        is_plain = (
            _SURE.isdisjoint(others)
            and split.containers.isdisjoint(others)
            and not any(_has_tail(spoken[index]) for index in found)
        )
        return NameSense(role=roles.pop(), rest=rest, is_plain=is_plain)
    is_numbered = any(word.isdigit() or len(word) == 1 for word in spoken)
    if not roles and is_numbered and split.pieces.issuperset(rest) and not split.pieces.isdisjoint(spoken):
        return NameSense(role=Role.PIECE, rest=(), is_plain=True)
    return NameSense(role=None, rest=rest, is_plain=True)


def is_container(name: str) -> bool:
    """Tell whether a name says no more than that photographs lie here, such as ``dataset`` or ``all images 2``."""
    spoken = words(name)
    return not name_table().split.containers.isdisjoint(spoken) and all(_is_filler(word) for word in spoken)


def is_variant(name: str) -> bool:
    """Tell whether a name says how photographs were treated, such as ``grayscale``, and not what they show."""
    spoken = words(name)
    return not _VARIANTS.isdisjoint(spoken) and all(word in _VARIANTS or _is_filler(word) for word in spoken)


def is_beside(name: str) -> bool:
    """Tell whether a name is usual for what lies beside the photographs of a project, such as ``docs`` or ``plots``."""
    spoken, beside = words(name), name_table().split.beside
    return not beside.isdisjoint(spoken) and all(word in beside or _is_filler(word) for word in spoken)


def is_mask_folder(name: str) -> bool:
    """Tell whether a name is usual for pictures that mark regions of other pictures, such as ``masks``."""
    spoken = words(name)
    return not _MASK_HEADS.isdisjoint(spoken) and all(word in _MASKS or _is_filler(word) for word in spoken)


def is_annotation_folder(name: str) -> bool:
    """Tell whether a name is usual for files that say where things are on photographs, such as ``labels``."""
    spoken = words(name)
    return not _ANNOTATIONS.isdisjoint(spoken) and all(word in _ANNOTATIONS or _is_filler(word) for word in spoken)


@lru_cache(maxsize=4096)
def words(name: str) -> tuple[str, ...]:
    """Return the words of a name in lower case without accents: ``("seg", "train", "2")`` of ``Seg_Train2``."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    recomposed = unicodedata.normalize("NFC", plain if plain.isascii() else unicodedata.normalize("NFC", name))
    return tuple(_WORD.findall(_CAMEL.sub(" ", recomposed).casefold()))


@cache
def _patterns() -> dict[Role, re.Pattern[str]]:
    """Return what a word looks like that names a part of a split."""
    split = name_table().split
    tails = _longest_first(split.containers | split.tails)
    return {
        Role(part): re.compile(f"[xy]?(?:{_longest_first(stems)})(?P<tail>{tails})?")
        for part, stems in split.parts.items()
    }


def _longest_first(words: Iterable[str]) -> str:
    return "|".join(sorted(words, key=len, reverse=True))


def _held_out_as_one(spoken: tuple[str, ...]) -> tuple[str, ...]:
    """Return ``heldout`` for the words of ``held_out``, where a name says no more than that: a hand may be held out."""
    first, rest = spoken[:2], spoken[2:]
    return ("".join(first), *rest) if first in _HELD_OUT and all(map(_is_filler, rest)) else spoken


def _role_of(word: str) -> Role | None:
    return next((role for role, pattern in _patterns().items() if pattern.fullmatch(word)), None)


def _has_tail(word: str) -> bool:
    """Tell whether a word says ``testset``, not just ``test`` or ``tests``; ``validation`` is no class either."""
    found = next(match for pattern in _patterns().values() if (match := pattern.fullmatch(word)))
    return found["tail"] not in (None, "s") or word.startswith(_NO_CLASSES)


def _is_filler(word: str) -> bool:
    split = name_table().split
    return (
        word in split.fillers
        or word in split.containers
        or word in split.pieces - {"cv"}
        or word.isdigit()
        or len(word) == 1
    )
