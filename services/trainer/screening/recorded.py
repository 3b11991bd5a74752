"""What the ledger says of a candidate, and what it says of all of them together. Without TensorFlow."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Any, Protocol, TypeVar

from numpy.typing import NDArray

from services.trainer.fitting.convex import Answers, is_clearly_better
from services.trainer.protocol import candidate_trial
from services.trainer.run.context import Ledger, LedgerEntry
from services.trainer.run.deadline import Pace
from services.trainer.zoo.backbone import Backbone
from services.trainer.zoo.head import FEATURES, Head, Reading
from shared.job.findings.training import CandidateResult
from shared.job.job import Trial, TrialState
from shared.json_codec import to_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What became of a candidate.

    Args:
        result: As reported.
        head: As it would be delivered; ``None`` where it did not finish.
        pace: How fast it went, where that was measured.
        answers: What cross-validation found, image by image; ``None`` where the head learnt by epochs.
    """

    result: CandidateResult
    head: Head | None = None
    pace: Pace | None = None
    answers: Answers | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """A candidate's document in the ledger."""

    result: CandidateResult
    pace: Pace | None
    reading: Reading = FEATURES
    temperature: float | None = None
    num_independent: float | None = None


def rank_of(result: CandidateResult, backbone: Backbone) -> tuple[float, float]:
    """Rank a finished candidate, the higher, the better: by validation accuracy, then by cheapness."""
    return (result.val_accuracy or 0.0, -backbone.gflops)


class Finalist(Protocol):
    """A finished candidate, as far as it is compared with others."""

    @property
    def rank(self) -> tuple[float, float]:
        """See :func:`rank_of`."""
        ...

    @property
    def answers(self) -> Answers | None:
        """See :class:`Recorded`."""
        ...


def is_better(challenger: Finalist, champion: Finalist) -> bool:
    """Tell whether a candidate is to be preferred to another that is cheaper.

    Where both were judged image by image it has to be clearly better: so the cheapest within one standard error wins.
    """
    if challenger.answers is None or champion.answers is None:
        return challenger.rank > champion.rank
    return is_clearly_better(challenger.answers, champion.answers)


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
    ledger.record(LedgerEntry(trial=trial, document=to_json(_page(candidate)), arrays=_arrays(head, candidate.answers)))


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
    answers = None
    if page.num_independent is not None:
        answers = Answers(right=arrays["right"], loss=arrays["loss"], num_independent=page.num_independent)
    return Recorded(result=page.result, head=head, pace=page.pace, answers=answers)


def _page(candidate: Recorded) -> _Page:
    head, answers = candidate.head, candidate.answers
    return _Page(
        result=candidate.result,
        pace=candidate.pace,
        reading=FEATURES if head is None else head.reading,
        temperature=None if head is None else head.temperature,
        num_independent=None if answers is None else answers.num_independent,
    )


def _arrays(head: Head | None, answers: Answers | None) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {} if head is None else {"kernel": head.kernel, "bias": head.bias}
    return arrays if answers is None else {**arrays, "right": answers.right, "loss": answers.loss}
