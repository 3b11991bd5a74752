"""``result.json``: the one document that tells everything about a finished training.

The trainer writes it, the reporter draws it, programs read it; ``docs/result.schema.json`` is generated from it.
Accuracies and fractions are between 0 and 1, durations in seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.job.findings.certainty import Certainty
from shared.job.findings.comparison import Comparison, Corrected
from shared.job.findings.focus import Focus
from shared.job.findings.growth import Growth
from shared.job.findings.network import FormatResult, ModelSize
from shared.job.findings.photographs import ClassFiles, Counts, Duplicates, Quarantined
from shared.job.findings.scores import TestScores, UploadedScores
from shared.job.findings.suspects import Suspects
from shared.job.findings.training import CandidateResult, Choice, Mirroring, Tuning, Unfreezing
from shared.job.findings.verdict import Verdict
from shared.job.progress import Spending


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """Seconds each step took, ``formats`` within ``export`` and ``analysis`` within ``evaluate``.

    ``total`` is from taking the job up to its last artefact.
    """

    prepare: float
    screen: float
    tune: float
    evaluate: float
    export: float
    total: float
    formats: float = 0.0
    analysis: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunIdentity:
    """What decided the data of a run: results of one key compare networks on the same photographs.

    Args:
        key: Digest of all that decides which photographs are used and how they are split.
        archive_sha256: Digest of the zip, as ``sha256sum`` prints it.
        data_version: Of decoding, of the search for copies, and of splitting.
        split_sha256: Digest of which file of the zip served for what.
    """

    key: str
    archive_sha256: str
    data_version: str
    split_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """How the folders of the archive were understood, where something else may have been meant.

    Args:
        code: Stable identifier, such as ``folders_inside_classes``.
        message: What was found, and what was made of it.
        fix: What to do if something else was meant.
    """

    code: str
    message: str
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptDays:
    """For how many days after the end of the job the service keeps what it has of it.

    Args:
        artefacts: Networks, result, report and the address of the person.
        archive: The photographs; 0: they are deleted when the job ends.
    """

    artefacts: float
    archive: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What the training took beside what it was estimated to take.

    Args:
        estimate: Before it began to train; ``None`` where nothing was estimated.
        spent: From taking the job up to its last artefact, by the attempt that finished it.
    """

    estimate: Spending | None
    spent: Spending


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Everything that one training found; see the module."""

    job_id: str
    seed: int
    classes: tuple[str, ...]
    counts: Counts
    quarantined: tuple[Quarantined, ...]
    duplicates: Duplicates
    winner: str
    candidates: tuple[CandidateResult, ...]
    tuning: Tuning | None
    test: TestScores
    model: ModelSize
    timings_s: Timings
    device: str
    stopped_because: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    run: RunIdentity | None = None
    as_uploaded: UploadedScores | None = None
    remarks: tuple[Remark, ...] = ()
    mirroring: Mirroring | None = None
    choice: Choice | None = None
    num_quarantined: int | None = None
    kept_days: KeptDays | None = None
    formats: tuple[FormatResult, ...] = ()
    verdict: Verdict | None = None
    comparison: Comparison | None = None
    focus: Focus | None = None
    bill: Bill | None = None
    suspects: Suspects | None = None
    certainty: Certainty | None = None
    growth: Growth | None = None
    unfreezing: Unfreezing | None = None
    split: tuple[ClassFiles, ...] = ()
    corrected: Corrected | None = None

    @property
    def num_left_out(self) -> int:
        """Files that were left out; ``quarantined`` names some of each reason where there are very many."""
        return len(self.quarantined) if self.num_quarantined is None else self.num_quarantined

    @property
    def num_unusable(self) -> int:
        """Those of them that could not be used; others are sound, and gave way to copies in the person's own test."""
        return max(0, self.num_left_out - self.duplicates.num_given_way)

    @property
    def num_conflicts(self) -> int:
        """Pictures that stand in several classes; ``duplicates.conflicts`` names the first of them."""
        told = self.duplicates.num_conflicts
        return len(self.duplicates.conflicts) if told is None else told
