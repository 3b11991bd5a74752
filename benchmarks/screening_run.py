"""Prepare and screen one archive, as the trainer does; prints seconds and the split that the stock way then shares."""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.material import weights_mirror
from benchmarks.scratch_run import scratch_run
from services.trainer.data.dataset import Dataset
from services.trainer.data.prepare import identify, prepare
from services.trainer.screening.fit import HeadPlan
from services.trainer.screening.screen import screen
from services.trainer.zoo.sources.mirror import FolderMirror
from services.trainer.zoo.sources.weights import resolve
from shared.job.options import JobOptions, LevelChoice


def main() -> None:
    """Read the command line, measure, print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--candidates", required=True, help="names, separated by commas")
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--levels", default=LevelChoice.LAST, choices=list(LevelChoice))
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    names = tuple(arguments.candidates.split(","))
    usable = resolve(names, mirror=FolderMirror(weights_mirror()), allow_download=False).usable
    import keras
    import tensorflow as tf

    tf.constant(keras.config.epsilon())  # both are imported and TensorFlow is awake before the clock starts
    with tempfile.TemporaryDirectory() as directory:
        run = scratch_run(Path(directory), seed=arguments.seed)
        sizes_px = sorted({backbone.input_px for backbone, _ in usable})
        key = identify(arguments.archive, JobOptions(seed=arguments.seed))
        dataset = prepare(arguments.archive, run, key=key, sizes_px=sizes_px)
        started = time.perf_counter()
        screening = screen(
            dataset, usable, run, HeadPlan(levels=LevelChoice(arguments.levels), epochs=arguments.epochs), racing=False
        )
        seconds = time.perf_counter() - started
    scores = {each.name: each.val_accuracy for each in screening.candidates}
    json.dump({"screen_s": seconds, "val_accuracy": scores, "splits": _splits(dataset)}, sys.stdout)


def _splits(dataset: Dataset) -> dict[str, list[tuple[str, int]]]:
    """Return the path in the archive and the label of every image, by split."""
    return {
        name: [(dataset.paths[position], int(dataset.labels[position])) for position in getattr(dataset.split, name)]
        for name in ("train", "validation", "test")
    }


if __name__ == "__main__":
    main()
