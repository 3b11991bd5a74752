"""`make bench`: measure every figure, print it as it comes, and write `docs/benchmarks.md`."""

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import against_stock, feature_pass, prepare_memory, start
from benchmarks.figure import Figure, table
from benchmarks.material import MissingMaterial

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
PARTS: dict[str, Callable[[Path], list[Figure]]] = {
    "start": lambda _scratch: start.measure(),
    "memory": prepare_memory.measure,
    "feature-pass": feature_pass.measure,
    "screening": against_stock.measure_screening,
    "whole-run": against_stock.measure_whole_runs,
    "large-run": against_stock.measure_large_run,
}
_HEAD = """# Benchmarks

Written by `make bench`, which measures every figure anew and takes about half an hour on two cores. Each ratio compares
two things in one run on one machine; the seconds behind it are shown for scale and are no promise. Photographs and
ImageNet weights come from the folders `CONVTAILOR_DATASETS` and `CONVTAILOR_WEIGHTS`.

The stock Keras way (`benchmarks/stock.py`) is the loop of the Keras guide on transfer learning: the frozen base runs
for each image in every epoch, then the last block is unfrozen and trained on at a low rate; images are decoded once and
cached in memory.
"""


def main() -> int:
    """Measure the chosen parts; write the page if all of them were chosen."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; default: all, and write the page"
    )
    chosen = parser.parse_args().parts or list(PARTS)
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as scratch:
        for position, name in enumerate(chosen, start=1):
            print(f"[{position}/{len(chosen)}] {name} …", file=sys.stderr, flush=True)
            started = time.monotonic()
            try:
                figures += PARTS[name](Path(scratch))
            except MissingMaterial as error:
                print(f"    skipped: {error}", file=sys.stderr)
                return 1
            print(f"    {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    print(table(figures))
    if chosen == list(PARTS):
        machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
        PAGE.write_text(f"{_HEAD}\nMeasured on: {machine}.\n\n{table(figures)}\n", encoding="utf-8")
    return 0 if all(figure.reached is not False for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
