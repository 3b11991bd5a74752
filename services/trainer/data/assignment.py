"""Which entry of an archive serves for what: decided by the first attempt, kept in the ledger, obeyed by later ones.

A newer decoder may see a pixel otherwise and so find other copies. An image that one attempt trained on must not judge
the network of the next, so the split is not worked out twice.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from services.trainer.data.dataset import Indices, Split
from services.trainer.run.context import Ledger, LedgerEntry
from services.trainer.run.identity import Facts, RunKey
from shared.archive.entry import Entry
from shared.archive.rules import ArchivePlan
from shared.job.findings.photographs import Duplicates, LabelConflict, Quarantined
from shared.job.job import Trial, TrialState
from shared.job.retraining import handover
from shared.json_codec import to_json

_NAME, _FEWER = "dataset", "fewer_images"
_PARTS, _GROUPS = "parts", "groups"
UNUSED, TRAIN, VALIDATION, TEST = range(4)
_PART_OF = {handover.TRAIN: TRAIN, handover.VALIDATION: VALIDATION, handover.TEST: TEST}
MOST_NAMED = 1_000
"""Files that are named with why they were left out, and pictures in several classes: as many as the report lists."""
MOST_PATHS = 20
"""Paths of one picture that are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What the first attempt left out of the data set, and why.

    Args:
        quarantined: Files that could not be used; of very many, some of each reason.
        duplicates: What the search for copies found.
        num_quarantined: How many there are; older attempts named all of them.
    """

    quarantined: tuple[Quarantined, ...]
    duplicates: Duplicates
    num_quarantined: int | None = None

    @property
    def num_left_out(self) -> int:
        """Files that could not be used, named or not."""
        return len(self.quarantined) if self.num_quarantined is None else self.num_quarantined


def findings_of(quarantined: Sequence[Quarantined], duplicates: Duplicates) -> Findings:
    """Return findings of bounded length: they go into a document of the store, and into the report.

    Args:
        quarantined: All files that could not be used.
        duplicates: With all conflicts.
    """
    conflicts = tuple(LabelConflict(paths=each.paths[:MOST_PATHS]) for each in duplicates.conflicts[:MOST_NAMED])
    return Findings(
        quarantined=_some_of_each(quarantined),
        duplicates=replace(duplicates, conflicts=conflicts, num_conflicts=len(duplicates.conflicts)),
        num_quarantined=len(quarantined),
    )


def _some_of_each(files: Sequence[Quarantined]) -> tuple[Quarantined, ...]:
    """Return the first files of every reason, in their order, and all of them where they are few."""
    if len(files) <= MOST_NAMED:
        return tuple(files)
    most_of_each = MOST_NAMED // len({each.code for each in files})
    taken: Counter[str] = Counter()
    named = []
    for each in files:
        if taken[each.code] < most_of_each:
            taken[each.code] += 1
            named.append(each)
    return tuple(named)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """What every entry of one archive serves for.

    Args:
        parts: ``(num_entries,) uint8`` in the order of the central directory: ``UNUSED``, ``TRAIN``, ``VALIDATION`` or
            ``TEST``.
        groups: ``(num_entries,) int64``: near-duplicates have one number; -1 where unused.
        findings: About those that are unused.
        image_s: Seconds that decoding an image took the first attempt.
    """

    parts: NDArray[np.uint8]
    groups: NDArray[np.int64]
    findings: Findings
    image_s: float = 0.0

    @property
    def sha256(self) -> str:
        """Digest of the parts, hexadecimal: equal for equal splits of one archive."""
        return hashlib.sha256(self.parts.tobytes()).hexdigest()

    @property
    def num_used(self) -> int:
        """Images in all parts together."""
        return int((self.parts != UNUSED).sum())

    @property
    def num_held_out(self) -> tuple[int, int]:
        """Images of validation and of test."""
        return int((self.parts == VALIDATION).sum()), int((self.parts == TEST).sum())

    def facts_with(self, key: RunKey) -> Facts:
        """Return what a trial on the images so divided was made from."""
        return {**key.facts, "split_sha256": self.sha256}

    def uses(self, entry: Entry) -> bool:
        """Tell whether an entry serves for anything."""
        return bool(self.parts[entry.index] != UNUSED)

    def is_learnt_from(self, entry: Entry) -> bool:
        """Tell whether an entry is neither held out nor unused."""
        return bool(self.parts[entry.index] == TRAIN)

    def split_of(self, entries: Indices) -> Split:
        """Return the split of a data set whose rows are these entries."""
        part = self.parts[entries]
        return Split(
            train=np.flatnonzero(part == TRAIN),
            validation=np.flatnonzero(part == VALIDATION),
            test=np.flatnonzero(part == TEST),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """An assignment's document in the ledger."""

    findings: Findings
    image_s: float


