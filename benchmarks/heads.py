"""What each part of a fitted head gives on the test split, and how far what is said of it beforehand may be trusted."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from benchmarks.figure import Figure
from benchmarks.material import dataset, weights_mirror
from benchmarks.splits import splits
from services.trainer.data.dataset import Dataset, Indices
from services.trainer.fitting.comparison.optimism import best_of_several
from services.trainer.fitting.convex import ConvexData, ConvexFit, fit_convex
from services.trainer.fitting.out_of_fold import Tried, is_better
from services.trainer.screening.features import FeatureStore, learning_rows
from services.trainer.screening.recorded import ERRORS_OF_SEVERAL
from services.trainer.tuning.mirror import decide
from services.trainer.zoo.backbone import GRID, Backbone
from services.trainer.zoo.combination.pooled import beside
from services.trainer.zoo.combination.row import combined_row
from services.trainer.zoo.head import FEATURES, Floats, Reading
from services.trainer.zoo.sources.mirror import FolderMirror
from services.trainer.zoo.sources.weights import resolve

CANDIDATES = ("mobilenet_0.25", "mobilenet_v2")
DATASETS = ("clothing10", "face_mask", "sign_digits")
SEEDS = range(5)
_PARTS = (
    "features, training images alone",
    "and validation images",
    "and all stages over the whole picture",
    "and the earlier ones over its quarters",
    "and both networks side by side",
    "and mirror images",
)
_SAID = {
    "reported accuracy less test accuracy": "cross-validated accuracy of the winner",
    "promised accuracy less test accuracy": "the same, less what being the best of all is worth",
}


class Source(Protocol):
    """What heads read: a backbone's store, or several side by side."""

    @property
    def backbone(self) -> Backbone:
        """Of which."""
        ...

    def read_by(self, reading: Reading) -> Floats:
        """See :meth:`FeatureStore.read_by`."""
        ...


class SideBySide:
    """What several backbones made of the images, as their combination would have it.

    Args:
        stores: Of each, the cheapest first.
    """

    def __init__(self, stores: tuple[FeatureStore, ...]) -> None:
        self.backbone = combined_row([store.backbone for store in stores])
        self._stores = stores

    def read_by(self, reading: Reading) -> Floats:
        """See :meth:`FeatureStore.read_by`."""
        every = [replace(reading, num_levels=len(store.backbone.levels)) for store in self._stores]
        parts = [
            (store.backbone, np.asarray(store.read_by(each))) for store, each in zip(self._stores, every, strict=True)
        ]
        return beside(parts)[:, -self.backbone.width_of(reading.num_levels) :]


class WholePicture:
    """What a backbone made of the images, with every stage averaged over the whole picture.

    Args:
        store: Has the means over fields.
    """

    def __init__(self, store: Source) -> None:
        self.backbone = store.backbone
        self._store = store

    def read_by(self, reading: Reading) -> Floats:
        """See :meth:`FeatureStore.read_by`."""
        fields = np.asarray(self._store.read_by(reading))
        ends = np.cumsum(self.backbone.widths[-reading.num_levels :])[:-1]
        *early, last = np.split(fields, ends, axis=1)
        return np.hstack([*(each.reshape(len(each), GRID**2, -1).mean(axis=1) for each in early), last])


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """One split of one set, and what every candidate made of it, the cheapest first."""

    dataset: Dataset
    stores: Mapping[str, FeatureStore]

    def best(self, fit: Callable[[Source], ConvexFit], sources: Sequence[Source]) -> tuple[Source, ConvexFit]:
        """Return the candidate that the product would choose, with its head."""
        chosen: tuple[Source, ConvexFit] | None = None
        for source in sources:
            found = fit(source)
            errors = ERRORS_OF_SEVERAL if source.backbone.parts else 1.0
            if chosen is None or is_better(found.out_of_fold, chosen[1].out_of_fold, errors=errors):
                chosen = source, found
        assert chosen is not None
        return chosen

    def mirrored(self, store: Source, single: ConvexFit) -> ConvexFit:
        """Return the head that looks at mirror images, or the one given where cross-validation says that they harm."""
        rows = learning_rows(self.dataset.learning)
        both = fit_convex(self.data(store, rows), [replace(single.head.reading, views=2)])
        return both if decide(single.out_of_fold, both.out_of_fold, both.judged).is_used else single

    def data(self, store: Source, rows: Indices) -> ConvexData:
        """Return what a head learns from."""
        found = self.dataset
        return ConvexData(
            inputs=store.read_by, labels=found.labels, groups=found.groups, rows=rows, num_classes=len(found.classes),
            seed=found.key.seed,
        )  # fmt: skip

    def test_accuracy(self, store: Source, fit: ConvexFit) -> float:
        """Return how many of the test split a head reads rightly."""
        rows = self.dataset.split.test
        predicted = fit.head.logits(store.read_by(fit.head.reading)[rows]).argmax(axis=1)
        return float((predicted == self.dataset.labels[rows]).mean())


