"""Which photographs may lie in the wrong folder. Pure.

Source: the ranking is that of confident learning by self-confidence (Northcutt, Jiang, Chuang, "Confident learning",
JAIR 70, 2021): out-of-fold probability of the class of the folder, the lowest first. How many are likely is told from
the probabilities themselves: were all folders right and the probabilities calibrated, so many would be that low by
chance; the list holds as long as at most half of it is (Benjamini and Hochberg's rate of false discoveries).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.trainer.data.dataset import Indices, LearningSet
from services.trainer.fitting.out_of_fold import Doubles
from services.trainer.fitting.temperature import Labels
from shared.job.findings.suspects import Suspect, Suspects, Twins

MOST_BY_CHANCE = 0.5
"""Share of the likely ones that may be there by chance."""
LISTED_SHARE = 0.1
FEW = 5
"""So many are listed where none is likely."""
MOST_LISTED = 1000
MOST_TWINS = 100


def doubt_order(probabilities: Doubles, labels: Labels) -> Indices:
    """Return the positions of all images, the most doubtful first.

    Args:
        probabilities: ``(num_images, num_classes)``, out of fold.
        labels: Classes of their folders.
    """
    own = probabilities[np.arange(len(labels)), labels]
    order: Indices = np.argsort(own, kind="stable").astype(np.int64)
    return order


def num_likely(probabilities: Doubles, labels: Labels) -> int:
    """Return how many of the most doubtful are fewer by chance than by half.

    Args:
        probabilities: ``(num_images, num_classes)``, out of fold and calibrated.
        labels: Classes of their folders.
    """
    own = np.sort(probabilities[np.arange(len(labels)), labels])
    every = np.sort(probabilities.ravel())
    expected = np.concatenate([[0.0], np.cumsum(every)])[np.searchsorted(every, own, side="right")]
    observed = np.arange(1, len(own) + 1)
    # Half an image more, so that a single odd one is not enough where chance has to do with fractions.
    enough = np.flatnonzero((expected + 0.5) / observed <= MOST_BY_CHANCE)
    return int(enough[-1]) + 1 if len(enough) else 0


def find_suspects(
    learning: LearningSet, rows: Indices, labels: Labels, probabilities: Doubles
) -> tuple[Suspects, Indices]:
    """Return what looks misfiled, and the positions in the data set of what is listed.

    Args:
        learning: Paths, classes and groups of copies.
        rows: Positions of the images in the data set.
        labels: Their classes.
        probabilities: ``(num_images, num_classes)``, out of fold and calibrated.
    """
    likely = num_likely(probabilities, labels)
    most = max(likely, int(np.ceil(LISTED_SHARE * len(labels)))) if likely else FEW
    order = doubt_order(probabilities, labels)[: min(most, MOST_LISTED)]
    order = order[probabilities[order].argmax(axis=1) != labels[order]]
    groups = _twins(learning.groups[rows], labels)
    suspects = Suspects(
        num_examined=len(rows),
        num_likely=min(likely, len(order)),
        listed=tuple(_suspect(learning, rows[at], int(labels[at]), probabilities[at]) for at in order),
        twins=tuple(
            Twins(
                paths=tuple(learning.paths[rows[at]] for at in members),
                classes=tuple(learning.classes[labels[at]] for at in members),
            )
            for members in groups[:MOST_TWINS]
        ),
        num_twins=len(groups),
    )
    return suspects, rows[order]


def _suspect(learning: LearningSet, row: np.int64, label: int, probabilities: Doubles) -> Suspect:
    looks_like = int(probabilities.argmax())
    return Suspect(
        path=learning.paths[row],
        filed_as=learning.classes[label],
        looks_like=learning.classes[looks_like],
        probability=float(probabilities[looks_like]),
        filed_probability=float(probabilities[label]),
    )


def _twins(groups: NDArray[np.int64], labels: Labels) -> Sequence[Indices]:
    """Return the members of every group of copies that lies in several classes."""
    order = np.argsort(groups, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)
    return [part for part in parts if len(part) > 1 and len(np.unique(labels[part])) > 1]
