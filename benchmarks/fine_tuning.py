"""What fine-tuning gives on the test split, and which search of its recipes finds the most in equal time."""

import math
import statistics
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.material import dataset, weights_mirror
from benchmarks.scratch_run import scratch_run
from services.trainer.data.dataset import Dataset
from services.trainer.data.prepare import identify, prepare
from services.trainer.run.context import Run
from services.trainer.screening.fit import HeadPlan
from services.trainer.screening.screen import Usable, screen
from services.trainer.training.scoring import score
from services.trainer.tuning.tune import Trained, TunePlan, tune
from services.trainer.zoo.sources.mirror import FolderMirror
from services.trainer.zoo.sources.weights import resolve
from shared.job.options import JobOptions, LevelChoice, TuneSearch

NETWORK = "mobilenet_v2"
SEEDS = range(5)
EPOCHS = 10
SEARCH_S = 60.0
_MOST_TRIALS = 100
_T_95 = {4: 2.776, 9: 2.262, 14: 2.145}
"""Student's quantile for a two-sided 95 % interval, by degrees of freedom."""


def measure_unfreezing(scratch: Path, name: str) -> list[Figure]:
    """Fine-tune below the fitted head of one network on one set, at five seeds.

    Args:
        scratch: Folder for what is computed.
        name: Of the set.
    """
    gains, seconds, kept = [], [], 0
    for seed in SEEDS:
        run = scratch_run(scratch / f"unfreezing-{name}-{seed}", seed=seed)
        prepared, usable = _material(name, run, seed)
        accuracies = []
        for epochs in (0, EPOCHS):
            screening = screen(prepared.learning, usable, run, HeadPlan(levels=LevelChoice.AUTO, epochs=EPOCHS))
            started = time.monotonic()
            plan = TunePlan(epochs=epochs, trials=1, search=TuneSearch.RECIPE, views=2)
            trained = tune(prepared.learning, screening, run, plan)
            seconds.append(time.monotonic() - started)
            kept += int(trained.tail_weights is not None)
            accuracies.append(_test_accuracy(prepared, trained, run))
        gains.append(100 * (accuracies[1] - accuracies[0]))
    took = statistics.mean(seconds[1::2]) - statistics.mean(seconds[::2])
    note = f"{NETWORK}, {len(SEEDS)} seeds, kept in {kept}; took {took:.0f} s more; {_spread(gains)}"
    figure = Figure(name=f"fine-tuning below a fitted head, {name}: gain on the test", measured=statistics.mean(gains),
                    unit="points", note=note)  # fmt: skip
    return [figure]


def measure_search(scratch: Path, name: str) -> list[Figure]:
    """Search recipes of fine-tuning for equal times on one set, at five seeds, each beside the default recipe alone.

    Args:
        scratch: Folder for what is computed.
        name: Of the set.
    """
    accuracies: dict[TuneSearch, list[float]] = {search: [] for search in TuneSearch}
    for seed in SEEDS:
        run = scratch_run(scratch / f"search-{name}-{seed}", seed=seed)
        prepared, usable = _material(name, run, seed)
        for search in TuneSearch:
            screening = screen(prepared.learning, usable, run, HeadPlan(levels=LevelChoice.LAST, epochs=20))
            ends = time.monotonic() + SEARCH_S
            timed = replace(run, stop_reason=partial(_stop_reason, ends))
            plan = TunePlan(epochs=EPOCHS, trials=_MOST_TRIALS, search=search)
            trained = tune(prepared.learning, screening, timed, plan)
            accuracies[search].append(_test_accuracy(prepared, trained, run))
    return [_beside_recipe(name, search, accuracies) for search in TuneSearch if search is not TuneSearch.RECIPE]


def _stop_reason(ends: float) -> str | None:
    return "budget" if time.monotonic() > ends else None


def _beside_recipe(name: str, search: TuneSearch, accuracies: Mapping[TuneSearch, list[float]]) -> Figure:
    pairs = zip(accuracies[search], accuracies[TuneSearch.RECIPE], strict=True)
    gains = [100 * (one - other) for one, other in pairs]
    return Figure(
        name=f"search of recipes, {name}: {search.value} beside the default recipe",
        measured=statistics.mean(gains),
        unit="points",
        note=f"{NETWORK}, {SEARCH_S:.0f} s each, {len(SEEDS)} seeds; {_spread(gains)}",
    )


def _spread(gains: list[float]) -> str:
    """Return the 95 % interval of a mean of paired differences, in words."""
    half = _T_95[len(gains) - 1] * statistics.stdev(gains) / math.sqrt(len(gains))
    mean = statistics.mean(gains)
    return f"95 % interval {mean - half:+.1f} to {mean + half:+.1f} points"


def _material(name: str, run: Run, seed: int) -> tuple[Dataset, Usable]:
    archive = dataset(name)
    usable = resolve([NETWORK], mirror=FolderMirror(weights_mirror()), allow_download=False).usable
    sizes_px = [backbone.input_px for backbone, _ in usable]
    return prepare(archive, run, key=identify(archive, JobOptions(seed=seed)), sizes_px=sizes_px), usable


def _test_accuracy(prepared: Dataset, trained: Trained, run: Run) -> float:
    return score(prepared.learning, prepared.seal(), trained, run).evaluation.scores.accuracy
