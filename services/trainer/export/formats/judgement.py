"""Whether a format does what was evaluated. Pure."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.trainer.export.check import MAX_SAME_INPUT_GAP
from services.trainer.export.formats.order import Scored

MAX_ACCURACY_LOSS = 0.005
"""Share of the test images that rounded weights may lose on balance; one image always may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """What the evaluated network says, and what is true.

    Args:
        labels: Classes of the test images, in the order in which they are scored.
        probabilities: What the network that was evaluated says of them, ``(num_images, num_classes)``.
        num_kept: So many, the first, are compared number by number.
        pictures: What the delivered Keras file says of a few pictures; empty where there are none.
    """

    labels: NDArray[np.integer[Any]]
    probabilities: NDArray[np.float64]
    num_kept: int
    pictures: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A format beside the evaluated network.

    Args:
        kept_gap: Largest difference of a probability on the kept images, on the very pixels that the evaluation saw.
        picture_gap: The same on pictures that either reads and resizes itself, against the delivered Keras file.
        num_images: Test images scored.
        accuracy: On these.
        test_accuracy: Of the evaluated network on these.
        num_otherwise: Images of these that it takes for another class than the evaluated network does.
        objection: Why it is not delivered, if it is not.
    """

    kept_gap: float
    picture_gap: float
    num_images: int
    accuracy: float
    test_accuracy: float
    num_otherwise: int
    objection: str | None


def compare(found: NDArray[np.float64], scored: Scored, evaluated: Evaluated, *, is_rounded: bool) -> Comparison:
    """Compare a format with the evaluated network.

    Args:
        found: Its probabilities of the first test images, the kept ones at least.
        scored: What it says of pictures.
        evaluated: See there.
        is_rounded: Whether its weights are rounded, so that numbers may differ as long as the accuracy does not.
    """
    num_images = len(found)
    labels, expected = evaluated.labels[:num_images], evaluated.probabilities[:num_images]
    is_right, was_right = found.argmax(axis=1) == labels, expected.argmax(axis=1) == labels
    gaps = _gaps(found, expected)
    of_pictures = (-1, expected.shape[1])
    pictures = np.array(scored.pictures, np.float64).reshape(of_pictures)
    picture_gap = max(_gaps(pictures, evaluated.pictures.reshape(of_pictures)), default=0.0)
    gap = max([*gaps, picture_gap])
    accuracy, test_accuracy = float(is_right.mean()), float(was_right.mean())
    objection = None
    if not np.isfinite(found).all():
        objection = "it gives probabilities that are no numbers"
    elif not is_rounded and gap > MAX_SAME_INPUT_GAP:
        objection = f"its probabilities differ by up to {gap:.4f} on the same images"
    elif is_rounded and _loses_accuracy(is_right, was_right):
        objection = f"it has {accuracy:.1%} right of {num_images} test images, where {test_accuracy:.1%} are expected"
    return Comparison(
        kept_gap=max(gaps[: evaluated.num_kept]),
        picture_gap=picture_gap,
        num_images=num_images,
        accuracy=accuracy,
        test_accuracy=test_accuracy,
        num_otherwise=int((found.argmax(axis=1) != expected.argmax(axis=1)).sum()),
        objection=objection,
    )


def _loses_accuracy(is_right: NDArray[np.bool_], was_right: NDArray[np.bool_]) -> bool:
    """Tell whether a file with rounded weights reads the test images worse, image for image.

    What it loses on balance must be no more than ``MAX_ACCURACY_LOSS`` of them, or one image: of fewer than two hundred
    a single one is more than that, and rounding moves an answer that stood on the edge to either side. What it gains
    speaks for it.
    """
    lost, gained = int((was_right & ~is_right).sum()), int((is_right & ~was_right).sum())
    return lost - gained > max(1.0, MAX_ACCURACY_LOSS * len(is_right))


def _gaps(found: NDArray[np.float64], expected: NDArray[np.float64]) -> list[float]:
    """Return the largest difference of a probability for every image; no number differs by all there is."""
    gaps: list[float] = np.nan_to_num(np.abs(found - expected), nan=1.0, posinf=1.0).max(axis=1).tolist()
    return gaps
