"""What the ledger says of a candidate, and what it says of all of them together. Without TensorFlow."""

from dataclasses import dataclass

from services.trainer.protocol import candidate_trial
from services.trainer.run.context import Ledger, LedgerEntry
from services.trainer.run.deadline import Pace
from services.trainer.zoo.backbone import Backbone
from services.trainer.zoo.head import Head
from shared.job.job import Trial, TrialState
from shared.job.result import CandidateResult
from shared.json_codec import to_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What became of a candidate.

    Args:
        result: As reported.
        head: At its best epoch; ``None`` where it did not finish.
        pace: How fast it went, where that was measured.
    """

    result: CandidateResult
    head: Head | None = None
    pace: Pace | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """A candidate's document in the ledger."""

    result: CandidateResult
    pace: Pace | None


def rank_of(result: CandidateResult, backbone: Backbone) -> tuple[float, float]:
    """Rank a finished candidate, the higher, the better: by validation accuracy, then by cheapness."""
    return (result.val_accuracy or 0.0, -backbone.gflops)


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
    arrays = {} if head is None else {"kernel": head.kernel, "bias": head.bias}
    document = to_json(_Page(result=result, pace=candidate.pace))
    ledger.record(LedgerEntry(trial=trial, document=document, arrays=arrays))


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
    head = Head(kernel=entry.arrays["kernel"], bias=entry.arrays["bias"])
    return Recorded(result=page.result, head=head, pace=page.pace)
