"""What the nearest photographs say: the simplest rival of a network, and how far strangers lie. Pure."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from services.trainer.fitting.temperature import Labels
from shared.job.findings.certainty import Strangers

NUM_NEIGHBOURS = 5
MOST_QUERIES = 2000
"""More are not asked about: the answer would hardly change, and the time grows with their number."""
_CHUNK = 256
_KNOWN_TAKEN_FOR_STRANGERS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearest:
    """What was found around some photographs, copies of them left out.

    Args:
        asked: Their positions among the photographs.
        voted: The class of most of the nearest.
        own_distance: To the nearest photographs of whichever class: 1 less the cosine, on average.
        other_distance: To the nearest photographs of other classes than their own.
    """

    asked: NDArray[np.int64]
    voted: Labels
    own_distance: NDArray[np.float64]
    other_distance: NDArray[np.float64]


def find_nearest(
    features: NDArray[np.floating[Any]], labels: Labels, groups: NDArray[np.int64], *, num_classes: int, seed: int
) -> Nearest:
    """Look up the most similar photographs of each.

    Args:
        features: ``(num_images, width)``, as they are compared; see :func:`services.trainer.strangers.likeness.units`.
        labels: ``(num_images,)``.
        groups: ``(num_images,)``; copies of one another have the same number.
        num_classes: Classes.
        seed: Of which ones are asked about where there are very many.
    """
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    units = (features / np.maximum(lengths, np.finfo(np.float32).tiny)).astype(np.float32)
    asked = np.arange(len(labels))
    if len(asked) > MOST_QUERIES:
        asked = np.sort(np.random.default_rng(seed).choice(asked, MOST_QUERIES, replace=False))
    voted, own, other = [], [], []
    for start in range(0, len(asked), _CHUNK):
        part = asked[start : start + _CHUNK]
        alike = units[part] @ units.T
        alike[groups[part][:, None] == groups[None, :]] = -1.0
        voted.append(_vote(alike, labels, num_classes))
        own.append(_distance(alike))
        alike[labels[part][:, None] == labels[None, :]] = -1.0
        other.append(_distance(alike))
    return Nearest(
        asked=asked,
        voted=np.concatenate(voted),
        own_distance=np.concatenate(own),
        other_distance=np.concatenate(other),
    )


def _nearest_columns(alike: NDArray[np.float32]) -> NDArray[np.int64]:
    num = min(NUM_NEIGHBOURS, alike.shape[1])
    columns: NDArray[np.int64] = np.argpartition(-alike, num - 1, axis=1)[:, :num]
    return columns


def _vote(alike: NDArray[np.float32], labels: Labels, num_classes: int) -> NDArray[np.int64]:
    nearest = _nearest_columns(alike)
    votes = np.zeros((len(alike), num_classes))
    lines = np.arange(len(alike))[:, None]
    # Similarity counts a little, so that equal votes are decided by the nearer ones.
    np.add.at(votes, (lines, labels[nearest]), 1.0 + 1e-3 * np.take_along_axis(alike, nearest, axis=1))
    winners: NDArray[np.int64] = votes.argmax(axis=1)
    return winners


def _distance(alike: NDArray[np.float32]) -> NDArray[np.float64]:
    nearest = np.take_along_axis(alike, _nearest_columns(alike), axis=1)
    distances: NDArray[np.float64] = 1.0 - nearest.mean(axis=1, dtype=np.float64)
    return distances


def tell_strangers(nearest: Nearest, labels: Labels, classes: tuple[str, ...]) -> Strangers | None:
    """Return how well a class that is taken for a stranger is told from the others by its distance.

    Args:
        nearest: See there.
        labels: Of all photographs.
        classes: Names.

    Returns:
        ``None`` with fewer than three classes: without one of two, the other alone says nothing.
    """
    asked_labels = labels[nearest.asked]
    present = np.unique(asked_labels)
    if len(present) < 3:  # noqa: PLR2004 - see above
        return None
    of_class = {label: _auroc(nearest, asked_labels, label) for label in present.tolist()}
    hardest = min(of_class, key=lambda label: of_class[label])
    limit = np.quantile(nearest.own_distance, 1 - _KNOWN_TAKEN_FOR_STRANGERS)
    return Strangers(
        auroc=float(np.mean(list(of_class.values()))),
        caught=float((nearest.other_distance > limit).mean()),
        hardest=classes[hardest],
        hardest_auroc=of_class[hardest],
    )


def _auroc(nearest: Nearest, labels: Labels, stranger: int) -> float:
    is_stranger = labels == stranger
    distances = np.where(is_stranger, nearest.other_distance, nearest.own_distance)
    return float(roc_auc_score(is_stranger, distances))
