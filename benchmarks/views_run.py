"""``python -m benchmarks.views_run``: heads fitted to made-up features of thousands of photographs; prints its peaks.

The network stands in memory as it does in a training. What it would make of photographs is made up, since memory
does not depend on it; and one strength is tried of each fit, since another takes no more.
"""

import argparse
import json
import os
import sys
from pathlib import Path

import numpy as np

from services.trainer.fitting.convex import ConvexData, fit_convex
from services.trainer.fitting.epochs import HeadData, train_head
from services.trainer.run.memory import let_go
from services.trainer.screening.forward import compile_forward
from services.trainer.tuning.unfreezing.depth import MOST_BYTES
from services.trainer.zoo.catalogue import BACKBONES
from services.trainer.zoo.head import FEATURES, Floats, Reading
from services.trainer.zoo.network import build
from tests.peak_memory import peak_bytes

NUM_CLASSES = 3
_BLOCK = 500


def main() -> None:
    """Read the command line, fit, print the peaks of this process in bytes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--images", type=int, required=True)
    arguments = parser.parse_args()
    arguments.directory.mkdir(parents=True, exist_ok=True)
    row = BACKBONES["mobilenet_v2"]
    forward = compile_forward(build(row, None))
    forward(np.zeros((32, row.input_px, row.input_px, 3), np.uint8))
    steps = {"network": peak_bytes(os.getpid())}
    num_images, every = arguments.images, Reading(num_levels=len(row.levels))
    labels = np.random.default_rng(1).integers(0, NUM_CLASSES, num_images).astype(np.int32)
    learnt = np.flatnonzero(np.arange(num_images) % 20 >= 3)
    views = made_up(arguments.directory / "single.npy", num_images, row.pooled_width)

    def inputs(reading: Reading) -> Floats:
        return views[:, -row.width_of(reading.num_levels) :]

    data = ConvexData(inputs=inputs, labels=labels, groups=np.arange(num_images), rows=learnt,
                      num_classes=NUM_CLASSES, seed=0)  # fmt: skip
    fit_convex(data, [FEATURES], goes_on=lambda: False)
    steps["features"] = peak_bytes(os.getpid())
    fit_convex(data, [every], goes_on=lambda: False)
    steps["all levels"] = peak_bytes(os.getpid())
    # The mean of an image and its mirror image, and that of a cut-out and its own: four views, of which two are rows.
    views = made_up(arguments.directory / "both.npy", 2 * num_images, row.pooled_width)
    twice = np.concatenate([learnt, num_images + learnt])
    doubled = ConvexData(inputs=inputs, labels=np.tile(labels, 2), groups=np.tile(np.arange(num_images), 2),
                         rows=twice, num_classes=NUM_CLASSES, seed=0)  # fmt: skip
    fit_convex(doubled, [every], goes_on=lambda: False)
    steps["all levels in four views"] = peak_bytes(os.getpid())
    by_epochs = HeadData(features=inputs(every), labels=doubled.labels, train=doubled.rows, validation=learnt,
                         num_classes=NUM_CLASSES)  # fmt: skip
    train_head(by_epochs, epochs=1, seed=0)
    steps["by epochs"] = peak_bytes(os.getpid())
    activations = np.ones(MOST_BYTES // 2, np.float16)
    steps["activations to fine-tune on"] = peak_bytes(os.getpid())
    del activations
    json.dump({"peak_bytes": peak_bytes(os.getpid()), "width": row.pooled_width, "steps": steps}, sys.stdout)


def made_up(path: Path, num_images: int, width: int) -> Floats:
    """Write numbers of about as many directions as features have, and return them as they lie on the disk."""
    generator = np.random.default_rng(0)
    directions = generator.normal(size=(300, width)).astype(np.float32)
    mapped = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(num_images, width))
    for start in range(0, num_images, _BLOCK):
        coordinates = generator.normal(size=(min(_BLOCK, num_images - start), 300)).astype(np.float32)
        noise = generator.normal(0, 5, (len(coordinates), width)).astype(np.float32)
        mapped[start : start + _BLOCK] = np.abs(coordinates @ directions + noise)
        let_go(mapped)
    return mapped


if __name__ == "__main__":
    main()
