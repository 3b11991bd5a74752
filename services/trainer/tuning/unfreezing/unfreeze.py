"""Fine-tuning of a network whose last layer was fitted to its end: tried, judged, and kept only where it is better."""

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from services.trainer.data.dataset import LearningSet
from services.trainer.fitting.convex import fit_at
from services.trainer.fitting.standard import class_weights, standard_of
from services.trainer.fitting.temperature import fit_temperature
from services.trainer.run.context import Run
from services.trainer.run.device import Precision
from services.trainer.screening.candidate import CANDIDATE_ERRORS, fault_of
from services.trainer.screening.features import FeatureStore, learning_rows
from services.trainer.screening.fit import convex_data
from services.trainer.tuning.tail import TailState
from services.trainer.tuning.unfreezing.attempt import ATTEMPT_EPOCHS, BATCH_SIZE, Attempt, Plan, attempt, relearn
from services.trainer.tuning.unfreezing.depth import (
    MOST_BYTES,
    RESIZE,
    Depth,
    activation_bytes,
    depths_of,
    least_attempt_s,
    least_whole_s,
    whole_may_take_s,
)
from services.trainer.tuning.unfreezing.learner import Learner, Manner, fits_memory
from services.trainer.tuning.unfreezing.sample import PixelSample, Sample, take_sample
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
NOT_WANTED = "it was not wanted"


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
    work = _Work(dataset=dataset, fitted=fitted, run=run, plan=Plan(epochs=epochs, seed=run.seed))
    patience = _Patience(work=work, most_s=most_s, attempt_s=attempt_s)
    best, told = _try_all(work, depths, patience)
    kept = _keep(fitted, best, work.plan, patience.goes_on(f"{fitted.backbone.name}: learning from all"))
    if kept is None:
        return Unfrozen(found=Unfreezing(is_used=False, reason=_why_not(told), depths=tuple(told)))
    one, state = kept
    part = "as a whole" if one.told.cut_after == RESIZE else f"from {one.told.cut_after} on"
    reason = f"{part} it reads the validation photographs better than with its last layer alone"
    found = Unfreezing(is_used=True, reason=reason, depths=tuple(told))
    return Unfrozen(found=found, backbone=one.row, state=state)


@dataclass(slots=True, kw_only=True)
class _Patience:
    """How long it may go on.

    Args:
        work: See there.
        most_s: Seconds that all of it may take.
        attempt_s: Seconds that may be spent before anything was gained.
        has_gained: Whether something was.
    """

    work: _Work
    most_s: float
    attempt_s: float
    has_gained: bool = False
    _started: float = field(default_factory=time.monotonic)

    @property
    def whole_s(self) -> float:
        """Seconds that an attempt with all of the network may take from now on."""
        spent_s = time.monotonic() - self._started
        return whole_may_take_s(
            most_s=self.most_s, attempt_s=self.attempt_s, spent_s=spent_s, has_gained=self.has_gained
        )

    def goes_on(self, detail: str) -> Callable[[int], bool]:
        """Return what tells what is at work, and answers whether it may go on after so many epochs."""
        work = self.work

        def asked(epochs_done: int) -> bool:
            _tell(work.run, work.fitted, detail, epochs_done, work.plan.epochs)
            is_attempt = epochs_done < ATTEMPT_EPOCHS and not self.has_gained
            may_take_s = min(self.most_s, self.attempt_s) if is_attempt else self.most_s
            return work.run.stop_reason() is None and time.monotonic() - self._started < may_take_s

        return asked


def _try_all(work: _Work, depths: Sequence[Depth], patience: _Patience) -> tuple[_Tried | None, list[UnfrozenDepth]]:
    """Return the best depth of those that would be kept, and what became of every one that was tried."""
    best: _Tried | None = None
    told: list[UnfrozenDepth] = []
    promises = True
    for depth in depths:
        goes_on = patience.goes_on(f"{work.fitted.backbone.name}: unfrozen after {depth.cut_after}")
        if not _is_due(depth, work, promises=promises, whole_s=patience.whole_s) or not goes_on(0):
            continue
        try:
            one = _try(work, depth, goes_on)
        except CANDIDATE_ERRORS as error:
            logger.warning("fine-tuning failed", extra={"reason": fault_of(error)}, exc_info=True)
            continue
        told += [] if one is None else [one.told]
        promises = one is not None and one.attempt.gain is not None and one.attempt.gain.is_promising
        best = _better(one, best)
        patience.has_gained = best is not None
    return best, told


