"""Whether the delivered file, given photographs as they were uploaded, does what the test found. Pure."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.trainer.data.dataset import Indices
from services.trainer.fitting.comparison.paired import groups_that_differ
from services.trainer.fitting.temperature import Labels
from shared.interval import mcnemar
from shared.job.findings.scores import UploadedScores


def fair_order(labels: Labels, seed: int) -> Indices:
    """Return the positions of all images, such that any first part holds every class in proportion.

    Args:
        labels: Of the images.
        seed: The same seed gives the same order.
    """
    generator = np.random.default_rng(seed)
    places = np.empty(len(labels))
    for label in np.unique(labels):
        members = generator.permutation(np.flatnonzero(labels == label))
        places[members] = (np.arange(len(members)) + generator.random()) / len(members)
    order: Indices = np.argsort(places, kind="stable").astype(np.int64)
    return order


def compare(
    labels: Labels, tested: Labels, uploaded: Sequence[int | None], groups: NDArray[np.int64]
) -> UploadedScores | None:
    """Compare what the test found with what the delivered file said of the same images.

    Args:
        labels: Classes of the images.
        tested: What the test took them for.
        uploaded: What the delivered file took them for; ``None`` where it was not asked. May be shorter.
        groups: Copies among the images have one number; they speak with one voice in the test of significance.

    Returns:
        ``None`` where it was asked about no image.
    """
    asked = np.array([position for position, label in enumerate(uploaded) if label is not None], np.int64)
    if len(asked) == 0:
        return None
    right_in_test = np.asarray(tested)[asked] == np.asarray(labels)[asked]
    right = np.array([uploaded[position] for position in asked]) == np.asarray(labels)[asked]
    only_in_test, only_as_uploaded = int((right_in_test & ~right).sum()), int((right & ~right_in_test).sum())
    return UploadedScores(
        num_images=len(asked),
        accuracy=float(right.mean()),
        test_accuracy=float(right_in_test.mean()),
        num_right_in_test_only=only_in_test,
        num_right_as_uploaded_only=only_as_uploaded,
        p_value=mcnemar(*groups_that_differ(right_in_test, right, np.asarray(groups)[asked])),
    )
