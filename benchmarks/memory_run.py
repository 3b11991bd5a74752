"""``python -m benchmarks.memory_run``: one training, or one step of it, in a process whose peak memory is its answer.

Weights are random: what networks take does not depend on what they know. One line of JSON is printed.
"""

import argparse
import json
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.scratch_run import scratch_run
from services.trainer.data.dataset import Dataset
from services.trainer.data.prepare import identify, prepare
from services.trainer.run.context import Run
from services.trainer.zoo.backbone import Backbone
from services.trainer.zoo.catalogue import BACKBONES
from shared.job.options import JobOptions, LevelChoice, TuneSearch
from tests.peak_memory import peak_bytes


def main() -> None:
    """Read the command line, work, print the peak of this process in bytes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--candidates", required=True, help="names, separated by commas")
    parser.add_argument("--computed", action="store_true", help="fine-tune without kept activations")
    parser.add_argument("--verbose", action="store_true", help="tell the peak after each step")
    arguments = parser.parse_args()
    backbones = [BACKBONES[name] for name in arguments.candidates.split(",")]

    def tell(step: str) -> None:
        if arguments.verbose:
            print(step, f"{peak_bytes(os.getpid()) / 1e6:,.0f} MB", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory() as directory:
        run = scratch_run(Path(directory))
        if arguments.computed:
            run = replace(run, reserved_bytes=lambda: 2**62)  # no room on the disk for anything convenient
        key = identify(arguments.archive, JobOptions())
        dataset = prepare(arguments.archive, run, key=key, sizes_px=sorted({each.input_px for each in backbones}))
        tell("prepared")
        _train(dataset, backbones, run, tell)
    json.dump({"peak_bytes": peak_bytes(os.getpid()), "num_images": dataset.num_images}, sys.stdout)


def _train(dataset: Dataset, backbones: list[Backbone], run: Run, tell: Any) -> None:
    from services.trainer.export.package import pack
    from services.trainer.screening.fit import HeadPlan
    from services.trainer.screening.screen import screen
    from services.trainer.training.scoring import score
    from services.trainer.tuning.tune import TunePlan, tune

    learning = dataset.learning
    telling = replace(run, report=lambda progress: tell(progress.detail or progress.phase))
    screening = screen(
        learning, [(each, None) for each in backbones], telling, HeadPlan(levels=LevelChoice.LAST, epochs=3)
    )
    tell("screened")
    trained = tune(learning, screening, run, TunePlan(epochs=1, trials=1, search=TuneSearch.RANDOM))
    tell(f"tuned {trained.backbone.name}")
    scored = score(learning, dataset.seal(), trained, run)
    tell("scored")
    pack(scored.model, dataset.classes, run.directory / "delivery", lambda _path: None)
    tell("packed")


if __name__ == "__main__":
    main()
