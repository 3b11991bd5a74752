"""convtailor beside the stock Keras way: same photographs, split, weights, epochs and machine, in one run."""

import hashlib
import json
import os
import statistics
import tempfile
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import stock as stock_program
from benchmarks.figure import Figure
from benchmarks.material import dataset, enlarged, weights_mirror
from benchmarks.product_run import run_product, run_program
from benchmarks.scratch_run import scratch_run
from services.trainer.data.prepare import identify, prepare
from services.trainer.zoo.catalogue import BACKBONES
from shared.job.options import JobOptions

CANDIDATES = ("mobilenet_0.25", "mobilenet_v2")
TUNE_EPOCHS = 10
EPOCHS = 10
NUM_RUNS = 3
KEPT = Path(__file__).parent.parent / "build" / "benchmarks"
"""Where accuracies of the stock program are kept between runs."""
SEEDS = (0, 1, 2, 3, 4)
_SEED_NAMES = ", ".join(map(str, SEEDS))
DATASETS = ("clothing10", "face_mask", "sign_digits")
_WORK = f"{EPOCHS} + {TUNE_EPOCHS} epochs the stock way, default options here"


def measure_screening(scratch: Path) -> list[Figure]:
    """Time features and heads against the frozen base in the loop, after imports, at 10 and 30 epochs."""
    archive = dataset("clothing10")
    figures = []
    for epochs, target in ((10, 5.0), (30, 12.0)):
        command = ["-m", "benchmarks.screening_run", str(archive), "--candidates", ",".join(CANDIDATES)]
        ours = run_program([*command, "--epochs", str(epochs)])
        stock = _stock(archive, scratch, epochs=epochs, tune_epochs=0, seed=0)
        note = f"{stock['screen_s']:.1f} s against {ours['screen_s']:.1f} s, clothing10, both backbones"
        figures.append(Figure(name=f"screening, {epochs} epochs", measured=stock["screen_s"] / ours["screen_s"],
                              unit="×", at_least=target, note=note))  # fmt: skip
    return figures


def measure_whole_run(scratch: Path) -> list[Figure]:
    """Time the whole `convtailor run` against the whole stock program, in turn: seconds of a shared machine vary."""
    archive = dataset("clothing10")
    ratios, seconds = [], []
    for number in range(NUM_RUNS):
        ours = _ours(archive, scratch / f"run_{number}", 0)["total_s"]
        stock = _stock_whole(archive, scratch, 0)["total_s"]
        ratios.append(stock / ours)
        seconds.append(f"{stock:.1f} s against {ours:.1f} s")
    return [
        Figure(name="`convtailor run`, 600 images", measured=statistics.median(ratios), unit="×", at_least=4.5,
               note=f"median of {NUM_RUNS} pairs in turn: {', '.join(seconds)}; {_WORK}")
    ]  # fmt: skip


def measure_accuracy(scratch: Path) -> list[Figure]:
    """Compare the accuracy on the test split, on three data sets: the 90 test images of one would prove little."""
    figures, differences = [], []
    for name in DATASETS:
        archive = dataset(name)
        pairs = [(_ours(archive, scratch, seed), _stock_accuracy(archive, scratch, seed)) for seed in SEEDS]
        gains = [100 * (mine["test_accuracy"] - theirs["test_accuracy"]) for mine, theirs in pairs]
        by_seed = ", ".join(f"{mine['test_accuracy']:.3f}/{theirs['test_accuracy']:.3f}" for mine, theirs in pairs)
        error = statistics.stdev(gains) / len(gains) ** 0.5
        differences.append(statistics.mean(gains))
        what = f"test accuracy on {name}, ours less stock"
        figures.append(Figure(name=what, measured=differences[-1], unit="points", at_least=round(-error, 2),
                              note=f"standard error {error:.1f}; seeds {_SEED_NAMES}: {by_seed}"))  # fmt: skip
    mean = Figure(name="test accuracy, ours less stock", measured=statistics.mean(differences), unit="points",
                  at_least=4, note=f"mean of {', '.join(DATASETS)} and of {len(SEEDS)} seeds each")  # fmt: skip
    return [*figures, mean]