def measure(scratch: Path) -> list[Figure]:
    """Fit heads of more and more parts to what both ImageNet backbones make of three sets, and read the test splits."""
    accuracies: dict[str, dict[str, float]] = {name: {} for name in DATASETS}
    gaps: dict[str, list[float]] = {said: [] for said in _SAID}
    for name in DATASETS:
        rows = [_parts(each) for each in _materials(dataset(name), scratch / name)]
        accuracies[name] = {part: statistics.mean(row[part] for row in rows) for part in _PARTS}
        for said in _SAID:
            gaps[said] += [100 * (row[said] - row[_PARTS[-1]]) for row in rows]
    return [
        *(_figure(place, accuracies) for place in range(len(_PARTS))),
        *(_optimism(said, each) for said, each in gaps.items()),
    ]


def _optimism(said: str, gaps: Sequence[float]) -> Figure:
    """Return how much more was promised of the winner than the test gave."""
    error = statistics.stdev(gaps) / len(gaps) ** 0.5
    note = f"{_SAID[said]}; standard error {error:.1f}; {len(SEEDS)} seeds of each set"
    within = 1.0 if said == next(iter(_SAID)) else None
    return Figure(name=f"heads, {said}", measured=statistics.mean(gaps), unit="points", within=within, note=note)


def _figure(place: int, accuracies: Mapping[str, Mapping[str, float]]) -> Figure:
    """Return the accuracy of the first part, and what each further one adds to the parts before it."""
    means = [accuracies[name][_PARTS[place]] for name in DATASETS]
    shown = ", ".join(f"{name} {mean:.3f}" for name, mean in zip(DATASETS, means, strict=True))
    figure = Figure(name=f"heads, test accuracy: {_PARTS[place]}", measured=statistics.mean(means), unit="",
                    note=f"{shown}; {len(SEEDS)} seeds, the better of both ImageNet backbones")  # fmt: skip
    if place == 0:
        return figure
    before = statistics.mean(accuracies[name][_PARTS[place - 1]] for name in DATASETS)
    return replace(figure, measured=100 * (figure.measured - before), unit="points more")


def _parts(material: Material) -> dict[str, float]:
    learning = learning_rows(material.dataset.learning)

    def levels(store: Source) -> list[Reading]:
        return [FEATURES, Reading(num_levels=len(store.backbone.levels))]

    def features(store: Source) -> ConvexFit:
        return fit_convex(material.data(store, learning), [FEATURES])

    def every(store: Source) -> ConvexFit:
        return fit_convex(material.data(store, learning), levels(store))

    single_ones: list[Source] = list(material.stores.values())
    chosen = [
        material.best(
            lambda store: fit_convex(material.data(store, material.dataset.split.train), [FEATURES]), single_ones
        ),
        material.best(features, single_ones),
        material.best(every, [WholePicture(store) for store in single_ones]),
        material.best(every, single_ones),
        material.best(every, [*single_ones, SideBySide(tuple(material.stores.values()))]),
    ]
    store, single = chosen[-1]
    chosen.append((store, material.mirrored(store, single)))
    mirrored = chosen[-1][1]
    reported = mirrored.judged.accuracy
    promised = reported - _worth_of_being_best(material, [single, mirrored])
    return {
        **dict(zip(_PARTS, (material.test_accuracy(*each) for each in chosen), strict=True)),
        **dict(zip(_SAID, (reported, promised), strict=True)),
    }


def _worth_of_being_best(material: Material, fits: Sequence[ConvexFit]) -> float:
    """Return by how much the accuracy of the best of all that was tried is thought to be too high."""
    answers = fits[-1].out_of_fold
    tried = Tried.together([fit.out_of_fold.tried for fit in fits if fit.out_of_fold.tried is not None])
    groups = material.dataset.groups[answers.rows]
    corrected = best_of_several(tried, groups, seed=material.dataset.key.seed)
    return float(tried.right.mean(axis=1).max()) - corrected


def _materials(archive: Path, scratch: Path) -> list[Material]:
    """Return every split of a set."""
    found = resolve(CANDIDATES, mirror=FolderMirror(weights_mirror()), allow_download=False).usable
    usable = sorted(found, key=lambda pair: pair[0].gflops)
    every = splits(archive, usable, scratch, seeds=SEEDS, fill=_fill)
    return [Material(dataset=prepared, stores=stores) for prepared, stores in every]


def _fill(store: FeatureStore, rows: Indices) -> None:
    store.compute(rows)
    store.compute(rows, views=2)
