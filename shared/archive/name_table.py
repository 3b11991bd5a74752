"""The rules about names and sizes that are data: one JSON table that server, command line and page read."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

TABLE_FILE = Path(__file__).with_name("names.json")
"""The table; the page reads the same bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitNames:
    """How parts of a split are called.

    Args:
        parts: Beginnings of words by the part that they stand for, such as ``train``.
        pieces: Words that stand for a numbered piece, such as ``fold``.
        containers: Words that say no more than that photographs lie here.
        tails: What may follow the beginning of a word, such as ``set``.
        fillers: Words that say nothing beside another, such as ``the`` and ``single``.
        beside: Words for what lies beside photographs and is none of their classes, such as ``docs``.
    """

    parts: Mapping[str, Sequence[str]]
    pieces: frozenset[str]
    containers: frozenset[str]
    tails: frozenset[str]
    fillers: frozenset[str]
    beside: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class NameTable:
    """The table, read.

    Args:
        archive_endings: Of archives, which are not opened inside an archive.
        other_endings: Of files that are surely no photographs.
        kinds: The same by what such files are, such as ``media``.
        system_names: Of files and folders that systems leave behind, in small letters.
        split: Names of parts of a split.
        limits: How much an archive may hold, by the names of :class:`shared.archive.safety.ArchiveLimits`.
    """

    archive_endings: frozenset[str]
    other_endings: frozenset[str]
    kinds: Mapping[str, frozenset[str]]
    system_names: frozenset[str]
    split: SplitNames
    limits: Mapping[str, int]


@cache
def name_table() -> NameTable:
    """Return the table, read once."""
    document: dict[str, Any] = json.loads(TABLE_FILE.read_text(encoding="utf-8"))
    endings, split = dict(document["endings"]), document["split"]
    archive_endings = frozenset(endings.pop("archive"))
    return NameTable(
        archive_endings=archive_endings,
        other_endings=frozenset(ending for kind in endings.values() for ending in kind),
        kinds={kind: frozenset(each) for kind, each in endings.items()},
        system_names=frozenset(document["system_names"]),
        split=SplitNames(
            parts=split["parts"],
            pieces=frozenset(split["pieces"]),
            containers=frozenset([*split["photographs"], *split["data"], "classes", "categories"]),
            tails=frozenset(split["tails"]),
            fillers=frozenset(split["fillers"]),
            beside=frozenset(split["beside"]),
        ),
        limits=document["limits"],
    )
