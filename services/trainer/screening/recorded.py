"""What the ledger says of a candidate, and what it says of all of them together. Without TensorFlow."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Protocol, TypeVar

from numpy.typing import NDArray

from services.trainer.fitting.out_of_fold import OutOfFold, Tried
from services.trainer.fitting.out_of_fold import is_better as reads_better
from services.trainer.protocol import candidate_trial
from services.trainer.run.context import Ledger, LedgerEntry
from services.trainer.run.deadline import Pace
from services.trainer.zoo.backbone import Backbone
from services.trainer.zoo.head import FEATURES, Head, Reading
from shared.job.findings.training import CandidateResult
from shared.job.job import Trial, TrialState
from shared.json_codec import to_json

Arrays = Mapping[str, NDArray[Any]]
_ERRORS, ERRORS_OF_SEVERAL = 1.0, 2.0
"""Standard errors by which a candidate has to be better than a cheaper one; networks side by side cost the most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What became of a candidate.

    Args:
        result: As reported.
        head: As it would be delivered; ``None`` where it did not finish.
        pace: How fast it went, where that was measured.
        out_of_fold: What cross-validation found, image by image; ``None`` where the head learnt by epochs.
        is_cut_short: Whether the run had to end while its head was fitted: it may be delivered, and does not stand
            where there is time to fit another.
    """

    result: CandidateResult
    head: Head | None = None
    pace: Pace | None = None
    out_of_fold: OutOfFold | None = None
    is_cut_short: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """A candidate's document in the ledger."""

    result: CandidateResult
    pace: Pace | None
    reading: Reading = FEATURES
    temperature: float | None = None
    num_independent: float | None = None
    is_cut_short: bool = False


def rank_of(result: CandidateResult, backbone: Backbone) -> tuple[float, float]:
    """Rank a finished candidate, the higher, the better: by validation accuracy, then by cheapness."""
    return (result.val_accuracy or 0.0, -backbone.gflops)


class Finalist(Protocol):
    """A finished candidate, as far as it is compared with others."""

    @property
    def backbone(self) -> Backbone:
        """Which."""
        ...

    @property
    def rank(self) -> tuple[float, float]:
        """See :func:`rank_of`."""
        ...

    @property
    def out_of_fold(self) -> OutOfFold | None:
        """See :class:`Recorded`."""
        ...


def is_better(challenger: Finalist, champion: Finalist) -> bool:
    """Tell whether a candidate is to be preferred to another that is cheaper.

    Where both were judged image by image it has to be clearly better: so the cheapest within one standard error wins.
    Networks side by side have to be better by two: they take as long as all of them together, and near misses that were
    let pass added nothing on photographs of the test.
    """
    if challenger.out_of_fold is None or champion.out_of_fold is None:
        return challenger.rank > champion.rank
    errors = ERRORS_OF_SEVERAL if challenger.backbone.parts else _ERRORS
    return reads_better(challenger.out_of_fold, champion.out_of_fold, errors=errors)


T = TypeVar("T", bound=Finalist)


def in_order(finished: Iterable[tuple[T, float]]) -> list[T]:
    """Return finished candidates, the one that would be delivered first, the others by rank.

    Args:
        finished: Each with its cost.
    """
    cheapest_first = [candidate for candidate, _ in sorted(finished, key=lambda pair: pair[1])]
    best = reduce(lambda first, second: second if is_better(second, first) else first, cheapest_first)
    others = [candidate for candidate in cheapest_first if candidate is not best]
    return [best, *sorted(others, key=lambda candidate: candidate.rank, reverse=True)]


def combinations_of(finished: Sequence[T], most: int) -> list[tuple[T, ...]]:
    """Return the best two, the best three, and so on, each the cheapest first: what is tried side by side in the end.

    Only candidates that were cross-validated take part, and only those that see squares of the winner's size.

    Args:
        finished: All candidates that finished.
        most: Backbones side by side, at most.
    """
    single = [(each, each.backbone.gflops) for each in finished if not each.backbone.parts]
    if len(single) < 2 or any(each.out_of_fold is None for each, _ in single):  # noqa: PLR2004 - a pair
        return []
    ordered = in_order(single)
    alike = [each for each in ordered if each.backbone.input_px == ordered[0].backbone.input_px]
    best = [alike[:count] for count in range(2, min(most, len(alike)) + 1)]
    return [tuple(sorted(each, key=lambda one: one.backbone.gflops)) for each in best]


def record(ledger: Ledger, candidate: Recorded) -> None:
    """Keep what became of a candidate.

    Args:
        ledger: For the data and the weights that it was trained with.
        candidate: See there.
    """
    result, head = candidate.result, candidate.head
    trial = Trial(
        name=candidate_trial(result.name),
        state=result.state,
        val_accuracy=result.val_accuracy,
        seconds=result.seconds,
        reason=result.skipped_because,
    )
    ledger.record(
        LedgerEntry(trial=trial, document=to_json(_page(candidate)), arrays=arrays_of(head, candidate.out_of_fold))
    )


def recall(ledger: Ledger, name: str) -> Recorded | None:
    """Return what an earlier worker made of a candidate: finished, failed, or ``None`` where nothing counts.

    Args:
        ledger: See :func:`record`.
        name: Of the candidate.
    """
    entry = ledger.find(candidate_trial(name))
    page = entry.document_as(_Page) if entry is not None and entry.trial.state is not TrialState.SKIPPED else None
    if entry is None or page is None:
        return None
    if page.result.state is TrialState.FAILED:
        return Recorded(result=page.result)
    arrays = entry.arrays
    head = Head(kernel=arrays["kernel"], bias=arrays["bias"], reading=page.reading, temperature=page.temperature)
    answers = out_of_fold_in(arrays, page.num_independent)
    return Recorded(result=page.result, head=head, pace=page.pace, out_of_fold=answers, is_cut_short=page.is_cut_short)


def out_of_fold_in(arrays: Arrays, num_independent: float | None) -> OutOfFold | None:
    """Return the answers of cross-validation among the arrays of an entry, ``None`` where the head had none.

    Args:
        arrays: Of an entry whose head :func:`arrays_of` packed.
        num_independent: See :class:`OutOfFold`; ``None`` where the head was not cross-validated.
    """
    if num_independent is None:
        return None
    return OutOfFold(
        rows=arrays["rows"],
        labels=arrays["labels"],
        logits=arrays["logits"],
        num_independent=num_independent,
        tried=Tried(right=arrays["tried_right"], loss=arrays["tried_loss"]) if "tried_right" in arrays else None,
    )


def _page(candidate: Recorded) -> _Page:
    head, answers = candidate.head, candidate.out_of_fold
    return _Page(
        result=candidate.result,
        pace=candidate.pace,
        reading=FEATURES if head is None else head.reading,
        temperature=None if head is None else head.temperature,
        num_independent=None if answers is None else answers.num_independent,
        is_cut_short=candidate.is_cut_short,
    )


def arrays_of(head: Head | None, answers: OutOfFold | None) -> dict[str, NDArray[Any]]:
    """Return what the ledger keeps of a head and of how it was judged: none, one or both."""
    arrays: dict[str, NDArray[Any]] = {} if head is None else {"kernel": head.kernel, "bias": head.bias}
    if answers is None:
        return arrays
    arrays |= {"rows": answers.rows, "labels": answers.labels, "logits": answers.logits}
    if answers.tried is not None:
        arrays |= {"tried_right": answers.tried.right, "tried_loss": answers.tried.loss}
    return arrays
