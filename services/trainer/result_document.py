"""Puts the pieces of a training together as its :class:`shared.result.Result`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.trainer.data.dataset import Dataset
from services.trainer.zoo.weights import Resolution
from shared.job import TrialState
from shared.result import CandidateResult, Counts, ModelSize, Result, TestScores, Timings, Tuning


@dataclass(frozen=True, slots=True, kw_only=True)
class Pieces:
    """What the steps found.

    Args:
        found: Which weights could be had.
        dataset: The prepared data set.
        candidates: How screening went.
        winner: Name of the winner.
        tuning: How fine-tuning went; ``None`` where there was none.
        scores: Of the test split.
        size: Of the delivered network.
        device: What trained.
        versions: Of what shaped the network.
        stopped_because: Why training ended before it was done, if it did.
    """

    found: Resolution
    dataset: Dataset
    candidates: Sequence[CandidateResult]
    winner: str
    tuning: Tuning | None
    scores: TestScores
    size: ModelSize
    device: str
    versions: Mapping[str, str]
    stopped_because: str | None


def tell(pieces: Pieces, *, job_id: str, seed: int, spent_s: Mapping[str, float], total_s: float) -> Result:
    """Return the whole story.

    Args:
        pieces: What the steps found.
        job_id: Whose it is.
        seed: Of the run.
        spent_s: Seconds of every phase.
        total_s: Seconds from taking the job up to its last artefact.
    """
    dataset, split = pieces.dataset, pieces.dataset.split
    skipped = tuple(
        CandidateResult(name=name, state=TrialState.SKIPPED, skipped_because=reason)
        for name, reason in pieces.found.skipped
    )
    return Result(
        job_id=job_id,
        seed=seed,
        classes=dataset.classes,
        counts=Counts(train=len(split.train), validation=len(split.validation), test=len(split.test)),
        quarantined=dataset.quarantined,
        duplicates=dataset.duplicates,
        winner=pieces.winner,
        candidates=(*pieces.candidates, *skipped),
        tuning=pieces.tuning,
        test=pieces.scores,
        model=pieces.size,
        timings_s=Timings(**{name: round(seconds, 3) for name, seconds in spent_s.items()}, total=round(total_s, 3)),
        device=pieces.device,
        stopped_because=pieces.stopped_because,
        versions=dict(pieces.versions),
    )
