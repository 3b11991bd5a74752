"""Photographs that a person wants on one side of the split: of one site, animal, day or batch. Pure."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from shared.archive.entry import clash_key
from shared.archive.structure.own_split import OwnSplit
from shared.job.options import BY_FOLDER, BY_PREFIX, REGEX_MARK
from shared.job.result import Remark

_PREFIX = re.compile(r"(.+?)[ _.-]")


def given_groups(
    paths: Sequence[str],
    classes: Sequence[str],
    rule: str,
    own: OwnSplit | None = None,
    *,
    root: str = "",
) -> NDArray[np.int64]:
    """Return the number of every image's group by a rule; an image that the rule says nothing of is alone.

    A group may hold images of several classes: what was taken at one site is one group whatever it shows.

    Args:
        paths: In the archive.
        classes: Names of all classes, which are folders of the paths.
        rule: As :attr:`shared.job.options.JobOptions.group_by`.
        own: The split that the person made, if that is used: a site is one in whichever part it lies.
        root: The folder around all classes, which may be called like one of them; empty where there is none.
    """
    in_class = partial(_folder_in_class, own, PurePosixPath(root).parts, frozenset(map(clash_key, classes)))
    named = in_class if rule == BY_FOLDER else _name_finder(rule)
    names = map(named, paths)
    keys = [f"={name}" if name is not None else f"alone {position}" for position, name in enumerate(names)]
    groups: NDArray[np.int64] = np.unique(keys, return_inverse=True)[1].astype(np.int64)
    return groups


def joined(first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the groups in which everything is together that is so in either of two groupings.

    Args:
        first: ``(num_images,) int64``.
        second: Likewise.
    """
    num = len(first)
    positions = np.arange(num)
    nodes = np.concatenate([num + first - first.min(), num + np.ptp(first) + 1 + second - second.min()])
    links = coo_array((np.ones(2 * num, bool), (np.concatenate([positions, positions]), nodes)), (nodes.max() + 1,) * 2)
    groups: NDArray[np.int64] = connected_components(links, directed=False)[1][:num].astype(np.int64)
    return groups


def grouped_remarks(remarks: Sequence[Remark], rule: str) -> tuple[Remark, ...]:
    """Return remarks on folders, true where these decide what stays together.

    Args:
        remarks: As the archive alone gives rise to them.
        rule: As :func:`given_groups`; empty without one.
    """
    if rule != BY_FOLDER:
        return tuple(remarks)
    return tuple(_of_groups(each) if each.code == "folders_inside_classes" else each for each in remarks)


def _of_groups(remark: Remark) -> Remark:
    """Say of folders inside classes that they are groups, not that they were passed over."""
    message = remark.message.replace(
        "Folders inside them were not told apart:",
        "Folders inside them are no classes but groups, as you asked: what lies in one stays on one side of the split. "
        "For example,",
    )
    return replace(remark, code="folders_are_groups", message=message)


def _name_finder(rule: str) -> Callable[[str], str | None]:
    """Return what names the group of an image, given its path."""
    if rule == BY_PREFIX:
        return lambda path: found[1] if (found := _PREFIX.match(PurePosixPath(path).name)) else None
    pattern = re.compile(rule.removeprefix(REGEX_MARK))

    def named(path: str) -> str | None:
        found = pattern.search(path)
        return None if found is None else found[1] if pattern.groups else found[0]

    return named


def _folder_in_class(own: OwnSplit | None, root: Sequence[str], classes: frozenset[str], path: str) -> str | None:
    """Return the folders between that of a class and the image, joined; ``None`` where there are none.

    The class is that in whose folder the image lies, which another one may have been corrected to.
    """
    folders = PurePosixPath(unicodedata.normalize("NFC", path)).parent.parts
    if own is not None:
        return "/".join(own.below(folders)) or None
    folders = folders[len(root) :]
    keys = [clash_key(folder) for folder in folders]
    depth = next((at for at, key in enumerate(keys) if key in classes), 0)
    return "/".join(folders[depth + 1 :]) or None