def _is_due(depth: Depth, work: _Work, *, promises: bool, whole_s: float) -> bool:
    """Tell whether a depth is worth an attempt, by what the one before it promised.

    All of a network is where its two epochs fit into the time, which a GPU takes seconds for and a CPU minutes.
    """
    fitted = work.fitted
    if not depth.is_whole:
        return promises or fitted.head.reading.num_levels > 1
    pace, views = fitted.store.pace, fitted.head.reading.views
    if pace is None:
        return False
    return least_whole_s(pace, len(work.dataset.split.train), views, ATTEMPT_EPOCHS) <= whole_s


def _better(one: _Tried | None, best: _Tried | None) -> _Tried | None:
    """Return the depth that gains more, of those that would be kept; what the other learnt from is let go of."""
    if one is None or one.attempt.gain is None or not one.attempt.gain.is_kept:
        return best
    return one if best is None or (one.told.log_loss_gain or 0.0) > (best.told.log_loss_gain or 0.0) else best


def _objection(dataset: LearningSet, run: Run, depths: Sequence[Depth], epochs: int) -> str | None:
    if epochs == 0:
        return NOT_WANTED
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
    # 6.4 s are too many where 5.8 may be spent, and would read as 6 and 6
    needed, most = math.ceil(needed_s), math.floor(may_take_s)
    return f"a first attempt takes {needed:,} s, and {most:,} s may be spent before anything is gained"


def _why_not(told: Sequence[UnfrozenDepth]) -> str:
    if not told:
        return "there was no time, or no memory, for a first attempt"
    return "a first attempt did not read the validation photographs clearly better than the fitted last layer does"


def _try(work: _Work, depth: Depth, goes_on: Callable[[int], bool]) -> _Tried | None:
    """Fine-tune from one depth on; ``None`` where memory or time are short."""
    dataset, fitted, run, plan = work.dataset, work.fitted, work.run, work.plan
    started = time.monotonic()
    row = replace(fitted.backbone, cut_inputs=(_cut_layer(depth, fitted.store.network),))
    network: Network = split(row, fitted.store.network.model)
    reading = fitted.head.reading
    sample = _sample(work, depth, network, lambda: goes_on(0))
    if sample is None:
        return None
    data = replace(convex_data(dataset, fitted.store, run), rows=dataset.split.train)
    head = fit_at(data, reading, fitted.strength)
    weights = class_weights(dataset.labels[dataset.split.train], len(dataset.classes))
    standard = standard_of(fitted.store.read_by(reading), dataset.split.train)
    manner = Manner(
        from_pixels=depth.is_whole, may_flip=reading.views > 1, precision=run.precision, seed=run.seed % 2**31
    )
    learner = Learner(network, head, standard, weights, manner=manner)
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


def _cut_layer(depth: Depth, network: Network) -> str:
    """Return the layer to cut after; for all of a network the one that scales its pixels, which learns nothing."""
    if not depth.is_whole:
        return depth.cut_after
    squares = network.model.get_layer(RESIZE).output
    return next(str(layer.name) for layer in network.model.layers if layer.input is squares)


def _sample(work: _Work, depth: Depth, network: Network, on_batch: Callable[[], bool]) -> Sample | None:
    """Return what is learnt from; ``None`` where memory or time are short."""
    dataset, run, reading = work.dataset, work.run, work.fitted.head.reading
    rows = learning_rows(dataset)
    if depth.is_whole:
        on_gpu = run.precision is Precision.MIXED  # which has memory of its own, and says so where that is short
        if not on_gpu and not fits_memory(network, BATCH_SIZE, run.memory_bytes):
            return None
        images = dataset.images(network.backbone.input_px)
        return PixelSample(rows=rows, labels=dataset.labels, images=images, views=reading.views)
    if activation_bytes(network.cut_shape, len(rows), reading.views) > MOST_BYTES:
        return None
    return take_sample(dataset, work.fitted.store, network, reading, on_batch)


def _keep(
    fitted: Fitted, best: _Tried | None, plan: Plan, goes_on: Callable[[int], bool]
) -> tuple[_Tried, TailState] | None:
    """Fine-tune the best depth once more, on all images; ``None`` where there is none or no time."""
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
