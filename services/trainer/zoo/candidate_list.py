"""The candidates of a job, settled by its first attempt: later ones compare the same, with whatever weights there are.

A mirror that is filled or emptied between two attempts must not change what is compared half-way through.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.trainer.run.context import Ledger, LedgerEntry
from services.trainer.zoo.sources.weights import Resolution
from shared.errors import UserFault
from shared.job.job import Trial, TrialState
from shared.json_codec import to_json

logger = logging.getLogger(__name__)

_NAME = "candidates"
_LOST = "could be had when the job began"
_UNKNOWN = "this version knows no such backbone"


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateList:
    """What the first attempt settled.

    Args:
        weights_sha256: Digest of the weights of every candidate, by name, in the order of the catalogue.
        skipped: Names of those without weights, with the reason.
    """

    weights_sha256: dict[str, str]
    skipped: tuple[tuple[str, str], ...]


def settle(names: Sequence[str], ledger: Ledger, resolve: Callable[[Sequence[str]], Resolution]) -> Resolution:
    """Return the candidates of the first attempt, as far as their weights can be had now; the first attempt's are kept.

    Args:
        names: What the person chose.
        ledger: Has the list, or takes it.
        resolve: Finds the weights of the candidates named.

    Raises:
        UserFault: ``no_usable_candidate``, if nothing is left.
    """
    known = recall(ledger)
    if known is not None:
        try:
            return _repeated(known, resolve(tuple(known.weights_sha256)))
        except UserFault as error:
            logger.warning("candidates of the first attempt ignored", extra={"reason": str(error)})
    found = resolve(names)
    _record(found, ledger)
    return found


def _repeated(known: CandidateList, found: Resolution) -> Resolution:
    """Bring what can be had now and what was settled together."""
    for backbone, weights in found.usable:
        if weights.sha256 != known.weights_sha256[backbone.name]:
            reason = f"{weights.path} is not the file of the first attempt; what was trained on that one does not count"
            logger.warning("weights changed", extra={"candidate": backbone.name, "reason": reason})
    reasons = dict(found.skipped)
    usable = {backbone.name for backbone, _ in found.usable}
    gone = [name for name in known.weights_sha256 if name not in usable]
    lost = tuple((name, f"{_LOST}; {reasons.get(name, _UNKNOWN)}") for name in gone)
    return Resolution(usable=found.usable, skipped=(*lost, *known.skipped))


def _record(found: Resolution, ledger: Ledger) -> None:
    settled = CandidateList(
        weights_sha256={backbone.name: weights.sha256 for backbone, weights in found.usable}, skipped=found.skipped
    )
    trial = Trial(name=_NAME, state=TrialState.DONE)
    ledger.record(LedgerEntry(trial=trial, document=to_json(settled), is_shown=False))


def recall(ledger: Ledger) -> CandidateList | None:
    """Return what the first attempt settled, or ``None``."""
    entry = ledger.find(_NAME)
    return entry.document_as(CandidateList) if entry is not None else None
