"""The candidates of a job, settled by its first attempt: later ones compare the same, with whatever weights there are.

A mirror that is filled or emptied between two attempts must not change what is compared half-way through.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

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
        replaced_sha256: Digests of all weights that attempts had, by name, the latest first, where those of the first
            were replaced.
    """

    weights_sha256: dict[str, str]
    skipped: tuple[tuple[str, str], ...]
    replaced_sha256: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def digests_of(self, name: str) -> tuple[str, ...]:
        """Return the digests of all weights that some attempt had for a candidate, the latest first."""
        return tuple(dict.fromkeys((*self.replaced_sha256.get(name, ()), self.weights_sha256[name])))

    def with_weights(self, found: Resolution) -> "CandidateList":
        """Return the list with the weights that are there now, where they are not those of the attempt before."""
        replaced = dict(self.replaced_sha256)
        for backbone, weights in found.usable:
            known = self.digests_of(backbone.name)
            if weights.sha256 != known[0]:
                replaced[backbone.name] = tuple(dict.fromkeys((weights.sha256, *known)))
        return replace(self, replaced_sha256=replaced)


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
            found = resolve(tuple(known.weights_sha256))
        except UserFault as error:
            logger.warning("candidates of the first attempt ignored", extra={"reason": str(error)})
        else:
            if (now := known.with_weights(found)) != known:
                _record(now, ledger)  # who only delivers has to know what the networks were trained with
            return _repeated(known, found)
    found = resolve(names)
    _record(_settled(found), ledger)
    return found


def _settled(found: Resolution) -> CandidateList:
    return CandidateList(
        weights_sha256={backbone.name: weights.sha256 for backbone, weights in found.usable}, skipped=found.skipped
    )


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


def _record(settled: CandidateList, ledger: Ledger) -> None:
    trial = Trial(name=_NAME, state=TrialState.DONE)
    ledger.record(LedgerEntry(trial=trial, document=to_json(settled), is_shown=False))


def recall(ledger: Ledger) -> CandidateList | None:
    """Return what the first attempt settled, or ``None``."""
    entry = ledger.find(_NAME)
    return entry.document_as(CandidateList) if entry is not None else None
