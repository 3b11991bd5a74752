"""One backbone in screening: its features, its head, its entry in the ledger."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import tensorflow as tf

from services.trainer.data.dataset import LearningSet
from services.trainer.fitting.out_of_fold import OutOfFold
from services.trainer.run.context import Run
from services.trainer.run.deadline import MIXED_GAIN, Delivery, Pace
from services.trainer.run.device import Precision
from services.trainer.run.memory import give_back, is_light, may_stay
from services.trainer.scratch.disk import is_disk_full
from services.trainer.scratch.need import MAX_ACTIVATION_BYTES
from services.trainer.screening import recorded
from services.trainer.screening.features import FeatureStore
from services.trainer.screening.fit import FittedHead
from services.trainer.screening.forward import Forward, compile_forward
from services.trainer.screening.recorded import Recorded, rank_of
from services.trainer.zoo.catalogue import Backbone
from services.trainer.zoo.combination.joined import assemble
from services.trainer.zoo.head import Head
from services.trainer.zoo.network import Network
from services.trainer.zoo.sources.weights import WeightsFile, weights_facts
from shared.job.findings.training import CandidateResult, History
from shared.job.job import TrialState

CANDIDATE_ERRORS = (tf.errors.OpError, OSError, ValueError, RuntimeError, MemoryError)
"""What one candidate may die of without costing the others; a full disk is none of it, see :func:`fault_of`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A candidate that finished.

    Args:
        backbone: Which.
        weights: Its weights.
        result: As reported.
        head: As it would be delivered.
        out_of_fold: What cross-validation found, image by image; ``None`` where the head learnt by epochs.
        store: Its features and activations; ``None`` where an earlier worker finished it.
        pace: How fast it went when it was measured; ``None`` where an older version did not.
    """

    backbone: Backbone
    weights: WeightsFile | None
    result: CandidateResult
    head: Head
    out_of_fold: OutOfFold | None
    store: FeatureStore | None
    pace: Pace | None

    @property
    def rank(self) -> tuple[float, float]:
        """The higher, the better: validation accuracy, then cheapness."""
        return rank_of(self.result, self.backbone)


OpenStore = Callable[[LearningSet, Run, Backbone, WeightsFile | None], FeatureStore]
"""Builds a backbone and an empty store, as :func:`open_store` does."""


def open_store(
    dataset: LearningSet,
    run: Run,
    backbone: Backbone,
    weights: WeightsFile | None,
    *,
    build: Callable[[Backbone, WeightsFile | None], Network] = assemble,
    compile_pass: Callable[[Network, Precision], Forward] = compile_forward,
) -> FeatureStore:
    """Build a backbone and an empty store for what it makes of the data set.

    A combination is built once its network is asked for: what it makes of images is known of its parts.

    Args:
        dataset: See there.
        run: See there.
        backbone: Which.
        weights: Its weights.
        build: Builds its network.
        compile_pass: Makes the function that images go through.

    Raises:
        ValueError: If the weights do not fit.
        OSError: If they cannot be read or the disk is full.
    """
    started = time.monotonic()
    rebuild = partial(build, backbone, weights)
    store = FeatureStore(
        None if backbone.parts else rebuild(),
        dataset.images(backbone.input_px),
        features_directory(run, backbone),
        max_activation_bytes=0 if backbone.parts else MAX_ACTIVATION_BYTES,
        reserve_bytes=run.reserved_bytes(),
        halvings=run.halvings,
        compile_pass=lambda network: compile_pass(network, run.precision),
        rebuild=rebuild,
        backbone=backbone,
    )
    store.build_s = time.monotonic() - started
    store.exact_factor = MIXED_GAIN if run.precision is Precision.MIXED else 1.0
    return store


def rest(stores: Iterable[FeatureStore], memory_bytes: int | None = None) -> None:
    """Have the memory to itself what comes next: heavy networks rest, and what others left goes back to the system.

    Args:
        stores: Of networks that are not at work now.
        memory_bytes: Of the machine; where all of them take a small part of it they stay, ready to go on.
    """
    heavy = [store for store in stores if not is_light(store.backbone.size_bytes)]
    if not may_stay((store.backbone.size_bytes for store in heavy), memory_bytes):
        for store in heavy:
            store.rest()
    give_back()


def features_directory(run: Run, backbone: Backbone) -> Path:
    """Return the folder of one backbone's arrays."""
    return run.directory / "features" / backbone.name


def finish(
    store: FeatureStore, weights: WeightsFile | None, fitted: FittedHead, run: Run, *, started: float
) -> Contender:
    """Record a finished candidate in the ledger and return it.

    Args:
        store: Its features.
        weights: Its weights.
        fitted: Its head.
        run: Has the ledger.
        started: Value of ``time.monotonic()`` when it began.
    """
    backbone, head = store.backbone, fitted.head
    result = CandidateResult(
        name=backbone.name,
        state=TrialState.DONE,
        train_accuracy=fitted.train_accuracy,
        val_accuracy=fitted.val_accuracy,
        best_epoch=fitted.best_epoch,
        history=fitted.history or History(),
        seconds=time.monotonic() - started,
        parameters=store.num_parameters + head.kernel.size + head.bias.size,
        levels=backbone.level_names[-head.reading.num_levels :],
        cross_validation=fitted.judged,
        foretold=fitted.foretold,
    )
    known = Recorded(
        result=result,
        head=head,
        pace=store.pace,
        out_of_fold=fitted.out_of_fold,
        is_cut_short=run.stop_reason() is not None,
    )
    recorded.record(run.ledger.of(weights_facts(weights)), known)
    return Contender(
        backbone=backbone,
        weights=weights,
        result=result,
        head=head,
        out_of_fold=fitted.out_of_fold,
        store=store,
        pace=store.pace,
    )


def recall(run: Run, backbone: Backbone, weights: WeightsFile | None) -> Contender | CandidateResult | None:
    """Return what an earlier worker made of a candidate with these weights: finished, failed, or nothing.

    What it had to cut short counts only where this run has to end too.
    """
    known = recorded.recall(run.ledger.of(weights_facts(weights)), backbone.name)
    if known is None or known.head is None:
        return None if known is None else known.result
    if known.is_cut_short and run.stop_reason() is None:
        return None
    return Contender(
        backbone=backbone,
        weights=weights,
        result=known.result,
        head=known.head,
        out_of_fold=known.out_of_fold,
        store=None,
        pace=known.pace,
    )


def fault_of(error: Exception) -> str:
    """Return in one line what a candidate died of.

    Raises:
        Exception: The error itself, where the disk is full: that is the machine's fault, and the next candidate's too.
    """
    if is_disk_full(error):
        raise error
    first_line = (str(error).splitlines() or [""])[0]
    return f"{type(error).__name__}: {first_line}"[:500]


def delivery_of(dataset: LearningSet, backbone: Backbone, pace: Pace, run: Run) -> Delivery:
    """Return what is left to do once training has ended, were this candidate to be delivered from this process."""
    split = dataset.split
    return Delivery(
        pace=pace,
        num_validation=len(split.validation),
        num_test=len(split.test),
        size_bytes=backbone.size_bytes,
        num_formats=run.num_tried,
    )
