"""What racing saves and what it costs: passes over the photographs against accuracy on the test split."""

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from benchmarks.figure import Figure
from benchmarks.heads import SideBySide
from benchmarks.material import dataset, dataset_names, enlarged, weights_mirror
from benchmarks.scratch_run import scratch_run
from benchmarks.splits import splits
from services.trainer.data.dataset import Dataset, Indices, LearningSet
from services.trainer.data.prepare import identify, prepare
from services.trainer.run.context import Run
from services.trainer.run.memory import give_back
from services.trainer.screening.candidate import OpenStore, features_directory, open_store
from services.trainer.screening.features import FeatureStore, learning_rows
from services.trainer.screening.fit import HeadPlan
from services.trainer.screening.forward import batch_size_for
from services.trainer.screening.screen import Screening, Usable, screen
from services.trainer.zoo.backbone import Backbone
from services.trainer.zoo.catalogue import BACKBONES
from services.trainer.zoo.network import build
from services.trainer.zoo.sources.mirror import FolderMirror
from services.trainer.zoo.sources.weights import WeightsFile, resolve
from shared.job.job import TrialState
from shared.job.options import JobOptions, LevelChoice
from shared.process.memory_limit import memory_bytes
from tools.sizes_page import FIRST_FIVE

_FIVE = sorted((BACKBONES[name] for name in FIRST_FIVE), key=lambda row: row.gflops)
_NUM_MANY = 2500
SEEDS = range(5)
_PLAN = HeadPlan(levels=LevelChoice.AUTO, epochs=20)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """One split, with and without the race."""

    regret: float
    same_winner: bool
    spared: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _BarePass:
    """Processor time to build and compile a plain network, and to send every image through it, in seconds."""

    build_s: float
    pass_s: float


def measure_cost(scratch: Path) -> list[Figure]:
    """Compare the screening of the founding five on clothing10, and on many crops of it, with one bare pass of all.

    Random weights cost what others do. Networks are built and compiled on both sides. What counts is processor time,
    all threads together, since both compute alone and other load is then no matter. Bare passes of many photographs
    are reckoned from those of few: an image costs what it costs.
    """
    run = _large_run(scratch / "cost")
    few = _prepared(dataset("clothing10"), run)
    passes = []
    for row in _FIVE:
        passes.append(_bare_pass(row, np.array(few.images(row.input_px))))
        give_back()
    many_run = _large_run(scratch / "cost-of-many")
    many = _prepared(enlarged(dataset("clothing10"), scratch / "photos_2500.zip", num_images=_NUM_MANY), many_run)
    return [
        _cost(few, run, passes, few.num_images, racing=True),
        _cost(few, run, passes, few.num_images, racing=False),
        _cost(many, many_run, passes, few.num_images, racing=True),
    ]


def _large_run(folder: Path) -> Run:
    """Return a run that knows how much memory there is, as those of a job do."""
    return replace(scratch_run(folder), memory_bytes=memory_bytes())


def _prepared(archive: Path, run: Run) -> Dataset:
    key = identify(archive, JobOptions())
    return prepare(archive, run, key=key, sizes_px=sorted({row.input_px for row in _FIVE}))


def _cost(prepared: Dataset, run: Run, passes: Sequence[_BarePass], num_passed: int, *, racing: bool) -> Figure:
    keras.utils.set_random_seed(0)
    bare_s = sum(each.build_s + each.pass_s * prepared.num_images / num_passed for each in passes)
    started = time.process_time()
    found = screen(prepared.learning, [(row, None) for row in _FIVE], run, _PLAN, racing=racing)
    seconds = time.process_time() - started
    done = [each.name for each in found.candidates if each.state is TrialState.DONE and each.name in FIRST_FIVE]
    note = (
        f"{seconds:.0f} s of processor time against {bare_s:.0f} s, random weights; building, fitting and combining "
        f"included; {', '.join(done)} ran to the end"
    )
    kind = "racing" if racing else "exhaustive"
    name = f"screening of the founding five, {kind}, {prepared.num_images:,} images, of one bare pass"
    return Figure(name=name, measured=seconds / bare_s, unit="×", at_most=0.35 if racing else 1.1, note=note)


def _bare_pass(row: Backbone, images: np.ndarray) -> _BarePass:
    """Build a plain network, compile it and send every image through it."""
    started = time.process_time()
    network = build(row, None)
    size = batch_size_for(network)

    def plain(pixels: tf.Tensor) -> tf.Tensor:
        return network.tail(network.trunk(tf.cast(pixels, tf.float32), training=False), training=False)

    bare = tf.function(plain, input_signature=[tf.TensorSpec((None, *images.shape[1:]), tf.uint8)])
    bare(tf.constant(images[:1])).numpy()
    built = time.process_time()
    for at in range(0, len(images), size):
        bare(tf.constant(images[at : at + size])).numpy()
    return _BarePass(build_s=built - started, pass_s=time.process_time() - built)


