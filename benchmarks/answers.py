"""What is told from answers and features: swapped labels found, strangers told, learning curves held against the truth.

Each set of photographs goes once through MobileNetV2 with ImageNet weights; everything else is arithmetic on what it
makes of them, as a run does it. Four in five photographs are training and validation, of which labels are swapped.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from benchmarks.figure import Figure
from benchmarks.material import dataset, weights_mirror
from benchmarks.transfer import SETS, features_of, read_photographs
from services.trainer.analysis.growth import GrowthData, learning_curve
from services.trainer.analysis.nearest import find_nearest, tell_strangers
from services.trainer.analysis.suspects import LISTED_SHARE, doubt_order, num_likely
from services.trainer.fitting.convex import ConvexData, ConvexFit, fit_convex
from services.trainer.fitting.logistic import Problem
from services.trainer.fitting.principal import principal_of
from services.trainer.fitting.standard import standard_of
from services.trainer.strangers.learning import Photographs as Known
from services.trainer.strangers.learning import learn_likeness
from services.trainer.strangers.likeness import units
from services.trainer.zoo.catalogue import BACKBONES
from services.trainer.zoo.head import FEATURES
from services.trainer.zoo.sources.mirror import FolderMirror
from services.trainer.zoo.sources.weights import resolve
from shared.job.findings.growth import Growth

BACKBONE = "mobilenet_v2"
SWAPPED_FRAC = 0.05
LEARNT_FRAC = 0.8
SEEDS = range(3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Photographs:
    """One set.

    Args:
        name: Of the set.
        features: ``(num_images, width) float32``.
        labels: ``(num_images,)``.
        classes: Names.
    """

    name: str
    features: NDArray[np.float32]
    labels: NDArray[np.int32]
    classes: tuple[str, ...]


def measure(_scratch: Path) -> list[Figure]:
    """Measure every set."""
    sets = list(_read_sets())
    with threadpool_limits(limits=1):
        figures = [figure for each in sets for figure in _of_suspects(each)]
        figures += [figure for each in sets for figure in _of_strangers(each, sets)]
        figures += [_of_growth(each) for each in sets]
        figures.append(_of_time(sets[0]))
    return figures


def _read_sets() -> Iterator[Photographs]:
    mirror = FolderMirror(weights_mirror())
    found = {row.name: file for row, file in resolve([BACKBONE], mirror=mirror, allow_download=False).usable}
    for name in SETS:
        pixels, names = read_photographs(dataset(name), BACKBONES[BACKBONE].input_px)
        classes, labels = np.unique(names, return_inverse=True)
        yield Photographs(
            name=name,
            features=features_of(pixels, BACKBONE, found[BACKBONE]),
            labels=labels.astype(np.int32),
            classes=tuple(map(str, classes)),
        )


def _fit(each: Photographs, labels: NDArray[np.int32], rows: NDArray[np.int64]) -> ConvexFit:
    data = ConvexData(
        inputs=lambda _: each.features,
        labels=labels,
        groups=np.arange(len(labels)),
        rows=rows,
        num_classes=len(each.classes),
        seed=0,
    )
    return fit_convex(data, [FEATURES])


def _rows(each: Photographs, seed: int) -> NDArray[np.int64]:
    num_images = len(each.labels)
    return np.sort(np.random.default_rng(seed).permutation(num_images)[: int(LEARNT_FRAC * num_images)])


def _of_suspects(each: Photographs) -> list[Figure]:
    found, hits, likely, true_likely, by_chance = [], [], [], [], []
    for seed in SEEDS:
        generator, rows = np.random.default_rng(seed), _rows(each, seed)
        swapped = generator.choice(rows, round(SWAPPED_FRAC * len(rows)), replace=False)
        labels = each.labels.copy()
        steps = generator.integers(1, len(each.classes), len(swapped))
        labels[swapped] = (labels[swapped] + steps) % len(each.classes)
        fit = _fit(each, labels, rows)
        given, is_swapped = fit.out_of_fold.probabilities(fit.head.temperature or 1.0), np.isin(rows, swapped)
        order = doubt_order(given, labels[rows])
        found.append(is_swapped[order[: int(np.ceil(LISTED_SHARE * len(rows)))]].sum() / len(swapped))
        hits.append(is_swapped[order[: len(swapped)]].mean())
        num = num_likely(given, labels[rows])
        likely.append(num)
        true_likely.append(int(is_swapped[order[:num]].sum()))
        clean = _fit(each, each.labels, rows)
        by_chance.append(num_likely(clean.out_of_fold.probabilities(clean.head.temperature or 1.0), each.labels[rows]))
    how = f"{each.name}, {SWAPPED_FRAC:.0%} of labels swapped, mean of {len(SEEDS)} seeds"
    told = f"{sum(true_likely)} of {sum(likely)} called likely are swapped"
    return [
        Figure(
            name=f"swapped labels among the first tenth listed, {each.name}",
            measured=100 * float(np.mean(found)),
            unit="%",
            at_least=70,
            note=f"{how}; {told}",
        ),
        Figure(
            name=f"of the first N listed, N labels being swapped, are swapped, {each.name}",
            measured=100 * float(np.mean(hits)),
            unit="%",
            at_least=50,
            note=how,
        ),
        Figure(
            name=f"called likely with no label swapped, {each.name}",
            measured=float(max(by_chance)),
            unit="photographs",
            at_most=5,
            note=f"the most of {len(SEEDS)} seeds, {len(_rows(each, 0))} photographs",
        ),
    ]


def _problem(each: Photographs, rows: NDArray[np.int64]) -> Problem:
    return Problem(
        coordinates=principal_of(each.features, rows).coordinates,
        labels=each.labels[rows],
        weights=np.ones(len(rows)),
        num_classes=len(each.classes),
    )


def _of_strangers(each: Photographs, sets: list[Photographs]) -> Iterator[Figure]:
    rows = _rows(each, 0)
    labels = each.labels[rows].astype(np.int64)
    nearest = find_nearest(_compared(each, rows), labels, np.arange(len(rows)), num_classes=len(each.classes), seed=0)
    strangers = tell_strangers(nearest, labels, each.classes)
    if strangers is not None:
        yield Figure(
            name=f"AUROC of a class left out against the others, {each.name}",
            measured=strangers.auroc,
            unit="",
            note=f"fails at {strangers.hardest}: {strangers.hardest_auroc:.2f}; {strangers.caught:.0%} caught at 5 %",
        )
    test = np.setdiff1d(np.arange(len(each.labels)), rows)
    for other in sets:
        if other.name != each.name:
            yield _told_in_use(each, rows, test, other)


def _compared(each: Photographs, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    return units(each.features[rows], standard_of(each.features, rows)[1])


def _told_in_use(each: Photographs, rows: NDArray[np.int64], test: NDArray[np.int64], other: Photographs) -> Figure:
    """Show what is delivered photographs of another set."""
    known = Known(
        features=each.features[rows],
        labels=each.labels[rows],
        groups=np.arange(len(rows)),
        has_learnt_from=np.zeros(len(rows), bool),
    )
    likeness = learn_likeness(known, seed=0)
    if likeness is None:
        raise AssertionError("the sets are large enough for a limit")
    own, far = (np.array(likeness.distances(values)) for values in (each.features[test], other.features))
    above = [f"{(values > likeness.limit).mean():.0%}" for values in (own, far)]
    return Figure(
        name=f"AUROC of photographs of {other.name} against own test photographs, {each.name}",
        measured=float(roc_auc_score([0] * len(own) + [1] * len(far), np.concatenate([own, far]))),
        unit="",
        note=f"called unlike: {above[1]} of {len(far)} strangers, {above[0]} of {len(own)} own; "
        f"{len(likeness.references)} references",
    )


def _of_growth(each: Photographs) -> Figure:
    """Hold what half of the photographs promise for twice as many against what all of them reach."""
    rows = _rows(each, 0)
    half = np.sort(np.random.default_rng(0).permutation(rows)[: len(rows) // 2])
    growth = _growth(each, half)
    reached = _fit(each, each.labels, rows).judged.accuracy
    low, high = growth.doubled.interval
    return Figure(
        name=f"accuracy expected of twice as many less the accuracy reached, {each.name}",
        measured=100 * (growth.doubled.accuracy - reached),
        unit="points",
        note=f"{len(half)} photographs promise {low:.1%} to {high:.1%}, {len(rows)} reach {reached:.1%}",
    )


def _growth(each: Photographs, rows: NDArray[np.int64]) -> Growth:
    fit = _fit(each, each.labels, rows)
    growth = learning_curve(
        GrowthData(
            problem=_problem(each, rows),
            groups=np.arange(len(rows)),
            strength=fit.judged.strength,
            right=fit.out_of_fold.right,
            taken_for=fit.out_of_fold.logits.argmax(axis=1),
            classes=each.classes,
            seed=0,
        )
    )
    if growth is None:
        raise AssertionError("the sets are small enough for a learning curve")
    return growth


def _of_time(each: Photographs) -> Figure:
    rows = np.arange(len(each.labels))
    fit = _fit(each, each.labels, rows)
    started = time.process_time()
    given = fit.out_of_fold.probabilities(fit.head.temperature or 1.0)
    num_likely(given, each.labels)
    problem = _problem(each, rows)
    nearest = find_nearest(_compared(each, rows), each.labels, rows, num_classes=len(each.classes), seed=0)
    tell_strangers(nearest, each.labels, each.classes)
    learning_curve(
        GrowthData(
            problem=problem,
            groups=rows,
            strength=fit.judged.strength,
            right=fit.out_of_fold.right,
            taken_for=given.argmax(axis=1),
            classes=each.classes,
            seed=0,
        )
    )
    return Figure(
        name="processor time of suspects, strangers and learning curve",
        measured=time.process_time() - started,
        unit="s",
        at_most=8,
        note=f"{len(rows)} photographs of {len(each.classes)} classes, one thread",
    )
