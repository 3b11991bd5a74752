"""The prepared data set: decoded once, memory-mapped, split."""

import json
import logging
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.trainer.data.grouping import given_groups, joined
from services.trainer.run.identity import Facts, RunKey, objection
from shared.job.findings.photographs import Duplicates, OwnParts, Quarantined
from shared.job.result import Remark
from shared.json_codec import from_json, to_json

logger = logging.getLogger(__name__)

Images = NDArray[np.uint8]
"""``(num_images, px, px, 3) uint8`` RGB."""
Indices = NDArray[np.int64]
"""Positions of images in the data set, ascending."""


MISSING = "missing"
"""Fact of a data set of which not all could be read that an earlier attempt used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Which image serves for what; groups of near-duplicates straddle it only where a class has nothing else."""

    train: Indices
    validation: Indices
    test: Indices


def rows_of(split: Split) -> Indices:
    """Return the images of all parts, ascending."""
    rows: Indices = np.sort(np.concatenate([split.train, split.validation, split.test]))
    return rows


HIDDEN = -1
"""Stands in :attr:`LearningSet.labels` where the class of an image must not be known."""


class AlreadyOpened(RuntimeError):
    """The labels of the test split were asked for twice: somebody else has seen them before the evaluation."""


class HeldOut:
    """The labels of the test split, which can be looked at once; :func:`evaluate` does.

    Args:
        rows: The images of the test split.
        labels: Their classes.
        groups: Their groups of near-duplicates, by number.
        given_groups: As :attr:`LearningSet.given_groups`.
    """

    def __init__(
        self,
        rows: Indices,
        labels: NDArray[np.int32],
        groups: NDArray[np.int64],
        given_groups: NDArray[np.int64] | None = None,
    ) -> None:
        self.rows = rows
        self.groups = groups
        self.given_groups = given_groups
        self._labels: NDArray[np.int32] | None = labels

    def open(self) -> NDArray[np.int32]:
        """Return the classes of :attr:`rows`.

        Raises:
            AlreadyOpened: If this is not the first time.
        """
        if self._labels is None:
            raise AlreadyOpened("the test split is read once, by the evaluation")
        labels, self._labels = self._labels, None
        return labels


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningSet:
    """What screening and tuning may touch: all images, and the classes of those that are not held out for the test.

    Args:
        facts: What a trial on it was made from: the same photographs, split alike.
        directory: Where the arrays of images lie.
        classes: Names of the classes, sorted; the position is the label.
        labels: ``(num_images,) int32``; :data:`HIDDEN` for the images of the test split.
        groups: ``(num_images,) int64``: near-duplicates have one number.
        paths: Path of each image in the archive.
        split: Train, validation, test.
        sizes_px: Side lengths at hand.
        given_groups: ``(num_images,) int64``: near-duplicates, and what the person wants together, have one number;
            ``None`` where that is the same as ``groups``.
    """

    facts: Facts
    directory: Path
    classes: tuple[str, ...]
    labels: NDArray[np.int32]
    groups: NDArray[np.int64]
    paths: tuple[str, ...]
    split: Split
    sizes_px: tuple[int, ...]
    given_groups: NDArray[np.int64] | None = None

    @property
    def kept_together(self) -> NDArray[np.int64]:
        """The groups that no fold tears: near-duplicates, and what the person wants together."""
        return self.groups if self.given_groups is None else self.given_groups

    def images(self, px: int) -> Images:
        """Map the images of one side length, ``(num_images, px, px, 3) uint8`` RGB, read-only.

        Raises:
            KeyError: If the data set was not prepared with this side length.
        """
        if px not in self.sizes_px:
            raise KeyError(f"prepared with sides of {self.sizes_px} px, asked for {px} px")
        mapped: np.memmap[Any, np.dtype[np.uint8]] = np.load(images_path(self.directory, px), mmap_mode="r")
        return mapped


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Every image decoded once and kept as squares, one memory-mapped array per side length.

    Args:
        key: What it was made from.
        split_sha256: Of the split, entry by entry of the archive; see :mod:`services.trainer.data.assignment`.
        directory: Where the arrays lie.
        classes: Names of the classes, sorted; the position is the label.
        labels: ``(num_images,) int32``.
        paths: Path of each image in the archive.
        groups: ``(num_images,) int64``: near-duplicates have one number, even where the split had to tear them.
        split: Train, validation, test.
        sizes_px: Side lengths at hand.
        quarantined: What was left out and why; of very many, some of each reason.
        num_quarantined: How many there are; as many as are named unless given.
        duplicates: What the search for copies found.
        remarks: How the folders of the archive were understood.
        own: The parts of the person's own split, where that was used; an image whose copy a higher part holds is then
            in no part.
        given: ``(num_images,) int64``: what the person wants together has one number, as the split took it; ``None``
            without a rule, and where an earlier version prepared the data set.
        missing: Digest of what an earlier attempt used and this one could not read; empty where nothing is missing.
    """

    key: RunKey
    split_sha256: str
    directory: Path
    classes: tuple[str, ...]
    labels: NDArray[np.int32]
    paths: tuple[str, ...]
    groups: NDArray[np.int64]
    split: Split
    sizes_px: tuple[int, ...]
    quarantined: tuple[Quarantined, ...]
    duplicates: Duplicates
    remarks: tuple[Remark, ...] = ()
    num_quarantined: int | None = None
    own: OwnParts | None = None
    given: NDArray[np.int64] | None = None
    missing: str = ""

    @property
    def facts(self) -> Facts:
        """What a trial on it was made from: the same photographs, split alike."""
        whole = {**self.key.facts, "split_sha256": self.split_sha256}
        return {**whole, MISSING: self.missing} if self.missing else whole

    @property
    def is_whole(self) -> bool:
        """Tell whether every class has an image in every part of the split."""
        parts = (self.split.train, self.split.validation, self.split.test)
        return all(len(np.unique(self.labels[part])) == len(self.classes) for part in parts)

    @property
    def num_images(self) -> int:
        """Images in all splits together."""
        return len(self.paths)

    def images(self, px: int) -> Images:
        """See :meth:`LearningSet.images`."""
        return self.learning.images(px)

    @property
    def learning(self) -> LearningSet:
        """What networks may learn from, and be chosen by."""
        labels = self.labels.copy()
        labels[self.split.test] = HIDDEN
        return LearningSet(
            facts=self.facts,
            directory=self.directory,
            classes=self.classes,
            labels=labels,
            groups=self.groups,
            given_groups=self._kept_together,
            paths=self.paths,
            split=self.split,
            sizes_px=self.sizes_px,
        )

    @property
    def _kept_together(self) -> NDArray[np.int64] | None:
        """Return the groups of near-duplicates joined with what the person wants together; ``None`` without a rule."""
        if not self.key.group_by:
            return None
        given = self.given
        if given is None:
            given = given_groups(self.paths, self.classes, self.key.group_by)
        return joined(self.groups, given)

    def seal(self) -> HeldOut:
        """Return what the one network of a run is judged by, once."""
        test, given = self.split.test, self._kept_together
        return HeldOut(test, self.labels[test], self.groups[test], None if given is None else given[test])


def images_path(directory: Path, px: int) -> Path:
    """Return the file of the images of one side length."""
    return directory / f"images_{px}.npy"


def save(dataset: Dataset) -> None:
    """Write everything but the images, whole or not at all; the file is the mark that the images are complete.

    Args:
        dataset: Its arrays of images lie in its directory already, flushed.
    """
    split = dataset.split
    document = {
        "made_from": dataset.facts,
        "classes": dataset.classes,
        "labels": dataset.labels.tolist(),
        "paths": dataset.paths,
        "groups": dataset.groups.tolist(),
        "given": None if dataset.given is None else dataset.given.tolist(),
        "split": [part.tolist() for part in (split.train, split.validation, split.test)],
        "sizes_px": dataset.sizes_px,
        "quarantined": [to_json(each) for each in dataset.quarantined],
        "num_quarantined": dataset.num_quarantined,
        "duplicates": to_json(dataset.duplicates),
        "remarks": [to_json(each) for each in dataset.remarks],
        "own": None if dataset.own is None else to_json(dataset.own),
    }
    temporary = dataset.directory / f"{_DOCUMENT}.part"
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(document, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(dataset.directory / _DOCUMENT)


def load(directory: Path, *, key: RunKey, split_sha256: str, sizes_px: Collection[int]) -> Dataset | None:
    """Return the data set that was saved here, or ``None`` if there is none that was made from just this.

    Args:
        directory: Where it would lie.
        key: What it must have been made from.
        split_sha256: The split that it must have.
        sizes_px: Side lengths that it must have, among others perhaps.
    """
    try:
        document = json.loads((directory / _DOCUMENT).read_text(encoding="utf-8"))
        reason = objection(document["made_from"], {**key.facts, "split_sha256": split_sha256})
        if reason is None and not set(sizes_px) <= set(document["sizes_px"]):
            reason = f"it has sides of {document['sizes_px']} px, wanted are {sorted(sizes_px)}"
        if reason is None:
            return _dataset(directory, key, split_sha256, document)
    except FileNotFoundError:
        return None
    except (LookupError, TypeError, ValueError) as error:
        reason = f"it cannot be read: {type(error).__name__}: {error}"
    logger.warning("prepared data set ignored", extra={"reason": reason})
    return None


def _dataset(directory: Path, key: RunKey, split_sha256: str, document: Mapping[str, Any]) -> Dataset:
    train, validation, test = (np.array(part, np.int64) for part in document["split"])
    return Dataset(
        key=key,
        split_sha256=split_sha256,
        directory=directory,
        classes=tuple(document["classes"]),
        labels=np.array(document["labels"], np.int32),
        paths=tuple(document["paths"]),
        groups=np.array(document["groups"], np.int64),
        given=None if document.get("given") is None else np.array(document["given"], np.int64),
        split=Split(train=train, validation=validation, test=test),
        sizes_px=tuple(document["sizes_px"]),
        quarantined=tuple(from_json(Quarantined, each) for each in document["quarantined"]),
        num_quarantined=document.get("num_quarantined"),
        duplicates=from_json(Duplicates, document["duplicates"]),
        remarks=tuple(from_json(Remark, each) for each in document["remarks"]),
        own=None if document["own"] is None else from_json(OwnParts, document["own"]),
    )


_DOCUMENT = "dataset.json"
