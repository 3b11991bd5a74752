"""`make bench`: measure every figure, print it as it comes, and write `docs/benchmarks.md`."""

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks import (
    against_stock,
    answers,
    archive_bounds,
    claims,
    copies,
    crops,
    deadline,
    delivery_price,
    feature_pass,
    fine_tuning,
    firestore_bill,
    heads,
    installed_backbone,
    intake_load,
    lab_load,
    memory_bounds,
    open_jobs,
    package,
    page,
    picture_memory,
    pixels,
    prepare_memory,
    racing,
    redelivery,
    start,
    trainers,
)
from benchmarks.figure import TABLE_HEAD, Figure
from benchmarks.material import MissingMaterial
from benchmarks.soak.program import main as soak

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
PARTS: dict[str, Callable[[Path], list[Figure]]] = {
    "start": lambda _scratch: start.measure(),
    "memory": prepare_memory.measure,
    "memory-reports": lambda _scratch: memory_bounds.measure_reports(),
    "memory-job": memory_bounds.measure_job,
    "memory-fine-tuning": memory_bounds.measure_fine_tuning,
    "memory-trials": memory_bounds.measure_trials,
    "memory-formats": memory_bounds.measure_formats,
    "memory-views": memory_bounds.measure_views,
    "memory-backbones": memory_bounds.measure_backbones,
    "archives": archive_bounds.measure,
    "copies": copies.measure,
    "pixels": pixels.measure,
    "picture-memory": picture_memory.measure,
    "feature-pass": feature_pass.measure,
    "screening": against_stock.measure_screening,
    "screening-cost": racing.measure_cost,
    "racing": racing.measure_regret,
    "whole-run": against_stock.measure_whole_run,
    "accuracy": against_stock.measure_accuracy,
    "heads": heads.measure,
    "crops": crops.measure,
    "suspects": answers.measure,
    **{f"fine-tuning-{name}": partial(fine_tuning.measure_unfreezing, name=name) for name in heads.DATASETS},
    "search": fine_tuning.measure_search,
    "large-run": against_stock.measure_large_run,
    "installed-backbone": installed_backbone.measure,
    "package": package.measure,
    "intake": intake_load.measure,
    "open-jobs": open_jobs.measure,
    "lab-load": lab_load.measure,
    "page": page.measure,
    "redelivery": redelivery.measure,
    "claims": claims.measure,
    "trainers": trainers.measure,
    "deadline": deadline.measure,
    "delivery-price": delivery_price.measure,
    "firestore-bill": firestore_bill.measure,
}
_HEAD = """# Benchmarks

Written by `make bench`, which measures every figure anew and takes more than an hour on two cores;
`python -m benchmarks PART` measures one part and replaces its rows. Each ratio compares two things in one run on one
machine; the seconds behind it are shown for scale and are no promise. Photographs and ImageNet weights come from the
folders `CONVTAILOR_DATASETS` and `CONVTAILOR_WEIGHTS`.

The stock Keras way (`benchmarks/stock.py`) is the loop of the Keras guide on transfer learning: the frozen base runs
for each image in every epoch, then the last block is unfrozen and trained on at a low rate; images are decoded once and
cached in memory.

Firestore and Pub/Sub are Google's own emulators, on the same machine as what asks them; without `gcloud` and `java`
their rows are left as they are.

How well the features of the backbones that come with convtailor transfer is measured by
`python -m benchmarks.transfer` and told in [the card of `tiny`](model_card_tiny.md).
"""


def main() -> int:
    """Measure the chosen parts and put their rows into the page; ``soak`` is a program of its own that does too."""
    if sys.argv[1:2] == ["soak"]:
        return soak(sys.argv[2:], _write_page)
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; default: all")
    chosen = parser.parse_args().parts or list(PARTS)
    unknown = [name for name in chosen if name not in PARTS]
    if unknown:
        parser.error(f"there is no part {unknown[0]}; choose from {', '.join(PARTS)}")
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as scratch:
        for position, name in enumerate(chosen, start=1):
            print(f"[{position}/{len(chosen)}] {name} …", file=sys.stderr, flush=True)
            started = time.monotonic()
            try:
                measured = PARTS[name](Path(scratch))
            except MissingMaterial as error:
                print(f"    skipped: {error}", file=sys.stderr)
                return 1
            print(f"    {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
            print("\n".join(figure.row() for figure in measured), flush=True)
            _write_page(measured)
            figures += measured
    return 0 if all(figure.reached is not False for figure in figures) else 1


def _write_page(figures: list[Figure]) -> None:
    """Put rows into the page in place of those of the same name; rows of parts not measured now stay."""
    kept = PAGE.read_text(encoding="utf-8").splitlines() if PAGE.exists() else []
    rows = {row.split(" | ")[0]: row for row in kept if row.startswith("| ") and not row.startswith("| figure ")}
    rows |= {row.split(" | ")[0]: row for row in (figure.row() for figure in figures)}
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    page = "\n".join([_HEAD, f"Measured last on: {machine}.\n", *TABLE_HEAD, *rows.values(), ""])
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