def measure_regret(scratch: Path) -> list[Figure]:
    """Screen every set at five seeds with the race and without, from the same features, and read the test splits.

    All networks race that there are weights of, then the lightest against the heaviest alone: the latter has to be
    surely better before its last pass.
    """
    found = resolve(tuple(BACKBONES), mirror=FolderMirror(weights_mirror()), allow_download=False).usable
    usable = sorted(found, key=lambda pair: pair[0].gflops)
    fields = {
        "regret of racing": usable,
        "regret of racing, the lightest against the heaviest": [usable[0], usable[-1]],
    }
    pairs = {name: _pairs(dataset(name), usable, list(fields.values()), scratch) for name in dataset_names()}
    return [
        _regret(title, field, {name: found[place] for name, found in pairs.items()})
        for place, (title, field) in enumerate(fields.items())
    ]


def _regret(title: str, field: Usable, pairs: Mapping[str, Sequence[_Pair]]) -> Figure:
    every = [pair for found in pairs.values() for pair in found]
    regrets = [100 * pair.regret for pair in every]
    error = statistics.stdev(regrets) / len(regrets) ** 0.5
    means = {name: 100 * statistics.mean(pair.regret for pair in found) for name, found in pairs.items()}
    by_set = ", ".join(f"{name} {mean:+.2f}" for name, mean in means.items())
    note = (
        f"test accuracy of an exhaustive screening less that of a race, mean of {by_set}; standard error {error:.2f}; "
        f"{len(SEEDS)} seeds each; {', '.join(row.name for row, _ in field)}; the same winner in "
        f"{sum(pair.same_winner for pair in every)} of {len(every)}; the race spared "
        f"{statistics.mean(pair.spared for pair in every):.0%} of the passes' operations"
    )
    return Figure(name=title, measured=statistics.mean(regrets), unit="points", at_most=0.5, note=note)


def _pairs(archive: Path, usable: Usable, fields: Sequence[Usable], scratch: Path) -> list[list[_Pair]]:
    """Race and screen on every split of a set, field by field."""
    folder = scratch / f"regret-{archive.stem}"
    pairs: list[list[_Pair]] = [[] for _ in fields]
    for seed, (prepared, stores) in zip(SEEDS, splits(archive, usable, folder, seeds=SEEDS, fill=_fill), strict=True):
        for place, field in enumerate(fields):
            run = scratch_run(folder / f"{seed}-heads-{place}", seed=seed)
            pairs[place].append(_pair(prepared, field, run, stores))
    return pairs


def _fill(store: FeatureStore, rows: Indices) -> None:
    store.compute(rows)
    store.slim()


def _pair(prepared: Dataset, usable: Usable, run: Run, known: Mapping[str, FeatureStore]) -> _Pair:
    reuse = _from_known(known)
    raced, exhaustive = (
        screen(prepared.learning, usable, run, _PLAN, racing=racing, open_store=reuse) for racing in (True, False)
    )
    return _Pair(
        regret=_test_accuracy(prepared, exhaustive, known) - _test_accuracy(prepared, raced, known),
        same_winner=raced.winner.name == exhaustive.winner.name,
        spared=1 - _operations(raced, usable, prepared) / _operations(exhaustive, usable, prepared),
    )


def _from_known(known: Mapping[str, FeatureStore]) -> OpenStore:
    """Return what opens stores that have everything in them already; a screening may discard them."""

    def reuse(learning: LearningSet, run: Run, row: Backbone, weights: WeightsFile | None) -> FeatureStore:
        if row.parts:
            return open_store(learning, run, row, weights)
        whole = known[row.name]
        store = FeatureStore(
            None,
            learning.images(row.input_px),
            features_directory(run, row),
            max_activation_bytes=0,
            rebuild=lambda: whole.network,
            backbone=row,
        )
        store.take_over([whole], np.arange(len(learning.labels)))
        return store

    return reuse


def _operations(found: Screening, usable: Usable, prepared: Dataset) -> float:
    """Return billions of operations of all images that went through all candidates."""
    gflops = {row.name: row.gflops for row, _ in usable}
    num_all = len(learning_rows(prepared.learning))
    passed = {
        each.name: num_all if each.state is TrialState.DONE else each.foretold.num_images if each.foretold else 0
        for each in found.candidates
        if each.name in gflops
    }
    return sum(gflops[name] * num_images for name, num_images in passed.items())


def _test_accuracy(prepared: Dataset, found: Screening, known: Mapping[str, FeatureStore]) -> float:
    """Return how many of the test split the winner's head reads rightly."""
    parts = [known[part.name] for part in (found.winner.parts or (found.winner,))]
    source = SideBySide(tuple(parts)) if found.winner.parts else parts[0]
    rows = prepared.split.test
    predicted = found.head.logits(source.read_by(found.head.reading)[rows]).argmax(axis=1)
    return float((predicted == prepared.labels[rows]).mean())
