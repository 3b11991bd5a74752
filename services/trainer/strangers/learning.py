"""What a network is delivered with to tell strangers: some of what it learnt from, and a limit. Pure."""

import base64
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.trainer.fitting.standard import standard_of
from services.trainer.strangers.likeness import Likeness, units

MOST_PHOTOGRAPHS = 800
"""More are not looked at: limit and references would hardly change."""
KNOWN_TAKEN_FOR_STRANGERS = 0.05
"""Share of photographs like those of the training that lies above the limit."""
NEIGHBOURS = 5
_MOST_BYTES = 2**19
"""Of the references, as far as two of each class keep within it: those take half of what the last layer takes."""
_LEAST_OF_CLASS = 2
_FULL = 127
DOCUMENT_VERSION = 1
"""Of ``strangers.json``; raised when a field changes its meaning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Photographs:
    """Photographs that a network learnt from, or was chosen by.

    Args:
        features: What the last layer reads of them, ``(num_images, width) float32``.
        labels: ``(num_images,)``.
        groups: ``(num_images,)``; copies of one another have the same number.
        has_learnt_from: ``(num_images,)``; which of them the features themselves were fitted to, not the last layer
            alone: these are nearer to each other than new ones, and no measure of how far away those are.
        given_groups: ``(num_images,)``; copies, and what the person wants together, such as all of one site, have one
            number: new photographs come from other sites. ``None`` where that is the same as ``groups``.
    """

    features: NDArray[np.float32]
    labels: NDArray[np.integer[Any]]
    groups: NDArray[np.integer[Any]]
    has_learnt_from: NDArray[np.bool_]
    given_groups: NDArray[np.integer[Any]] | None = None


def learn_likeness(known: Photographs, *, seed: int) -> Likeness | None:
    """Choose references and the limit.

    The limit is a conformal one: a further photograph like these lies above it with a probability of 5 % at most, on
    average over sets of photographs. What it rests on are distances to photographs that are not kept together with it.

    Args:
        known: See there.
        seed: Of which ones serve as references.

    Returns:
        ``None`` with too few photographs for a limit.
    """
    _, spread = standard_of(known.features, np.arange(len(known.labels)))
    compared = units(known.features, spread)
    chosen = _references(known, seed)
    likeness = Likeness(
        spread=spread, references=rounded(compared[chosen]), neighbours=_neighbours(known, chosen), limit=2.0
    )
    limit = _limit(known, compared, likeness, chosen)
    return None if limit is None else likeness._replace(limit=limit)


def _references(known: Photographs, seed: int) -> NDArray[np.int64]:
    """Return some of the photographs, as many of each class as there are, of large classes as many as of each other."""
    num_classes = len(np.unique(known.labels))
    most = max(_MOST_BYTES // known.features.shape[1], _LEAST_OF_CLASS * num_classes)
    order = np.random.default_rng(seed).permutation(len(known.labels))
    rank = np.empty(len(order), np.int64)
    for label in np.unique(known.labels):
        of_class = order[known.labels[order] == label]
        rank[of_class] = np.arange(len(of_class))
    return np.sort(order[np.argsort(rank[order], kind="stable")][:most])


def _neighbours(known: Photographs, chosen: NDArray[np.int64]) -> int:
    """Return how many of the nearest count: where there are few of each class, the last ones would be of others."""
    typical = float(np.median(np.unique(known.labels[chosen], return_counts=True)[1]))
    return int(np.clip(typical // 2, 1, NEIGHBOURS))


def _limit(
    known: Photographs, compared: NDArray[np.float32], likeness: Likeness, chosen: NDArray[np.int64]
) -> float | None:
    asked = np.flatnonzero(~known.has_learnt_from)
    asked = asked[np.unique(known.groups[asked], return_index=True)[1]]
    rank = math.ceil((len(asked) + 1) * (1 - KNOWN_TAKEN_FOR_STRANGERS))
    if rank > len(asked):
        return None
    alike = compared[asked] @ likeness.references.T
    together = known.groups if known.given_groups is None else known.given_groups
    alike[together[asked][:, None] == together[chosen][None, :]] = -1.0
    nearest = np.sort(alike, axis=1)[:, -likeness.neighbours :]
    return float(np.sort(1.0 - nearest.mean(axis=1, dtype=np.float64))[rank - 1])


def rounded(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return vectors of length 1, or of none, as they come back from the file."""
    whole = _whole(vectors).astype(np.float32)
    return units(whole, np.ones(whole.shape[1], np.float32))


def _whole(vectors: NDArray[np.float32]) -> NDArray[np.int8]:
    greatest = np.maximum(np.abs(vectors).max(axis=1, keepdims=True), np.finfo(np.float32).tiny)
    whole: NDArray[np.int8] = np.rint(vectors / greatest * _FULL).astype(np.int8)
    return whole


def likeness_document(likeness: Likeness, classes: Sequence[str]) -> str:
    """Return ``strangers.json``; numbers are packed as bytes in base64, which browsers read too.

    Args:
        likeness: See there.
        classes: Names in the order of the network's answers.
    """
    told = {
        "version": DOCUMENT_VERSION,
        "what": "tells pictures unlike all that the network learnt from; read by predict.py",
        "classes": list(classes),
        "limit": likeness.limit,
        "known_above_limit": KNOWN_TAKEN_FOR_STRANGERS,
        "neighbours": likeness.neighbours,
        "width": len(likeness.spread),
        "spread": _packed(likeness.spread, "<f4"),
        "references": _packed(_whole(likeness.references), "i1"),
    }
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def _packed(values: NDArray[np.generic], kind: str) -> str:
    return base64.b64encode(np.ascontiguousarray(values, kind).tobytes()).decode()
