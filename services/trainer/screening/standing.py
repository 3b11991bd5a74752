"""What earlier attempts left in the ledger that could be delivered as it stands. Without TensorFlow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from services.trainer.data import assignment
from services.trainer.data.assignment import Assignment, Fewer
from services.trainer.data.dataset import MISSING
from services.trainer.fitting.out_of_fold import OutOfFold
from services.trainer.run.context import Ledger
from services.trainer.run.deadline import Delivery
from services.trainer.run.identity import RunKey
from services.trainer.screening.recorded import Recorded, combinations_of, in_order, rank_of, recall
from services.trainer.zoo import candidate_list
from services.trainer.zoo.backbone import Backbone
from services.trainer.zoo.candidate_list import CandidateList
from services.trainer.zoo.catalogue import BACKBONES
from services.trainer.zoo.combination.row import combined_row, combined_sha256
from services.trainer.zoo.sources.weights import hash_facts
from shared.job.findings.training import CandidateResult
from shared.job.options import MOST_BACKBONES


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A candidate that could be delivered.

    Args:
        backbone: Which.
        weights_sha256: Of the weights that it was trained with.
        recorded: What the ledger says of it.
    """

    backbone: Backbone
    weights_sha256: str
    recorded: Recorded

    @property
    def rank(self) -> tuple[float, float]:
        """The higher, the better."""
        return rank_of(self.recorded.result, self.backbone)

    @property
    def out_of_fold(self) -> OutOfFold | None:
        """What cross-validation found, image by image."""
        return self.recorded.out_of_fold


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What earlier attempts finished.

    Args:
        assignment: What every image of the archive serves for.
        settled: The candidates of the job.
        finished: Those that could be delivered, the best first; never empty. Behind them those on weights that were
            replaced since, which may be there again.
        results: What became of every candidate that was tried, by name.
        fewer: What they were trained without, because their attempt could not read it.
    """

    assignment: Assignment
    settled: CandidateList
    finished: tuple[Finished, ...]
    results: Mapping[str, CandidateResult]
    fewer: Fewer = Fewer()  # noqa: RUF009 - frozen

    @property
    def decode_all_s(self) -> float:
        """Seconds until the whole data set is decoded anew."""
        return self.assignment.image_s * self.assignment.num_used

    def price_s(self, *, num_formats: int) -> float | None:
        """Return the seconds until the best is delivered by the shortest way; ``None`` where it was not measured.

        Args:
            num_formats: In so many it is wanted beside Keras's own.
        """
        best = self.finished[0]
        if best.recorded.pace is None:
            return None
        num_validation, num_test = self.assignment.num_held_out
        pace = best.recorded.pace
        if best.out_of_fold is not None:  # perhaps it looks at mirror images too
            pace = replace(pace, image_s=2 * pace.image_s)
        return Delivery(
            pace=pace,
            num_validation=num_validation,
            num_test=num_test,
            size_bytes=best.backbone.size_bytes,
            is_built=False,
            keeps_activations=False,
            decode_s=self.assignment.image_s * (num_validation + num_test),
            num_formats=num_formats,
        ).price_s


def find_standing(ledger: Ledger, key: RunKey) -> Standing | None:
    """Return what could be delivered, or ``None`` where no attempt finished a candidate.

    What was trained on all photographs and what was trained on those that an attempt could read is not comparable: of
    the two, the one of which more candidates are finished counts.

    Args:
        ledger: Of the job.
        key: Of the data.
    """
    ledger = ledger.of(key.facts)
    divided, settled = assignment.recall(ledger), candidate_list.recall(ledger)
    if divided is None or settled is None:
        return None
    ledger = ledger.of(divided.facts_with(key))
    nothing = Standing(assignment=divided, settled=settled, finished=(), results={})
    whole, fewer = _filled(nothing, ledger), assignment.recall_fewer(ledger)
    if fewer is None:
        return whole
    rest = _filled(replace(nothing, fewer=fewer), ledger.of({MISSING: fewer.missing}))
    return max((each for each in (whole, rest) if each), key=lambda each: len(each.finished), default=None)


def _filled(nothing: Standing, ledger: Ledger) -> Standing | None:
    """Return what could be delivered of what was trained on one data set, whose ledger this is."""
    settled = nothing.settled
    results, finished, replaced = {}, [], []
    for name in settled.weights_sha256:
        tried = _tried(ledger, name, settled.digests_of(name)) if name in BACKBONES else []
        if tried:
            latest, *earlier = sorted(tried, key=lambda each: each[1].head is None)
            results[name] = latest[1].result
            finished += _finished(name, [latest])
            replaced += _finished(name, earlier)
    if not finished:
        return None
    together = [_combined(ledger, parts) for parts in combinations_of(finished, MOST_BACKBONES)]
    finished += [each for each in together if each is not None]
    results |= {each.backbone.name: each.recorded.result for each in together if each is not None}
    ordered = in_order((candidate, candidate.backbone.gflops) for candidate in finished)
    return replace(nothing, finished=(*ordered, *replaced), results=results)


def _tried(ledger: Ledger, name: str, digests: Sequence[str]) -> list[tuple[str, Recorded]]:
    """Return what became of a candidate on each of the weights that attempts had for it."""
    found = ((sha256, recall(ledger.of(hash_facts(sha256)), name)) for sha256 in digests)
    return [(sha256, recorded) for sha256, recorded in found if recorded is not None]


def _finished(name: str, tried: Sequence[tuple[str, Recorded]]) -> list[Finished]:
    """Return those that could be delivered."""
    return [
        Finished(backbone=BACKBONES[name], weights_sha256=sha256, recorded=recorded)
        for sha256, recorded in tried
        if recorded.head is not None
    ]


def _combined(ledger: Ledger, parts: Sequence[Finished]) -> Finished | None:
    """Return what an attempt found of some candidates side by side."""
    row = combined_row([each.backbone for each in parts])
    sha256 = combined_sha256([each.weights_sha256 for each in parts])
    recorded = recall(ledger.of(hash_facts(sha256)), row.name)
    if recorded is None or recorded.head is None:
        return None
    return Finished(backbone=row, weights_sha256=sha256, recorded=recorded)
