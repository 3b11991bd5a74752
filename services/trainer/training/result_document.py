"""Puts the pieces of a training together as its :class:`shared.job.result.Result`."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from services.trainer.analysis.analyse import Analysis
from services.trainer.data.dataset import Dataset
from services.trainer.data.repetition import remarks_on_own_split
from services.trainer.evaluation.metrics import Dependence, with_cross_validated
from services.trainer.export.bundle.tables import split_listing
from services.trainer.screening.screen import Screening
from services.trainer.strangers.learning import KNOWN_TAKEN_FOR_STRANGERS
from services.trainer.training.exporting import Exported
from services.trainer.training.formats import Formats
from services.trainer.training.scoring import Scored
from services.trainer.tuning.tune import Trained
from shared.job.findings.certainty import Certainty, StrangerCheck
from shared.job.findings.focus import Focus
from shared.job.findings.photographs import Counts
from shared.job.findings.scores import TestScores
from shared.job.findings.training import CandidateResult
from shared.job.result import Bill, Remark, Result, RunIdentity, Timings
from shared.job.retraining.handover import Handover
from shared.job.retraining.pairing import Answer, hold_against
from shared.job.verdict.evidence import evidence_of
from shared.job.verdict.rule import judge


@dataclass(frozen=True, slots=True, kw_only=True)
class Pieces:
    """What the steps found.

    Args:
        others: Candidates that took no part now.
        dataset: The prepared data set.
        screening: How screening went.
        trained: How fine-tuning went.
        scored: What the test split said.
        analysis: What its answers and features say beyond that.
        focus: Where the network looks.
        exported: What is delivered.
        formats: In which formats else.
        device: What trained.
        handover: What another job handed this one.
        remarks: What a person should know of how it was done.
    """

    others: tuple[CandidateResult, ...]
    dataset: Dataset
    screening: Screening
    trained: Trained
    scored: Scored
    analysis: Analysis
    focus: Focus
    exported: Exported
    formats: Formats
    device: str
    handover: Handover | None = None
    remarks: tuple[Remark, ...] = ()


def result_of(
    pieces: Pieces,
    *,
    job_id: str,
    seed: int,
    stopped_because: str | None,
    spent_s: Mapping[str, float],
    total_s: float,
    bill: Bill | None = None,
) -> Result:
    """Return the whole document.

    Args:
        pieces: What the steps found.
        job_id: Whose it is.
        seed: Of the run.
        stopped_because: Why training ended before it was done, if it did.
        spent_s: Seconds of every phase.
        total_s: Seconds from taking the job up to its last artefact.
        bill: What was estimated beside what was spent.
    """
    dataset = pieces.dataset
    result = Result(
        job_id=job_id,
        seed=seed,
        classes=dataset.classes,
        counts=_counts(dataset, pieces.scored.evaluation.correlation),
        quarantined=dataset.quarantined,
        num_quarantined=dataset.num_quarantined,
        duplicates=dataset.duplicates,
        remarks=(*remarks_on_own_split(dataset), *dataset.remarks, *pieces.remarks),
        winner=pieces.trained.backbone.name,
        candidates=(*pieces.screening.candidates, *pieces.others),
        tuning=pieces.trained.result,
        test=_test_scores(pieces),
        model=pieces.exported.size,
        timings_s=_timings(pieces, spent_s, total_s),
        device=pieces.device,
        stopped_because=stopped_because,
        versions=dict(pieces.exported.versions),
        as_uploaded=pieces.exported.as_uploaded,
        formats=pieces.formats.results,
        focus=pieces.focus,
        mirroring=pieces.trained.mirroring,
        bill=bill,
        unfreezing=pieces.trained.unfreezing,
        choice=pieces.screening.choice,
        run=_identity(dataset),
        suspects=pieces.analysis.suspects,
        certainty=_certainty(pieces),
        growth=pieces.analysis.growth,
        split=split_listing(dataset.learning, pieces.scored.evaluation.labels),
    )
    result = replace(result, verdict=judge(evidence_of(result, pieces.analysis.neighbours)))
    return result if pieces.handover is None else _beside_the_first(result, pieces, pieces.handover)


def _timings(pieces: Pieces, spent_s: Mapping[str, float], total_s: float) -> Timings:
    return Timings(
        **{name: round(seconds, 3) for name, seconds in spent_s.items()},
        total=round(total_s, 3),
        formats=round(pieces.formats.seconds, 3),
        analysis=round(pieces.analysis.seconds, 3),
    )


def _beside_the_first(result: Result, pieces: Pieces, handover: Handover) -> Result:
    """Tell how the network does beside the one of the job that handed its split on, on the same test photographs."""
    evaluation, paths, classes = pieces.scored.evaluation, pieces.dataset.paths, pieces.dataset.classes
    predicted = evaluation.probabilities.argmax(axis=1)
    answers = {
        paths[row]: Answer(actual=classes[label], predicted=classes[found])
        for row, label, found in zip(evaluation.indices, evaluation.labels, predicted, strict=True)
    }
    comparison = hold_against(answers, handover.said, job_id=handover.job_id, winner=handover.winner)
    return replace(result, comparison=comparison, corrected=handover.corrected)


def _certainty(pieces: Pieces) -> Certainty | None:
    """Return how sure it must be, with what the delivered network says of the test photographs' likeness."""
    certainty, likeness, distances = pieces.analysis.certainty, pieces.scored.likeness, pieces.scored.distances
    if certainty is None or likeness is None:
        return certainty
    check = StrangerCheck(
        num_references=len(likeness.references),
        limit=likeness.limit,
        expected=KNOWN_TAKEN_FOR_STRANGERS,
        num_images=len(distances),
        num_above=int((distances > likeness.limit).sum()),
    )
    return replace(certainty, check=check)


def _counts(dataset: Dataset, correlation: float) -> Counts:
    split, group_by, learning = dataset.split, dataset.key.group_by, dataset.learning
    given = None if learning.given_groups is None else learning.given_groups[split.validation]
    judging = Dependence(copies=dataset.groups[split.validation], given=given, correlation=correlation)
    return Counts(
        train=len(split.train),
        validation=len(split.validation),
        test=len(split.test),
        validation_independent=judging.num_independent,
        group_by=group_by,
        own_split=dataset.own,
        num_groups=len(np.unique(learning.kept_together)) if group_by else None,
    )


def _identity(dataset: Dataset) -> RunIdentity:
    return RunIdentity(
        key=dataset.key.digest,
        archive_sha256=dataset.key.archive_sha256,
        data_version=dataset.key.data_version,
        split_sha256=dataset.split_sha256,
    )


def _test_scores(pieces: Pieces) -> TestScores:
    """Return what the test found, and beside each class what cross-validation did."""
    scores, answers = pieces.scored.evaluation.scores, pieces.trained.out_of_fold
    if answers is None:
        return scores
    return replace(scores, per_class=with_cross_validated(scores.per_class, answers.labels, answers.right))
