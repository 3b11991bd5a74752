"""``python -m benchmarks.trials_run``: many recipes of fine-tuning in one process; prints what it held after each.

Weights are random: what recipes leave in memory does not depend on what a network knows. One line of JSON is printed.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import psutil

from benchmarks.scratch_run import scratch_run
from services.trainer.data.prepare import identify, prepare
from services.trainer.screening.fit import HeadPlan
from services.trainer.screening.screen import screen
from services.trainer.tuning.tune import TunePlan, tune
from services.trainer.zoo.catalogue import BACKBONES
from shared.job.options import JobOptions, LevelChoice, TuneSearch
from shared.job.progress import Progress


def main() -> None:
    """Read the command line, fine-tune, print the bytes that were held when each recipe began."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--candidate", required=True)
    parser.add_argument("--trials", type=int, required=True)
    arguments = parser.parse_args()
    row, process = BACKBONES[arguments.candidate], psutil.Process()
    held: dict[str, int] = {}

    def report(progress: Progress) -> None:
        if progress.phase == "tune" and progress.detail not in held:
            held[progress.detail] = process.memory_info().rss

    with tempfile.TemporaryDirectory() as directory:
        run = replace(scratch_run(Path(directory)), report=report)
        key = identify(arguments.archive, JobOptions())
        dataset = prepare(arguments.archive, run, key=key, sizes_px=[row.input_px]).learning
        screening = screen(dataset, [(row, None)], run, HeadPlan(levels=LevelChoice.SEARCHED, epochs=3))
        plan = TunePlan(epochs=1, trials=arguments.trials, search=TuneSearch.TPE, views=2, searches_levels=True)
        trained = tune(dataset, screening, run, plan)
    assert trained.result is not None
    assert len(trained.result.trials) == arguments.trials
    json.dump({"held_bytes": list(held.values())}, sys.stdout)


if __name__ == "__main__":
    main()
