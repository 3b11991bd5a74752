"""Peak memory against its bounds: of reports on many classes, and of trainings, each in a process of its own."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.material import dataset, enlarged
from benchmarks.product_run import run_program
from services.trainer.run.memory import training_bytes
from services.trainer.zoo.catalogue import BACKBONES
from tests.many_classes import report_on
from tools.sizes_page import FIRST_FIVE, PEAKS_FILE, known_peaks

NUM_OF_EACH = 36
"""For whole trainings: some batches of every kind; more of them take no more, which is measured."""
NUM_OF_MORE = 397
"""Eleven times as many; what learns of them makes five batches of 64."""
NUM_OF_DEEP = 160
"""What learns of them makes two batches; all at once, two layers of vgg16 would take 2.8 GB for them."""
MOST_GROWTH = 1.3
"""Of memory: of 36 photographs fewer learn than a batch has, of eleven times as many five batches."""
CHEAPEST = "mobilenet"
"""Of the first five, the one that takes the least time."""
NUM_OF_VIEWS = 6000
NUM_TRIALS, FIRST_TRIALS = 60, 10
"""Recipes of fine-tuning, and the first of them, within which all that is kept for the others has come."""
MOST_TRIAL_GROWTH = 1.03
"""Of memory from the one to the other: a megabyte that each recipe left would be more."""


def measure_reports() -> list[Figure]:
    """Measure reports on many classes."""
    figures = []
    for num_classes in (100, 1000):
        with tempfile.TemporaryDirectory() as directory:
            report = report_on(num_classes, Path(directory))
        note = (
            f"reporter and drawing together; mail {len(report.mail) / 1e6:.1f} MB, page {len(report.page) / 1e6:.1f} MB"
        )
        figures.append(_figure(f"a report on {num_classes:,} classes", report.peak_bytes, most_mb=400, note=note))
    return figures


def measure_job(scratch: Path) -> list[Figure]:
    """Measure a job with five large networks, and whether more photographs take more."""
    peak = _peak(_photographs(scratch, NUM_OF_EACH), *FIRST_FIVE)
    note = f"{', '.join(FIRST_FIVE)} on {NUM_OF_EACH} photographs in one process, fine-tuned, scored and packed"
    return [_figure("a job with five large networks", peak, most_mb=3000, note=note), *measure_growth(scratch)]


def measure_growth(scratch: Path) -> list[Figure]:
    """Measure whether a job takes more memory where it has more photographs."""
    few, many = (_peak(_photographs(scratch, number), CHEAPEST) for number in (NUM_OF_EACH, NUM_OF_MORE))
    name = f"peak memory of a job, {NUM_OF_MORE} against {NUM_OF_EACH} photographs"
    note = f"{many / 1e6:,.0f} MB against {few / 1e6:,.0f}; {CHEAPEST}, fine-tuned, scored and packed"
    return [Figure(name=name, measured=many / few, unit="×", at_most=MOST_GROWTH, note=note)]


def measure_fine_tuning(scratch: Path) -> list[Figure]:
    """Measure fine-tuning where the disk has no room for activations: one batch goes through the network at a time."""
    few, many = _photographs(scratch, NUM_OF_EACH), _photographs(scratch, NUM_OF_MORE)
    kept, computed = _peak(many, CHEAPEST), _peak(many, CHEAPEST, "--computed")
    of_few = _peak(few, CHEAPEST, "--computed")
    note = (
        f"{CHEAPEST} on {NUM_OF_MORE} photographs; {of_few / 1e6:,.0f} MB on {NUM_OF_EACH}, {kept / 1e6:,.0f} MB where "
        f"there is room for activations of {NUM_OF_MORE}"
    )
    deep = _peak(_photographs(scratch, NUM_OF_DEEP), "vgg16", "--computed")
    of_one = 224 * 224 * 64 * 4 / 1e6
    note_on_deep = f"on {NUM_OF_DEEP} photographs; each of its first layers gives {of_one:.1f} MB for each of them"
    return [
        _figure("fine-tuning without kept activations", computed, most_mb=1500, note=note),
        _figure("fine-tuning vgg16 without kept activations", deep, most_mb=1500, note=note_on_deep),
    ]


def measure_backbones(scratch: Path) -> list[Figure]:
    """Measure a training with each backbone alone, keep what was found for docs/sizes.md, and hold it against bounds.

    ``CONVTAILOR_BACKBONES`` may name some, with commas between; of the others stays what was found before.
    """
    archive = _photographs(scratch, NUM_OF_EACH)
    for name in (os.environ.get("CONVTAILOR_BACKBONES") or ",".join(BACKBONES)).split(","):
        peaks = known_peaks() | {name: _peak(archive, name)}
        text = json.dumps({each: peaks[each] for each in BACKBONES if each in peaks}, indent=1)
        PEAKS_FILE.write_text(text + "\n", encoding="utf-8")
        print(f"    {name} {peaks[name] / 1e6:,.0f} MB", file=sys.stderr, flush=True)
    return _backbone_figures(known_peaks())


def _backbone_figures(peaks: dict[str, int]) -> list[Figure]:
    shares = {name: peak / training_bytes(BACKBONES[name].size_bytes) for name, peak in peaks.items()}
    lowest, known = min(shares, key=shares.__getitem__), [name for name in FIRST_FIVE if name in peaks]
    note = (
        f"least: {lowest}; {len(peaks)} of {len(BACKBONES)} networks, each in a process of its own; see docs/sizes.md"
    )
    figures = [
        Figure(name="peak memory of a training with one network, of the least that docs/sizes.md tells",
               measured=100 * shares[lowest], unit="%", at_least=100, note=note)
    ]  # fmt: skip
    if known:
        told = ", ".join(f"{name} {peaks[name] / 1e6:,.0f} MB" for name in known)
        most = max(peaks[name] for name in known)
        figures.append(_figure("a training with one of the first five networks", most, most_mb=3000, note=told))
    return figures


def measure_views(scratch: Path) -> list[Figure]:
    """Measure what learns from thousands of photographs in several views."""
    found = run_program(["-m", "benchmarks.views_run", str(scratch / "views"), "--images", str(NUM_OF_VIEWS)])
    told = ", ".join(f"{step} {peak / 1e6:,.0f} MB" for step, peak in found["steps"].items())
    note = f"mobilenet_v2, {found['width']:,} made-up numbers of each view, one strength; peak after each step: {told}"
    return [_figure(f"heads on {NUM_OF_VIEWS:,} photographs in 4 views", found["peak_bytes"], most_mb=2500, note=note)]


def measure_trials(scratch: Path) -> list[Figure]:
    """Measure whether a process holds more from recipe to recipe."""
    archive = _photographs(scratch, NUM_OF_EACH)
    arguments = ["-m", "benchmarks.trials_run", str(archive), "--candidate", CHEAPEST, "--trials", str(NUM_TRIALS)]
    held = run_program(arguments)["held_bytes"]
    first, last = held[FIRST_TRIALS], held[-1]
    name = f"memory held by fine-tuning, recipe {NUM_TRIALS} against recipe {FIRST_TRIALS}"
    note = f"{last / 1e6:,.0f} MB against {first / 1e6:,.0f}; {CHEAPEST} on {NUM_OF_EACH} photographs, searched by tpe"
    return [Figure(name=name, measured=last / first, unit="×", at_most=MOST_TRIAL_GROWTH, note=note)]


def measure_formats(scratch: Path) -> list[Figure]:
    """Measure the process that writes the other formats of a large network."""
    command = ["-m", "benchmarks.formats_run", str(scratch / "model.keras"), "--backbone", "vgg16"]
    written, found = run_program(command), run_program(command)
    note = (
        f"vgg16, {written['size_bytes'] / 1e6:.0f} MB, as ONNX, TFLite and TFLite in half precision; "
        f"{found['opened_bytes'] / 1e6:,.0f} MB once the network is open"
    )
    return [_figure("writing all formats of a large network", found["peak_bytes"], most_mb=1300, note=note)]


def _figure(name: str, peak_bytes: int, *, most_mb: float, note: str) -> Figure:
    return Figure(name=f"peak memory of {name}", measured=peak_bytes / 1e6, unit="MB", at_most=most_mb, note=note)


def _photographs(scratch: Path, num_images: int) -> Path:
    return enlarged(dataset("face_mask"), scratch / f"photos_{num_images}.zip", num_images=num_images)


def _peak(archive: Path, *arguments: str) -> int:
    names = [each for each in arguments if not each.startswith("--")]
    options = [each for each in arguments if each.startswith("--")]
    command = [sys.executable, "-m", "benchmarks.memory_run", str(archive), "--candidates", ",".join(names), *options]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    peak: int = json.loads(answer.splitlines()[-1])["peak_bytes"]
    return peak
