"""A few test images that go out with the network, so that whoever installs it sees at once whether it works."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from services.trainer.data.dataset import Indices

NUM_EXAMPLES = 6
_SIDE_PX = 384
"""Longer side, at most: bigger than what networks see, so that their resize takes part, and 50 kB at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One picture.

    Args:
        file: Without what a camera notes about place and time.
        actual: Its class.
        probabilities: What the delivered Keras file says of it.
    """

    file: Path
    actual: str
    probabilities: tuple[float, ...] = ()


def choose_examples(labels: NDArray[np.integer[Any]], order: Indices) -> Indices:
    """Return positions of a few images, of as many classes as can be.

    Args:
        labels: Of all test images.
        order: Their positions, in the order of preference.
    """
    first = [order[np.flatnonzero(labels[order] == label)[0]] for label in dict.fromkeys(labels[order].tolist())]
    others = [position for position in order.tolist() if position not in set(first)]
    return np.array([*first, *others][:NUM_EXAMPLES], np.int64)


def write_examples(pictures: Iterator[NDArray[np.uint8]], classes: Sequence[str], folder: Path) -> tuple[Example, ...]:
    """Write pictures as small JPEGs, ``1.jpg`` and so on.

    Args:
        pictures: ``(height_px, width_px, 3) uint8`` each.
        classes: Name of each one's class.
        folder: Made where it is missing.

    Raises:
        OSError: If they cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    examples = []
    for number, (pixels, name) in enumerate(zip(pictures, classes, strict=True), start=1):
        image = Image.fromarray(pixels)
        image.thumbnail((_SIDE_PX, _SIDE_PX))
        file = folder / f"{number}.jpg"
        image.save(file, "JPEG", quality=90)
        examples.append(Example(file=file, actual=name))
    return tuple(examples)
