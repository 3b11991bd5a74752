"""What decides the data of a run, as one value: runs of one key read the same photographs and split them alike."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

Facts = Mapping[str, str | int]
"""What something was made from, by name; two things count as one only where all of these agree."""


_AT_REST = frozenset({"group_by", "split", "handover_sha256"})
"""Choices that are left out of the facts where nobody made them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunKey:
    """What the data set of a run is a function of, and of nothing else: no candidate, no machine, no order of entries.

    Args:
        archive_sha256: Of the zip's bytes, hexadecimal, as ``sha256sum`` prints it.
        data_version: Of decoding, hashing and splitting; see :mod:`services.trainer.data.prepare`.
        min_image_px: Least length of an image's side.
        max_image_px: Greatest length of an image's side.
        seed: Of the split.
        group_by: What stays together in it; empty: near-identical photographs alone.
        split: Who makes it, where that is not the person whose archive has one; see
            :attr:`shared.job.options.JobOptions.split`.
        handover_sha256: Of corrections, and of the split that another job handed on; empty where there are none.
    """

    archive_sha256: str
    data_version: str
    min_image_px: int
    max_image_px: int
    seed: int
    group_by: str = ""
    split: str = ""
    handover_sha256: str = ""

    @property
    def facts(self) -> Facts:
        """Its fields by name, as they are written beside whatever was made from them.

        What is at rest is left out, so that what was made before there was such a choice still counts.
        """
        return {name: value for name, value in asdict(self).items() if value or name not in _AT_REST}

    @property
    def digest(self) -> str:
        """SHA-256, hexadecimal, of all fields: equal where and only where the keys are."""
        return hashlib.sha256(json.dumps(self.facts, sort_keys=True).encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def objection(written: object, wanted: Facts) -> str | None:
    """Say why something stored does not count, or ``None`` where it was made from just what is wanted.

    Args:
        written: The facts that stand beside it; whatever was read, for an earlier version may have written it.
        wanted: What it would have to be made from.
    """
    if not isinstance(written, Mapping):
        return "it does not say what it was made from, as an earlier version wrote it"
    names = sorted({*written, *wanted}, key=str)
    differing = [name for name in names if written.get(name) != wanted.get(name)]
    told = [f"{name} was {written.get(name)!r} and is {wanted.get(name)!r}" for name in differing]
    return ", ".join(told) if told else None
