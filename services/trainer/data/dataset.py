"""The prepared data set: decoded once, memory-mapped, split."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.result import Duplicates, Quarantined

Images = NDArray[np.uint8]
"""``(num_images, px, px, 3) uint8`` RGB."""
Indices = NDArray[np.int64]
"""Positions of images in the data set, ascending."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Which image serves for what; groups of near-duplicates never straddle it."""

    train: Indices
    validation: Indices
    test: Indices


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Every image decoded once and kept as squares, one memory-mapped array per side length.

    Args:
        directory: Where the arrays lie.
        classes: Names of the classes, sorted; the position is the label.
        labels: ``(num_images,) int32``.
        paths: Path of each image in the archive.
        split: Train, validation, test.
        sizes_px: Side lengths at hand.
        quarantined: What was left out and why.
        duplicates: What the search for copies found.
    """

    directory: Path
    classes: tuple[str, ...]
    labels: NDArray[np.int32]
    paths: tuple[str, ...]
    split: Split
    sizes_px: tuple[int, ...]
    quarantined: tuple[Quarantined, ...]
    duplicates: Duplicates

    @property
    def num_images(self) -> int:
        """Images in all splits together."""
        return len(self.paths)

    def images(self, px: int) -> Images:
        """Map the images of one side length, ``(num_images, px, px, 3) uint8`` RGB, read-only.

        Raises:
            KeyError: If the data set was not prepared with this side length.
        """
        if px not in self.sizes_px:
            raise KeyError(f"prepared with sides of {self.sizes_px} px, asked for {px} px")
        mapped: np.memmap[Any, np.dtype[np.uint8]] = np.load(images_path(self.directory, px), mmap_mode="r")
        return mapped


def images_path(directory: Path, px: int) -> Path:
    """Return the file of the images of one side length."""
    return directory / f"images_{px}.npy"
