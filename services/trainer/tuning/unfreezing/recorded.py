"""What the ledger says of fine-tuning below a fitted head."""

from dataclasses import dataclass, replace

from services.trainer.run.context import Ledger, LedgerEntry
from services.trainer.tuning.tail import TailState, packed, unpacked
from services.trainer.tuning.unfreezing.unfreeze import Unfrozen
from services.trainer.zoo.backbone import Backbone
from services.trainer.zoo.head import Reading
from shared.job.findings.training import Unfreezing
from shared.job.job import Trial, TrialState
from shared.json_codec import to_json

_TRIAL = "unfreeze"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """Its document in the ledger."""

    found: Unfreezing
    cut_after: str | None = None
    cut_layer: str = ""
    reading: Reading | None = None
    temperature: float | None = None


def record_unfrozen(ledger: Ledger, unfrozen: Unfrozen) -> None:
    """Keep what came of it, for the winner, the weights and the data that the ledger stands for."""
    page = _Page(found=unfrozen.found)
    if unfrozen.state is not None and unfrozen.backbone is not None:
        head, (cut_after,) = unfrozen.state.head, unfrozen.backbone.cut_inputs
        page = replace(
            page,
            cut_after=cut_after,
            cut_layer=unfrozen.backbone.cut_layer,
            reading=head.reading,
            temperature=head.temperature,
        )
    trial = Trial(name=_TRIAL, state=TrialState.DONE)
    arrays = packed(unfrozen.state)
    ledger.record(LedgerEntry(trial=trial, document=to_json(page), arrays=arrays, is_shown=False))


def recall_unfrozen(ledger: Ledger, backbone: Backbone) -> Unfrozen | None:
    """Return what an earlier attempt found, or ``None``.

    Args:
        ledger: See :func:`record_unfrozen`.
        backbone: The winner.
    """
    entry = ledger.find(_TRIAL)
    page = entry.document_as(_Page) if entry is not None else None
    if entry is None or page is None:
        return None
    state: TailState | None = unpacked(entry.arrays)
    if state is None or page.cut_after is None or page.reading is None:
        return Unfrozen(found=page.found)
    head = replace(state.head, reading=page.reading, temperature=page.temperature)
    return Unfrozen(
        found=page.found,
        backbone=replace(backbone, cut_layer=page.cut_layer, cut_inputs=(page.cut_after,)),
        state=replace(state, head=head),
    )