def parts_of(split: Split, entries: Indices, *, num_entries: int) -> NDArray[np.uint8]:
    """Return what every entry serves for, by a split of the rows that are these entries."""
    parts = np.full(num_entries, UNUSED, np.uint8)
    for rows, part in ((split.train, TRAIN), (split.validation, VALIDATION), (split.test, TEST)):
        parts[entries[rows]] = part
    return parts


def groups_of(groups: NDArray[np.int64], entries: Indices, *, num_entries: int) -> NDArray[np.int64]:
    """Return the group of every entry, by the groups of the rows that are these entries; -1 for the others."""
    of_entries = np.full(num_entries, -1, np.int64)
    of_entries[entries] = groups
    return of_entries


def handed_on(plan: ArchivePlan, part_of: Mapping[str, str], *, num_entries: int) -> Assignment:
    """Return what every entry serves for where another job has decided that, as far as it is still read.

    Args:
        plan: Of the archive, with the corrections in it: what is left out is in none of its classes.
        part_of: What each photograph served for, by path; one that it does not name serves for nothing.
        num_entries: Of the archive.
    """
    parts = np.full(num_entries, UNUSED, np.uint8)
    for entries in plan.classes.values():
        for entry in entries:
            parts[entry.index] = _PART_OF.get(part_of.get(entry.path, ""), UNUSED)
    nothing = Findings(quarantined=(), duplicates=Duplicates(exact=0, near_groups=0, conflicts=()))
    return Assignment(parts=parts, groups=np.full(num_entries, -1, np.int64), findings=nothing)


def record(ledger: Ledger, assignment: Assignment) -> None:
    """Keep an assignment for all attempts to come."""
    entry = LedgerEntry(
        trial=Trial(name=_NAME, state=TrialState.DONE),
        document=to_json(_Page(findings=assignment.findings, image_s=assignment.image_s)),
        arrays={_PARTS: assignment.parts, _GROUPS: assignment.groups},
        is_shown=False,
    )
    ledger.record(entry)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fewer:
    """What an attempt worked without, because it could not read what an earlier one had read.

    Args:
        missing: Digest of their paths; see :attr:`services.trainer.data.dataset.Dataset.missing`.
        files: Which, and why.
    """

    missing: str = ""
    files: tuple[Quarantined, ...] = ()

    @property
    def paths(self) -> frozenset[str]:
        """Where they lie in the archive."""
        return frozenset(each.path for each in self.files)


def telling_of(fewer: Fewer, known: Assignment) -> Assignment:
    """Return an assignment whose findings name what an attempt worked without, too."""
    found = known.findings
    more = replace(
        found, quarantined=(*found.quarantined, *fewer.files), num_quarantined=found.num_left_out + len(fewer.files)
    )
    return replace(known, findings=more)


def record_fewer(ledger: Ledger, fewer: Fewer) -> None:
    """Keep for a delivery to come what the networks of this attempt were trained without.

    Args:
        ledger: Of what is made from the assignment.
        fewer: See there.
    """
    trial = Trial(name=_FEWER, state=TrialState.DONE)
    ledger.record(LedgerEntry(trial=trial, document=to_json(fewer), is_shown=False))


def recall_fewer(ledger: Ledger) -> Fewer | None:
    """Return what the last attempt that could not read everything worked without, or ``None``."""
    entry = ledger.find(_FEWER)
    return entry.document_as(Fewer) if entry is not None else None


def recall(ledger: Ledger) -> Assignment | None:
    """Return what an earlier attempt decided, or ``None``."""
    entry = ledger.find(_NAME)
    page = entry.document_as(_Page) if entry is not None else None
    if entry is None or page is None:
        return None
    parts, groups = entry.arrays[_PARTS], entry.arrays[_GROUPS]
    return Assignment(parts=parts, groups=groups, findings=page.findings, image_s=page.image_s)
