"""Fine-tuning of a network whose last layer was fitted to its end: tried, judged, and kept only where it is better."""

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from services.trainer.data.dataset import LearningSet
from services.trainer.fitting.convex import fit_at
from services.trainer.fitting.standard import class_weights, standard_of
from services.trainer.fitting.temperature import fit_temperature
from services.trainer.run.context import Run
from services.trainer.screening.candidate import CANDIDATE_ERRORS, fault_of
from services.trainer.screening.features import FeatureStore, learning_rows
from services.trainer.screening.fit import convex_data
from services.trainer.tuning.tail import TailState
from services.trainer.tuning.unfreezing.attempt import ATTEMPT_EPOCHS, Attempt, Plan, attempt, relearn
from services.trainer.tuning.unfreezing.depth import MOST_BYTES, Depth, activation_bytes, depths_of, least_attempt_s
from services.trainer.tuning.unfreezing.learner import Learner
from services.trainer.tuning.unfreezing.sample import Sample, take_sample
from services.trainer.zoo.backbone import Backbone
from services.trainer.zoo.head import Head
from services.trainer.zoo.network import Network, split
from shared.job.findings.training import Unfreezing, UnfrozenDepth
from shared.job.progress import Best, Progress

logger = logging.getLogger(__name__)

TIME_FRAC = 0.3
"""Of the time that is left, at most, for all of it."""
LEAST_VALIDATION = 30
"""Images below which validation could not tell whether fine-tuning is better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """What fine-tuning starts from.

    Args:
        backbone: The winner.
        head: Fitted to training and validation images.
        strength: Of its regularisation, as cross-validation chose it.
        val_accuracy: Its cross-validated accuracy.
        store: Pooled levels in as many views as it reads.
    """

    backbone: Backbone
    head: Head
    strength: float
    val_accuracy: float
    store: FeatureStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfrozen:
    """What came of it.

    Args:
        found: As reported.
        backbone: The winner, cut where it was fine-tuned; ``None`` where it stays as it was.
        state: Likewise.
    """

    found: Unfreezing
    backbone: Backbone | None = None
    state: TailState | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """What every depth is tried with."""

    dataset: LearningSet
    fitted: Fitted
    run: Run
    plan: Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tried:
    """One depth."""

    row: Backbone
    told: UnfrozenDepth
    attempt: Attempt
    learner: Learner
    sample: Sample


def unfreeze(dataset: LearningSet, fitted: Fitted, run: Run, *, epochs: int, attempt_s: float = math.inf) -> Unfrozen:
    """Fine-tune the winner from some depth on, and keep it where it reads the validation split better.

    Args:
        dataset: See there.
        fitted: See there.
        run: See there.
        epochs: At most.
        attempt_s: Seconds that may be spent before anything is known to be gained.
    """
    depths = depths_of(fitted.backbone)
    most_s = TIME_FRAC * max(0.0, run.countdown.seconds_left())
    objection = _objection(dataset, run, depths, epochs)
    objection = objection or _lack_of_time(dataset, fitted, min(most_s, attempt_s))
    if objection is not None:
        return Unfrozen(found=Unfreezing(is_used=False, reason=objection))
    plan = Plan(epochs=epochs, seed=run.seed)
    tried: list[_Tried] = []
    told: list[UnfrozenDepth] = []
    started = time.monotonic()

    def goes_on(detail: str) -> Callable[[int], bool]:
        def asked(epochs_done: int) -> bool:
            _tell(run, fitted, detail, epochs_done, epochs)
            may_take_s = min(most_s, attempt_s) if epochs_done < ATTEMPT_EPOCHS and not tried else most_s
            return run.stop_reason() is None and time.monotonic() - started < may_take_s

        return asked

    for depth in depths:
        detail = f"{fitted.backbone.name}: unfrozen after {depth.cut_after}"
        try:
            one = _try(_Work(dataset=dataset, fitted=fitted, run=run, plan=plan), depth, goes_on(detail))
        except CANDIDATE_ERRORS as error:
            logger.warning("fine-tuning failed", extra={"reason": fault_of(error)}, exc_info=True)
            continue
        told += [] if one is None else [one.told]
        tried += [] if one is None or one.attempt.gain is None or not one.attempt.gain.is_kept else [one]
        promises = one is not None and one.attempt.gain is not None and one.attempt.gain.is_promising
        if not goes_on(detail)(0) or not (promises or fitted.head.reading.num_levels > 1):
            break
    kept = _keep(fitted, tried, plan, goes_on(f"{fitted.backbone.name}: learning from all"))
    if kept is None:
        return Unfrozen(found=Unfreezing(is_used=False, reason=_why_not(told), depths=tuple(told)))
    best, state = kept
    reason = f"from {best.told.cut_after} on it reads the validation photographs better than with its last layer alone"
    found = Unfreezing(is_used=True, reason=reason, depths=tuple(told))
    return Unfrozen(found=found, backbone=best.row, state=state)


def _objection(dataset: LearningSet, run: Run, depths: Sequence[Depth], epochs: int) -> str | None:
    if epochs == 0:
        return "it was not wanted"
    if not depths:
        return "networks side by side are not fine-tuned"
    if len(dataset.split.validation) < LEAST_VALIDATION:
        return f"{len(dataset.split.validation)} validation photographs could not tell whether it is better"
    return None if run.stop_reason() is None else "there was no time left"


def _lack_of_time(dataset: LearningSet, fitted: Fitted, may_take_s: float) -> str | None:
    """Say that a first attempt could not end in time, before anything is spent on it; ``None`` if it may."""
    pace = fitted.store.pace
    if pace is None:
        return None
    needed_s = least_attempt_s(pace, len(learning_rows(dataset)), fitted.head.reading.views)
    if needed_s <= may_take_s:
        return None
    return f"a first attempt takes {needed_s:,.0f} s, and {may_take_s:,.0f} s may be spent before anything is gained"


def _why_not(told: Sequence[UnfrozenDepth]) -> str:
    if not told:
        return "there was no time, or no memory, for a first attempt"
    return "a first attempt did not read the validation photographs clearly better than the fitted last layer does"


def _try(work: _Work, depth: Depth, goes_on: Callable[[int], bool]) -> _Tried | None:
    """Fine-tune from one depth on; ``None`` where memory or time are short."""
    dataset, fitted, run, plan = work.dataset, work.fitted, work.run, work.plan
    started = time.monotonic()
    row = replace(fitted.backbone, cut_inputs=(depth.cut_after,))
    network: Network = split(row, fitted.store.network.model)
    reading = fitted.head.reading
    if activation_bytes(network.cut_shape, len(learning_rows(dataset)), reading.views) > MOST_BYTES:
        return None
    sample = take_sample(dataset, fitted.store, network, reading, lambda: goes_on(0))
    if sample is None:
        return None
    data = replace(convex_data(dataset, fitted.store, run), rows=dataset.split.train)
    head = fit_at(data, reading, fitted.strength)
    weights = class_weights(dataset.labels[dataset.split.train], len(dataset.classes))
    standard = standard_of(fitted.store.read_by(reading), dataset.split.train)
    learner = Learner(network, head, standard, weights)
    try:
        made = attempt(dataset, sample, learner, head, plan=plan, goes_on=goes_on)
    finally:
        learner.put_back()
    gain = made.gain
    told = UnfrozenDepth(
        cut_after=depth.cut_after,
        num_stages=depth.num_stages,
        epochs=made.epochs,
        seconds=time.monotonic() - started,
        accuracy_gain=None if gain is None else gain.accuracy,
        accuracy_gain_error=None if gain is None else gain.accuracy_error,
        log_loss_gain=None if gain is None else gain.log_loss,
        log_loss_gain_error=None if gain is None else gain.log_loss_error,
    )
    row = replace(row, cut_layer=network.tail_layers[0].name)
    return _Tried(row=row, told=told, attempt=made, learner=learner, sample=sample)


def _keep(
    fitted: Fitted, tried: Sequence[_Tried], plan: Plan, goes_on: Callable[[int], bool]
) -> tuple[_Tried, TailState] | None:
    """Fine-tune the best depth once more, on all images; ``None`` where none is kept or there is no time."""
    best = max(tried, key=lambda each: each.told.log_loss_gain or 0.0, default=None)
    if best is None or best.attempt.answers is None:
        return None
    try:
        state = relearn(best.sample, best.learner, fitted.head, best.attempt, plan=plan, goes_on=goes_on)
    except CANDIDATE_ERRORS as error:
        logger.warning("fine-tuning failed", extra={"reason": fault_of(error)}, exc_info=True)
        state = None
    best.learner.put_back()
    if state is None:
        return None
    answers = best.attempt.answers
    return best, replace(state, head=replace(state.head, temperature=fit_temperature(answers.logits, answers.labels)))


def _tell(run: Run, fitted: Fitted, detail: str, done: int, epochs: int) -> None:
    best = Best(candidate=fitted.backbone.name, val_accuracy=fitted.val_accuracy)
    run.report(Progress(phase="tune", done=done, total=epochs, unit="epochs", detail=detail, best=best))