def measure_large_run(scratch: Path) -> list[Figure]:
    """Do the same on more photographs, for time only: they are crops of fewer, so their accuracy means nothing."""
    archive = enlarged(dataset("clothing10"), scratch / "photos_2500.zip", num_images=2500)
    ours, stock = _ours(archive, scratch, 0), _stock_whole(archive, scratch, 0)
    return [
        Figure(name="`convtailor run`, 2,500 images", measured=stock["total_s"] / ours["total_s"], unit="×", at_least=7,
               note=f"{stock['total_s']:.1f} s against {ours['total_s']:.1f} s, {_WORK}; crops of clothing10")
    ]  # fmt: skip


def _ours(archive: Path, scratch: Path, seed: int) -> dict[str, Any]:
    """Run the command as a person would; everything it does counts."""
    out = scratch / f"results_{archive.stem}_{seed}"
    environ = {**os.environ, "CONVTAILOR_WEIGHTS": str(weights_mirror())}
    return run_product(archive, out, ["--candidates", ",".join(CANDIDATES), "--seed", str(seed)], environ)


def _stock_whole(archive: Path, scratch: Path, seed: int) -> dict[str, Any]:
    return _stock(archive, scratch, epochs=EPOCHS, tune_epochs=TUNE_EPOCHS, seed=seed)


def _stock_accuracy(archive: Path, scratch: Path, seed: int) -> dict[str, Any]:
    """Return what the stock program came to with this plan: run once and kept, since a seed makes it repeatable.

    Nothing of the product enters but the split. Seconds are never taken from here.
    """
    with tempfile.TemporaryDirectory() as directory:
        plan = _plan(archive, scratch, Path(directory), seed=seed) | {"epochs": EPOCHS, "tune_epochs": TUNE_EPOCHS}
        told = [
            repr(plan).replace(str(scratch), ""),
            Path(stock_program.__file__).read_text(),
            version("keras"),
        ]
        kept = KEPT / f"stock_{hashlib.sha256(repr(told).encode()).hexdigest()[:16]}.json"
        if not kept.exists():
            report = _run_stock(plan, Path(directory))
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(json.dumps({"test_accuracy": report["test_accuracy"]}))
        return dict(json.loads(kept.read_text()))


def _stock(archive: Path, scratch: Path, *, epochs: int, tune_epochs: int, seed: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as directory:
        plan = _plan(archive, scratch, Path(directory), seed=seed)
        return _run_stock(plan | {"epochs": epochs, "tune_epochs": tune_epochs}, Path(directory))


def _run_stock(plan: dict[str, Any], directory: Path) -> dict[str, Any]:
    """Run the stock program; its seconds include its imports."""
    path = directory / "plan.json"
    path.write_text(json.dumps(plan | {"directory": str(directory)}))
    return run_program(["-m", "benchmarks.stock", str(path)])


def _plan(archive: Path, scratch: Path, directory: Path, *, seed: int) -> dict[str, Any]:
    """Return what the stock program has to know: our split of the extracted photographs, and the same weights."""
    folder = scratch / f"photos_of_{archive.stem}"
    if not folder.exists():
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(folder)
    run = scratch_run(directory, seed=seed)
    key = identify(archive, JobOptions(seed=seed))
    prepared = prepare(archive, run, key=key, sizes_px=(BACKBONES[CANDIDATES[0]].input_px,))
    splits = {
        name: [(str(folder / prepared.paths[place]), int(prepared.labels[place])) for place in positions]
        for name, positions in (
            ("train", prepared.split.train),
            ("validation", prepared.split.validation),
            ("test", prepared.split.test),
        )
    }  # fmt: skip
    return {
        "splits": splits, "classes": prepared.classes, "candidates": [_recipe(name) for name in CANDIDATES],
        "seed": seed,
    }  # fmt: skip


def _recipe(name: str) -> dict[str, Any]:
    """Return what the stock program has to know of a row."""
    row = BACKBONES[name]
    return {
        "name": name, "constructor": row.constructor, "arguments": dict(row.arguments), "input_px": row.input_px,
        "cut_layer": row.cut_layer, "weights": str(weights_mirror() / row.weights_file),
    }  # fmt: skip
