"""Whether cut-outs of photographs are worth learning from beside the whole: cross-validation, before any test.

A cut-out of every photograph, and another, each with its mirror image, go through the network once and become further
images of the fit; folds hold out a photograph with all its cut-outs, and whole photographs alone are judged.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from threadpoolctl import threadpool_limits

from benchmarks.figure import Figure
from benchmarks.heads import DATASETS
from benchmarks.material import dataset, weights_mirror
from benchmarks.scratch_run import scratch_run
from services.trainer.data.dataset import Images, Indices
from services.trainer.data.prepare import identify, prepare
from services.trainer.fitting.convex import STRENGTHS
from services.trainer.fitting.folds import deal_folds
from services.trainer.fitting.logistic import Problem, Solution, solve
from services.trainer.fitting.out_of_fold import OutOfFold
from services.trainer.fitting.principal import principal_of
from services.trainer.fitting.standard import class_weights
from services.trainer.screening.features import learning_rows, mirrored
from services.trainer.screening.forward import Forward, compile_forward
from services.trainer.zoo.combination.joined import assemble
from services.trainer.zoo.head import Floats
from services.trainer.zoo.sources.mirror import FolderMirror
from services.trainer.zoo.sources.weights import resolve
from shared.job.options import JobOptions

NETWORK = "mobilenet_v2"
SEEDS = range(2)
NUM_CROPS = 2
LEAST_SIDE, MOST_SIDE = 0.75, 0.95
_BATCH = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """What may be learnt from, at one seed."""

    rows: Indices
    labels: np.ndarray
    folds: np.ndarray
    num_classes: int


def measure(scratch: Path) -> list[Figure]:
    """Judge heads with and without cut-outs on three sets."""
    return [_of(name, scratch / name) for name in DATASETS]


def _of(name: str, scratch: Path) -> Figure:
    archive = dataset(name)
    ((row, weights),) = resolve([NETWORK], mirror=FolderMirror(weights_mirror()), allow_download=False).usable
    forward = compile_forward(assemble(row, weights))
    whole: dict[int, Floats] = {}
    crops: list[dict[int, Floats]] = []
    losses, accuracies = [], []
    for seed in SEEDS:
        run = scratch_run(scratch / str(seed), seed=seed)
        found = prepare(archive, run, key=identify(archive, JobOptions(seed=seed)), sizes_px=[row.input_px])
        if not whole:
            images = found.learning.images(row.input_px)
            whole, *crops = [_views(forward, images, place) for place in range(NUM_CROPS + 1)]
        rows = learning_rows(found.learning)
        labels = found.labels[rows]
        folds = deal_folds(labels, found.groups[rows], seed=seed)
        split = Split(rows=rows, labels=labels, folds=folds, num_classes=len(found.classes))
        single, both = (judge(split, [whole[views]]) for views in (1, 2))
        views, without = (2, both) if both.loss.mean() < single.loss.mean() else (1, single)
        with_crops = judge(split, [whole[views], *(each[views] for each in crops)])
        losses.append((without.loss - with_crops.loss).mean())
        accuracies.append(100 * float(with_crops.right.mean() - without.right.mean()))
        error = without.standard_error(without.loss - with_crops.loss)
    note = (
        f"cross-validated, {NETWORK}, seeds {', '.join(map(str, SEEDS))}; standard error of one seed {error:.3f}; "
        f"accuracy {statistics.mean(accuracies):+.1f} points; {NUM_CROPS + 1} times as many passes"
    )
    return Figure(name=f"log loss less where {NUM_CROPS} cut-outs of each photograph are learnt from too, {name}",
                  measured=float(statistics.mean(losses)), unit="nats", note=note)  # fmt: skip


def _views(forward: Forward, images: Images, place: int) -> dict[int, Floats]:
    """Return what a network makes of all photographs, or of cut-outs of them, by views as heads read them."""
    singles, boths = [], []
    generator = np.random.default_rng(place)
    for start in range(0, len(images), _BATCH):
        squares = np.asarray(images[start : start + _BATCH])
        if place:
            squares = np.stack([_cut_out(square, generator) for square in squares])
        single = forward(squares)[1]
        singles.append(single)
        boths.append((single + forward(mirrored(squares))[1]) / 2)
    return {1: np.concatenate(singles), 2: np.concatenate(boths)}


def _cut_out(square: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    px = len(square)
    side = generator.uniform(LEAST_SIDE, MOST_SIDE) * px
    left, top = generator.uniform(0, px - side, 2)
    picture = Image.fromarray(square).resize(
        (px, px), Image.Resampling.BILINEAR, box=(left, top, left + side, top + side)
    )
    return np.asarray(picture)


def judge(split: Split, inputs: Sequence[Floats]) -> OutOfFold:
    """Return the answers of cross-validation at the best strength.

    Args:
        split: See there.
        inputs: What is read of all photographs as they are judged, then of what else is learnt from.
    """
    num_images = len(split.rows)
    labels = np.tile(split.labels, len(inputs))
    folds = np.tile(split.folds, len(inputs))
    values = np.concatenate([each[split.rows] for each in inputs])
    best: OutOfFold | None = None
    with threadpool_limits(limits=1, user_api="blas"):
        principal = principal_of(values, np.arange(len(values)))
        weights = class_weights(split.labels, split.num_classes).astype(np.float64)[labels]
        problem = Problem(
            coordinates=principal.coordinates, labels=labels, weights=weights, num_classes=split.num_classes
        )
        solutions: dict[int, Solution] = {}
        for strength in STRENGTHS:
            logits = np.zeros((num_images, split.num_classes), np.float32)
            for fold in np.unique(split.folds).tolist():
                solutions[fold] = solve(problem.of(folds != fold), strength, solutions.get(fold))
                judged = np.flatnonzero(split.folds == fold)
                logits[judged] = solutions[fold].logits(principal.coordinates[judged])
            answers = OutOfFold(rows=split.rows, labels=split.labels, logits=logits, num_independent=float(num_images))
            if best is not None and answers.loss.mean() > best.loss.mean():
                break
            best = answers
    assert best is not None
    return best
