"""The race before screening: every candidate on a small sample, the whole data set for the best few only."""

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from services.trainer.data.dataset import Indices, LearningSet
from services.trainer.run.context import LedgerEntry, Run
from services.trainer.screening.candidate import CANDIDATE_ERRORS, open_store
from services.trainer.screening.features import FeatureStore
from services.trainer.screening.head import HeadData, train_head
from services.trainer.zoo.catalogue import Backbone
from services.trainer.zoo.sources.weights import WeightsFile
from shared.job.job import Trial, TrialState

NUM_FINALISTS = 4
_IMAGES_PER_CLASS = 20
_MIN_SAMPLE = 200
_PROBE_EPOCHS = 15
_WORTH_FACTOR = 3
_TRIAL = "race"


@dataclass(slots=True, kw_only=True)
class Race:
    """How a race ended.

    Args:
        ranking: Names from best to worst; those that were not asked before the run had to stop come last.
        failed: Names with the reason.
        stores: Of the best few, with the features of the sample already in them.
    """

    ranking: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    stores: dict[str, FeatureStore] = field(default_factory=dict)


def hold_race(
    entries: Sequence[tuple[Backbone, WeightsFile | None]],
    dataset: LearningSet,
    run: Run,
    *,
    on_batch: Callable[[str, int], bool],
) -> Race:
    """Rank candidates on a sample; an earlier worker's ranking is taken from the ledger.

    Args:
        entries: Candidates with their weights.
        dataset: See there.
        run: See there.
        on_batch: Told a candidate and how many images it was just done with; answers whether to go on.
    """
    known = run.ledger.find(_TRIAL)
    if known is not None:
        return Race(ranking=list(known.document["ranking"]), failed=dict(known.document["failed"]))
    rows = sample(dataset, seed=run.seed)
    race = Race()
    scores: dict[str, tuple[float, float, float]] = {}
    for backbone, weights in entries:
        try:
            store = open_store(dataset, run, backbone, weights)
            race.stores[backbone.name] = store
            if not store.compute(rows, on_batch=lambda count, name=backbone.name: on_batch(name, count)):  # type: ignore[misc]
                break
            scores[backbone.name] = probe(store, dataset, rows, seed=run.seed)
        except CANDIDATE_ERRORS as error:
            race.failed[backbone.name] = f"{type(error).__name__}: {error}"[:500]
        race.ranking = sorted(scores, key=scores.__getitem__, reverse=True)
        _keep(race.stores, race.ranking[:NUM_FINALISTS])
    else:
        document = {"ranking": race.ranking, "failed": race.failed}
        run.ledger.record(LedgerEntry(trial=Trial(name=_TRIAL, state=TrialState.DONE), document=document))
    unasked = [backbone.name for backbone, _ in entries if backbone.name not in {*scores, *race.failed}]
    race.ranking += unasked
    return race


def _keep(stores: dict[str, FeatureStore], names: Sequence[str]) -> None:
    for name in set(stores) - set(names):
        stores.pop(name).discard()
    gc.collect()


def is_worth_it(dataset: LearningSet, num_candidates: int) -> bool:
    """Tell whether a race saves time: enough candidates to drop, and a data set much larger than the sample."""
    return num_candidates > NUM_FINALISTS and len(dataset.split.train) >= _WORTH_FACTOR * len(sample(dataset, seed=0))


def sample(dataset: LearningSet, *, seed: int) -> Indices:
    """Return training images, the same number of every class as far as there are any, ascending."""
    num_classes = len(dataset.classes)
    per_class = max(_IMAGES_PER_CLASS, _MIN_SAMPLE // num_classes)
    generator = np.random.default_rng(seed)
    shuffled = generator.permutation(dataset.split.train)
    labels = dataset.labels[shuffled]
    chosen = [shuffled[labels == label][:per_class] for label in range(num_classes)]
    return np.sort(np.concatenate(chosen))


def probe(store: FeatureStore, dataset: LearningSet, rows: Indices, *, seed: int) -> tuple[float, float, float]:
    """Rank a backbone by its features of the sample: a head learns one half and is asked about the other, both ways.

    Returns:
        Mean accuracy; for ties accuracy on ImageNet, then cheapness. The higher, the better.
    """
    labels = dataset.labels[rows]
    halves = np.zeros(len(rows), bool)
    for label in np.unique(labels):
        halves[np.flatnonzero(labels == label)[::2]] = True
    accuracies = []
    for learnt in (halves, ~halves):
        data = HeadData(
            features=store.features,
            labels=dataset.labels,
            train=rows[learnt],
            validation=rows[~learnt],
            num_classes=len(dataset.classes),
        )
        accuracies.append(train_head(data, epochs=_PROBE_EPOCHS, seed=seed).val_accuracy)
    backbone = store.network.backbone
    return float(np.mean(accuracies)), backbone.imagenet_top1 or 0.0, -backbone.gflops
