"""What fine-tuning gives on the test split, and which search of its recipes finds the most in equal time."""

import math
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from scipy.stats import t

from benchmarks.figure import Figure
from benchmarks.material import dataset, dataset_names, weights_mirror
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
UNFREEZING_SEEDS = range(3)
EPOCHS = 10
ATTEMPT_S = 120.0
"""Time for a first attempt: more than it is worth beside a job of minutes, so that every set is asked."""
SEARCHED_NETWORK = "mobilenet_0.25"
"""Small, so that a search tries many recipes in a short time."""
SEARCH_S = 10.0
_MOST_TRIALS = 100


def measure_unfreezing(scratch: Path, name: str) -> list[Figure]:
    """Fine-tune below the fitted head of one network on one set, at some seeds, with time enough for attempts.

    Args:
        scratch: Folder for what is computed.
        name: Of the set.
    """
    gains, seconds, kept, depths = [], [], 0, []
    for seed in UNFREEZING_SEEDS:
        run = scratch_run(scratch / f"unfreezing-{name}-{seed}", seed=seed)
        prepared, usable = _material(name, run, seed)
        accuracies = []
        for epochs in (0, EPOCHS):
            screening = screen(prepared.learning, usable, run, HeadPlan(levels=LevelChoice.AUTO, epochs=EPOCHS))
            started = time.monotonic()
            plan = TunePlan(epochs=epochs, trials=1, search=TuneSearch.RECIPE, views=2, attempt_s=ATTEMPT_S)
            trained = tune(prepared.learning, screening, run, plan)
            seconds.append(time.monotonic() - started)
            depths.append(0 if trained.unfreezing is None else len(trained.unfreezing.depths))
            kept += int(trained.tail_weights is not None)
            accuracies.append(_test_accuracy(prepared, trained, run))
        gains.append(100 * (accuracies[1] - accuracies[0]))
    took = statistics.mean(seconds[1::2]) - statistics.mean(seconds[::2])
    note = (
        f"{NETWORK}, {len(UNFREEZING_SEEDS)} seeds, {sum(depths)} depths tried, kept in {kept}; "
        f"took {took:.0f} s more; {_spread(gains)}"
    )
    figure = Figure(name=f"fine-tuning below a fitted head, {name}: gain on the test", measured=statistics.mean(gains),
                    unit="points", note=note)  # fmt: skip
    return [figure]


def measure_search(scratch: Path) -> list[Figure]:
    """Search recipes of fine-tuning for equal times on every set, at five seeds, each beside the default recipe alone.

    Args:
        scratch: Folder for what is computed.
    """
    names = dataset_names()
    found = {name: [_searched(scratch / f"search-{name}-{seed}", name, seed) for seed in SEEDS] for name in names}
    return [_beside_recipe(search, found) for search in TuneSearch if search is not TuneSearch.RECIPE]


def _searched(scratch: Path, name: str, seed: int) -> dict[TuneSearch, float]:
    """Return the test accuracy that each search comes to from one screened network."""
    run = scratch_run(scratch, seed=seed)
    prepared, usable = _material(name, run, seed, network=SEARCHED_NETWORK)
    screening = screen(prepared.learning, usable, run, HeadPlan(levels=LevelChoice.SEARCHED, epochs=20))
    assert screening.store is not None
    network = screening.store.network
    screened = network.read_tail()
    accuracies = {}
    for search in TuneSearch:
        network.load_tail(screened)
        timed = replace(run, stop_reason=partial(_stop_reason, time.monotonic() + SEARCH_S))
        plan = TunePlan(epochs=EPOCHS, trials=_MOST_TRIALS, search=search, views=2, searches_levels=True)
        trained = tune(prepared.learning, screening, timed, plan)
        accuracies[search] = _test_accuracy(prepared, trained, run)
    return accuracies


def _stop_reason(ends: float) -> str | None:
    return "budget" if time.monotonic() > ends else None


def _beside_recipe(search: TuneSearch, found: Mapping[str, Sequence[Mapping[TuneSearch, float]]]) -> Figure:
    gains = {name: [100 * (one[search] - one[TuneSearch.RECIPE]) for one in each] for name, each in found.items()}
    every = [gain for each in gains.values() for gain in each]
    by_set = ", ".join(f"{name} {statistics.mean(each):+.1f}" for name, each in gains.items())
    is_sure = abs(statistics.mean(every)) > _half_interval(every)
    return Figure(
        name=f"search of recipes: {search.value} beside the default recipe, test accuracy",
        measured=statistics.mean(every),
        unit="points",
        note=f"{SEARCHED_NETWORK}, {SEARCH_S:.0f} s each, {len(SEEDS)} seeds; {by_set}; {_spread(every)}: the "
        f"difference is {'' if is_sure else 'not '}larger than its interval",
    )


def _half_interval(gains: Sequence[float]) -> float:
    """Return half the 95 % interval of a mean of paired differences, by Student's distribution."""
    return float(t.ppf(0.975, len(gains) - 1)) * statistics.stdev(gains) / math.sqrt(len(gains))


def _spread(gains: Sequence[float]) -> str:
    """Return the 95 % interval of a mean of paired differences, in words."""
    half, mean = _half_interval(gains), statistics.mean(gains)
    return f"95 % interval {mean - half:+.1f} to {mean + half:+.1f} points"


def _material(name: str, run: Run, seed: int, network: str = NETWORK) -> tuple[Dataset, Usable]:
    archive = dataset(name)
    usable = resolve([network], mirror=FolderMirror(weights_mirror()), allow_download=False).usable
    sizes_px = [backbone.input_px for backbone, _ in usable]
    return prepare(archive, run, key=identify(archive, JobOptions(seed=seed)), sizes_px=sizes_px), usable


def _test_accuracy(prepared: Dataset, trained: Trained, run: Run) -> float:
    return score(prepared.learning, prepared.seal(), trained, run).evaluation.scores.accuracy
