"""The race before screening: candidates on ever larger samples, the whole data set for those that may still win."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from services.trainer.data.dataset import Indices, LearningSet
from services.trainer.fitting.comparison import foretelling
from services.trainer.fitting.comparison.racing import (
    chances_to_win,
    foresee,
    leavers,
    not_worth_their_work,
    why_left,
    why_not_worth_it,
)
from services.trainer.run.context import LedgerEntry, Run
from services.trainer.run.identity import Facts
from services.trainer.scratch.need import NUM_FINALISTS
from services.trainer.screening.candidate import CANDIDATE_ERRORS, OpenStore, fault_of, open_store, rest
from services.trainer.screening.features import FeatureStore, learning_rows
from services.trainer.zoo.catalogue import Backbone
from services.trainer.zoo.folded import remembered_means
from services.trainer.zoo.head import Reading
from services.trainer.zoo.sources.weights import WeightsFile, weights_facts
from shared.job.findings.training import Foretold
from shared.job.job import Trial, TrialState
from shared.json_codec import to_json

SAMPLES = (5, 10, 20, 40)
"""Images of a class, from round to round."""
_MOST_SAMPLED = 2000
_MOST_FORETOLD = 600
_WORTH_IMAGES = 300
_WORTH_FACTOR = 2
_TRIAL = "race"
Entry = tuple[Backbone, WeightsFile | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RaceEntry:
    """A race as the ledger keeps it.

    Args:
        rounds: Of every candidate, by name, what it made of the sample of each round that it ran: of every image
            whether it was taken for what it is, as 0 and 1.
        foretold: What is known of every candidate, by name.
        failed: Names with the reason.
        weights: With which weights each ran, by name; with others it runs again.
    """

    rounds: dict[str, tuple[str, ...]]
    foretold: dict[str, Foretold]
    failed: dict[str, str]
    weights: dict[str, Facts]


@dataclass(slots=True, kw_only=True)
class Race:
    """How a race ended.

    Args:
        rounds: Of every candidate, by name, which images of each round's sample it takes for what they are.
        foretold: What is known of every candidate, by name.
        left: Who left, with the reason.
        failed: Names with the reason.
        stores: Of the best few, with the features of the samples already in them.
        num_kept: So many of them at most, which the disk has room for.
    """

    rounds: dict[str, list[NDArray[np.bool_]]] = field(default_factory=dict)
    foretold: dict[str, Foretold] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    stores: dict[str, FeatureStore] = field(default_factory=dict)
    num_kept: int = NUM_FINALISTS

    def is_out(self, name: str) -> bool:
        """Tell whether a candidate runs no further."""
        return name in self.left or name in self.failed

    @property
    def ranking(self) -> list[str]:
        """Names of those that were judged, the best first: who came further, then by accuracy."""
        return sorted(
            self.rounds, key=lambda name: (len(self.rounds[name]), self.rounds[name][-1].mean()), reverse=True
        )


def hold_race(
    entries: Sequence[Entry],
    dataset: LearningSet,
    run: Run,
    *,
    on_batch: Callable[[str, int], bool],
    open_store: OpenStore = open_store,
) -> Race:
    """Let candidates leave whose chance to win is small, round by round, each on a larger sample than the last.

    What an earlier worker found of a candidate is taken from the ledger.

    Args:
        entries: Candidates with their weights, the cheapest first.
        dataset: See there.
        run: See there.
        on_batch: Told a candidate and how many images it was just done with; answers whether to go on.
        open_store: Builds networks.
    """
    race = _recalled(entries, run)
    race.num_kept = run.keeping.num_finalists
    is_new = any(backbone.name not in {*race.rounds, *race.failed} for backbone, _ in entries)
    rounds = samples(dataset, seed=run.seed)
    for place, rows in enumerate(rounds):
        running = [entry for entry in entries if not race.is_out(entry[0].name)]
        if len(running) == 1:
            break
        for entry in running:
            if len(race.rounds.get(entry[0].name, ())) > place:
                continue
            if not _judge(race, entry, (dataset, rows), run, partial(open_store, dataset, run), on_batch):
                return race
        _drop(race, [row for row, _ in running if not race.is_out(row.name)], place, run, is_last=rows is rounds[-1])
    if is_new:
        _record(race, entries, run)
    return race


def _judge(
    race: Race,
    entry: Entry,
    sample: tuple[LearningSet, Indices],
    run: Run,
    open_store: Callable[[Backbone, WeightsFile | None], FeatureStore],
    on_batch: Callable[[str, int], bool],
) -> bool:
    """Judge a candidate on a sample; answer whether the race goes on."""
    (backbone, weights), (dataset, rows) = entry, sample
    name = backbone.name
    try:
        store = race.stores.get(name) or open_store(backbone, weights)
        race.stores[name] = store
        if not store.compute(rows, on_batch=lambda count: on_batch(name, count)):
            return False
        right, race.foretold[name] = foretell(dataset, store, rows)
        race.rounds.setdefault(name, []).append(right)
    except CANDIDATE_ERRORS as error:
        race.failed[name] = fault_of(error)
    _keep(race, [each for each in race.ranking if not race.is_out(each)][: race.num_kept], run)
    return True


def _drop(race: Race, running: Sequence[Backbone], place: int, run: Run, *, is_last: bool) -> None:
    """Let go of those that have hardly a chance; before the pass of all images, of those not worth it, too."""
    rows = {row.name: row for row in running if len(race.rounds[row.name]) > place}
    if len(rows) < 2:  # noqa: PLR2004 - a pair
        return
    right = {name: race.rounds[name][place] for name in rows}
    foreseen = foresee(right, {name: row.imagenet_top1 for name, row in rows.items()}, seed=run.seed)
    chances = chances_to_win(foreseen)
    num_images = len(next(iter(right.values())))
    accuracies = {name: float(each.mean()) for name, each in right.items()}
    for name in leavers(chances):
        race.left[name] = why_left(
            chances[name], num_images=num_images, accuracy=accuracies[name], best=max(accuracies.values())
        )
    if is_last:
        work = {name: row.gflops for name, row in rows.items() if not race.is_out(name)}
        for name, other in not_worth_their_work({name: foreseen[name] for name in work}, work).items():
            times = work[name] / work[other]
            race.left[name] = why_not_worth_it(other, num_images=num_images, times=times)
    _keep(race, [name for name in race.stores if not race.is_out(name)], run)


def _recalled(entries: Sequence[Entry], run: Run) -> Race:
    """Return what is known already of these candidates with these weights."""
    entry = run.ledger.find(_TRIAL)
    known = entry.document_as(RaceEntry) if entry is not None else None
    if known is None:
        return Race()
    now = {backbone.name: weights_facts(weights) for backbone, weights in entries}
    same = {name for name, weights in now.items() if known.weights.get(name) == weights}
    return Race(
        rounds={
            name: [np.array(list(each)) == "1" for each in rounds]
            for name, rounds in known.rounds.items()
            if name in same
        },
        foretold={name: each for name, each in known.foretold.items() if name in same},
        failed={name: reason for name, reason in known.failed.items() if name in same},
    )


def _record(race: Race, entries: Sequence[Entry], run: Run) -> None:
    known = RaceEntry(
        rounds={
            name: tuple("".join("1" if right else "0" for right in each) for each in rounds)
            for name, rounds in race.rounds.items()
        },
        foretold=race.foretold,
        failed=race.failed,
        weights={backbone.name: weights_facts(file) for backbone, file in entries},
    )
    run.ledger.record(LedgerEntry(trial=Trial(name=_TRIAL, state=TrialState.DONE), document=to_json(known)))


def _keep(race: Race, names: Sequence[str], run: Run) -> None:
    for name in set(race.stores) - set(names):
        race.stores.pop(name).discard()
    rest(race.stores.values(), run.memory_bytes)


def foretell(dataset: LearningSet, store: FeatureStore, rows: Indices) -> tuple[NDArray[np.bool_], Foretold]:
    """Return which images of a sample a backbone takes for what they are, and what they foretell of it.

    Args:
        dataset: See there.
        store: Done with the sample.
        rows: The sample.
    """
    row = store.backbone
    return foretelling.foretell(
        np.asarray(store.read_by(Reading(num_levels=len(row.levels)))[rows]),
        dataset.labels[rows],
        len(dataset.classes),
        width=row.feature_width,
        source_means=remembered_means(store.network.model, row.level_names[-1]),
    )


def sample_to_foretell(dataset: LearningSet, *, seed: int) -> Indices | None:
    """Return the images by which a candidate is foretold without a race; ``None`` where there are too few."""
    return next((rows for rows in reversed(samples(dataset, seed=seed)) if len(rows) <= _MOST_FORETOLD), None)


def is_worth_it(dataset: LearningSet, num_candidates: int) -> bool:
    """Tell whether a race saves time: somebody to drop, and a data set much larger than the first sample."""
    num_images = len(learning_rows(dataset))
    first = next(iter(samples(dataset, seed=0)), None)
    is_large = num_images >= _WORTH_IMAGES and first is not None
    return num_candidates > 1 and is_large


def samples(dataset: LearningSet, *, seed: int) -> list[Indices]:
    """Return the samples of all rounds, each within the next, the same number of every class as far as there are any.

    Of copies of a picture one is taken at most, for images of a sample are judged by one another. Samples that are no
    longer much smaller than the data set are left out.
    """
    rows, num_classes = learning_rows(dataset), len(dataset.classes)
    shuffled = np.random.default_rng(seed).permutation(rows)
    _, first = np.unique(dataset.groups[shuffled], return_index=True)
    single = shuffled[np.sort(first)]
    labels = dataset.labels[single]
    found: list[Indices] = []
    for wanted in SAMPLES:
        per_class = min(wanted, _MOST_SAMPLED // num_classes)
        chosen = np.sort(np.concatenate([single[labels == label][:per_class] for label in range(num_classes)]))
        is_larger = not found or len(chosen) > len(found[-1])
        if per_class > 1 and is_larger and _WORTH_FACTOR * len(chosen) <= len(rows):
            found.append(chosen)
    return found
