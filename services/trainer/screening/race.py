"""The race before screening: every candidate on a small sample, the whole data set for the best few only."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from services.trainer.data.dataset import Indices, LearningSet
from services.trainer.fitting.epochs import HeadData, train_head
from services.trainer.run.context import LedgerEntry, Run
from services.trainer.run.identity import Facts
from services.trainer.scratch.need import NUM_FINALISTS
from services.trainer.screening.candidate import CANDIDATE_ERRORS, fault_of, open_store, rest
from services.trainer.screening.features import FeatureStore
from services.trainer.zoo.catalogue import Backbone
from services.trainer.zoo.sources.weights import WeightsFile, weights_facts
from shared.job.job import Trial, TrialState
from shared.json_codec import to_json

_IMAGES_PER_CLASS = 20
_MIN_SAMPLE = 200
_PROBE_EPOCHS = 15
_WORTH_FACTOR = 3
_TRIAL = "race"
Score = tuple[float, float, float]
"""Accuracy on the sample; for ties accuracy on ImageNet, then cheapness. The higher, the better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RaceEntry:
    """A race as the ledger keeps it.

    Args:
        scores: What every candidate came to, by name; see :func:`probe`.
        failed: Names with the reason.
        weights: With which weights each ran, by name; with others it runs again.
    """

    scores: dict[str, Score]
    failed: dict[str, str]
    weights: dict[str, Facts]


@dataclass(slots=True, kw_only=True)
class Race:
    """How a race ended.

    Args:
        scores: What every candidate came to, by name.
        failed: Names with the reason.
        unasked: Names of those that were not asked before the run had to stop.
        stores: Of the best few, with the features of the sample already in them.
    """

    scores: dict[str, Score] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    unasked: list[str] = field(default_factory=list)
    stores: dict[str, FeatureStore] = field(default_factory=dict)

    @property
    def ranking(self) -> list[str]:
        """Names from best to worst; those that were not asked come last."""
        return sorted(self.scores, key=self.scores.__getitem__, reverse=True) + self.unasked


def hold_race(
    entries: Sequence[tuple[Backbone, WeightsFile | None]],
    dataset: LearningSet,
    run: Run,
    *,
    on_batch: Callable[[str, int], bool],
) -> Race:
    """Rank candidates on a sample; what an earlier worker found of a candidate is taken from the ledger.

    Args:
        entries: Candidates with their weights.
        dataset: See there.
        run: See there.
        on_batch: Told a candidate and how many images it was just done with; answers whether to go on.
    """
    race = _recalled(entries, run)
    asked = [pair for pair in entries if pair[0].name not in {*race.scores, *race.failed}]
    rows = sample(dataset, seed=run.seed)
    for position, (backbone, weights) in enumerate(asked):
        try:
            store = open_store(dataset, run, backbone, weights)
            race.stores[backbone.name] = store
            if not store.compute(rows, on_batch=lambda count, name=backbone.name: on_batch(name, count)):  # type: ignore[misc]
                race.unasked = [each.name for each, _ in asked[position:]]
                break
            race.scores[backbone.name] = probe(store, dataset, rows, seed=run.seed)
        except CANDIDATE_ERRORS as error:
            race.failed[backbone.name] = fault_of(error)
        _keep(race.stores, race.ranking[:NUM_FINALISTS])
    if asked and not race.unasked:
        _record(race, entries, run)
    return race


def _recalled(entries: Sequence[tuple[Backbone, WeightsFile | None]], run: Run) -> Race:
    """Return what is known already of these candidates with these weights."""
    entry = run.ledger.find(_TRIAL)
    known = entry.document_as(RaceEntry) if entry is not None else None
    if known is None:
        return Race()
    now = {backbone.name: weights_facts(weights) for backbone, weights in entries}
    same = {name for name, weights in now.items() if known.weights.get(name) == weights}
    return Race(
        scores={name: score for name, score in known.scores.items() if name in same},
        failed={name: reason for name, reason in known.failed.items() if name in same},
    )


def _record(race: Race, entries: Sequence[tuple[Backbone, WeightsFile | None]], run: Run) -> None:
    weights = {backbone.name: weights_facts(file) for backbone, file in entries}
    known = RaceEntry(scores=race.scores, failed=race.failed, weights=weights)
    run.ledger.record(LedgerEntry(trial=Trial(name=_TRIAL, state=TrialState.DONE), document=to_json(known)))


def _keep(stores: dict[str, FeatureStore], names: Sequence[str]) -> None:
    for name in set(stores) - set(names):
        stores.pop(name).discard()
    rest(stores.values())


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


def probe(store: FeatureStore, dataset: LearningSet, rows: Indices, *, seed: int) -> Score:
    """Rank a backbone by its features of the sample: a head learns one half and is asked about the other, both ways."""
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
    backbone = store.backbone
    return float(np.mean(accuracies)), backbone.imagenet_top1 or 0.0, -backbone.gflops
