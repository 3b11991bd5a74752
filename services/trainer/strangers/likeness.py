"""How far a picture lies from all that a network learnt from: what tells strangers, from ``strangers.json``.

Needs nothing but numpy; the delivered ``predict.py`` holds this text word for word.
"""

import base64
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Likeness(NamedTuple):
    """What pictures are compared with.

    Args:
        spread: Of the features, ``(width,) float32``.
        references: Features of some photographs of the training, divided by their spread, each of length 1,
            ``(num_references, width) float32``.
        neighbours: So many of the nearest count.
        limit: Distance above which a picture is unlike every photograph of the training.
    """

    spread: NDArray[np.float32]
    references: NDArray[np.float32]
    neighbours: int
    limit: float

    def distances(self, features: NDArray[np.float32]) -> list[float]:
        """Return how far pictures lie from what is nearest to each: 1 less the cosine, on average; 0 to 2.

        Args:
            features: What the last layer of the network reads of them, ``(num_pictures, width)``.

        Raises:
            ValueError: If the features are those of another network.
        """
        if features.shape[1] != len(self.spread):
            width = len(self.spread)
            raise ValueError(f"strangers.json compares {width} features of a picture, and the network has others")
        alike = units(features, self.spread) @ self.references.T
        num = min(self.neighbours, alike.shape[1])
        nearest = np.partition(alike, -num, axis=1)[:, -num:]
        found: list[float] = (1.0 - nearest.mean(axis=1, dtype=np.float64)).tolist()
        return found


def units(features: NDArray[np.float32], spread: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return features as they are compared: divided by their spread, those of each picture of length 1.

    They are not centred: what a network has no features for lies near their mean, and from there in any direction.
    """
    scaled = features / spread
    lengths = np.linalg.norm(scaled, axis=1, keepdims=True)
    found: NDArray[np.float32] = scaled / np.maximum(lengths, np.finfo(np.float32).tiny)
    return found


def read_likeness(text: str, classes: Sequence[str]) -> Likeness:
    """Return what ``strangers.json`` says.

    Args:
        text: Of the file.
        classes: Of the network that it is wanted for.

    Raises:
        ValueError: If it is damaged, or of another network.
    """
    try:
        told = json.loads(text)
        if list(told["classes"]) != list(classes):
            raise ValueError("it speaks of other classes")
        spread = _unpacked(told["spread"], "<f4")
        rounded = _unpacked(told["references"], "i1").reshape(-1, len(spread))
        likeness = Likeness(
            spread=spread,
            references=units(rounded, np.ones_like(spread)),
            neighbours=int(told["neighbours"]),
            limit=float(told["limit"]),
        )
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"it lacks what it should have: {error}") from error
    if not len(rounded) or likeness.neighbours < 1:
        raise ValueError("what it has does not fit together")
    return likeness


def _unpacked(packed: Any, kind: str) -> NDArray[np.float32]:
    return np.frombuffer(base64.b64decode(packed, validate=True), np.dtype(kind)).astype(np.float32)
