"""What a training says beyond its accuracy, put together from answers and features that are kept anyway."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from services.trainer.analysis.answers import Answers, answers_of_features, answers_of_network
from services.trainer.analysis.certainty import answer_sets, coverage_at, coverage_curve, recommend, reliability
from services.trainer.analysis.growth import GrowthData, is_affordable, learning_curve
from services.trainer.analysis.nearest import find_nearest, tell_strangers
from services.trainer.analysis.suspects import find_suspects
from services.trainer.data.dataset import LearningSet
from services.trainer.evaluation.evaluate import THUMBNAIL_PX, Evaluation
from services.trainer.evaluation.lit_picture import thumbnail
from services.trainer.evaluation.metrics import Dependence
from services.trainer.fitting.comparison.paired import groups_that_differ
from services.trainer.fitting.logistic import Problem
from services.trainer.fitting.principal import principal_of
from services.trainer.fitting.standard import class_weights, standard_of
from services.trainer.run.context import Run
from services.trainer.strangers.likeness import units
from services.trainer.tuning.tune import Trained
from services.trainer.zoo.head import FEATURES
from shared.interval import mcnemar
from shared.job.findings.certainty import Certainty
from shared.job.findings.growth import Growth
from shared.job.findings.suspects import Suspects
from shared.job.findings.verdict import Neighbours

logger = logging.getLogger(__name__)

NUM_THUMBNAILS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """What was found; ``None`` where there was nothing to find it from, or no time.

    Args:
        suspects: Photographs that may lie in the wrong folder.
        certainty: How sure the network must be.
        growth: What more photographs would bring.
        neighbours: The network against its simplest rival.
        seconds: That this took.
    """

    suspects: Suspects | None = None
    certainty: Certainty | None = None
    growth: Growth | None = None
    neighbours: Neighbours | None = None
    seconds: float = 0.0


def analyse(
    learning: LearningSet,
    trained: Trained,
    evaluation: Evaluation,
    run: Run,
    *,
    strength: float,
    monotonic: Callable[[], float] = time.monotonic,
) -> Analysis:
    """Return what there is to say; what fails here costs nobody the network.

    Args:
        learning: The photographs.
        trained: The network, and its answers by cross-validation.
        evaluation: What the test said.
        run: Asked whether there is time.
        strength: Of regularisation, by which cross-validation judged the network; 0 where it did not.
        monotonic: Seconds on a clock that nobody sets.
    """
    started = monotonic()
    try:
        with threadpool_limits(limits=1, user_api="blas"):
            found = _analyse(learning, trained, evaluation, run, strength)
    except (ArithmeticError, LookupError, ValueError, OSError, MemoryError, np.linalg.LinAlgError):
        logger.warning("the analysis was left out", exc_info=True)
        return Analysis()
    return replace(found, seconds=monotonic() - started)


def _analyse(learning: LearningSet, trained: Trained, evaluation: Evaluation, run: Run, strength: float) -> Analysis:
    answers = answers_of_network(trained, evaluation, strength)
    if answers is None:
        return Analysis()
    certainty = _certainty(learning, answers, evaluation)
    is_done = _has_features(trained, answers)
    if run.stop_reason() is not None or not is_done or trained.store is None:
        return Analysis(suspects=_suspects(learning, answers, trained), certainty=certainty)
    whole = answers if answers.is_cross_validated else answers_of_features(learning, trained, run) or answers
    judged = whole.sample(run.seed)
    reading = trained.head.reading if answers.is_cross_validated else FEATURES
    features = trained.store.read_by(reading)
    groups = learning.kept_together[judged.rows]
    compared = units(np.asarray(features[judged.rows]), standard_of(features, judged.rows)[1])
    nearest = find_nearest(compared, judged.labels, groups, num_classes=len(learning.classes), seed=run.seed)
    strangers = tell_strangers(nearest, judged.labels, learning.classes)
    growth = None
    if judged.is_cross_validated and judged is whole:
        growth = _growth(learning, features, judged, run)
    return Analysis(
        suspects=_suspects(learning, whole, trained),
        certainty=replace(certainty, strangers=strangers),
        growth=growth,
        neighbours=_against_neighbours(
            nearest.voted == judged.labels[nearest.asked], judged.right[nearest.asked], groups[nearest.asked]
        ),
    )


def _has_features(trained: Trained, answers: Answers) -> bool:
    views = trained.head.reading.views if answers.is_cross_validated else 1
    return trained.store is not None and trained.store.is_done(answers.rows, views=views)


def _growth(learning: LearningSet, features: NDArray[np.float32], answers: Answers, run: Run) -> Growth | None:
    """Return the learning curve; ``None`` without its components being sought where it would take minutes."""
    if not is_affordable(len(answers.rows), features.shape[1], len(learning.classes)):
        return None
    curve = GrowthData(
        problem=_problem(learning, features, answers),
        groups=learning.kept_together[answers.rows],
        strength=answers.strength,
        right=answers.right,
        taken_for=answers.probabilities.argmax(axis=1),
        classes=learning.classes,
        seed=run.seed,
    )
    return learning_curve(curve, lambda: run.stop_reason() is None)


def _problem(learning: LearningSet, features: NDArray[np.float32], answers: Answers) -> Problem:
    num_classes = len(learning.classes)
    weights = class_weights(answers.labels.astype(np.int32), num_classes).astype(np.float64)
    return Problem(
        coordinates=principal_of(features, answers.rows).coordinates,
        labels=answers.labels,
        weights=weights[answers.labels],
        num_classes=num_classes,
    )


def _suspects(learning: LearningSet, answers: Answers, trained: Trained) -> Suspects:
    suspects, rows = find_suspects(learning, answers.rows, answers.labels, answers.probabilities)
    images = learning.images(trained.backbone.input_px)
    # Where a finished network is only delivered, what it learnt from was not decoded once more and is black.
    squares = (images[row] for row in rows[:NUM_THUMBNAILS])
    pictures = [thumbnail(square, THUMBNAIL_PX) if square.any() else "" for square in squares]
    shown = [
        replace(each, thumbnail_jpeg_base64=picture)
        for each, picture in zip(suspects.listed[:NUM_THUMBNAILS], pictures, strict=True)
    ]
    return replace(suspects, listed=(*shown, *suspects.listed[NUM_THUMBNAILS:]))


def _certainty(learning: LearningSet, answers: Answers, evaluation: Evaluation) -> Certainty:
    confidence, right = answers.probabilities.max(axis=1), answers.right
    weight = _weight(_dependence(learning, answers, evaluation.correlation))
    threshold, target = recommend(confidence, right, weight)
    of_test = evaluation.probabilities.max(axis=1)
    right_in_test = evaluation.probabilities.argmax(axis=1) == evaluation.labels
    of_test_images = Dependence(
        copies=evaluation.groups, given=evaluation.given_groups, correlation=evaluation.correlation
    )
    weight_of_test = _weight(of_test_images)
    tested = None if threshold is None else coverage_at(threshold, of_test, right_in_test, weight_of_test)
    return Certainty(
        num_images=len(answers.rows),
        is_cross_validated=answers.is_cross_validated,
        curve=coverage_curve(confidence, right, weight, and_at=threshold),
        threshold=threshold,
        target=target,
        tested=tested,
        sets=answer_sets(
            (evaluation.probabilities, evaluation.labels, evaluation.groups), (answers.probabilities, answers.labels)
        ),
        reliability=reliability(of_test, right_in_test, weight_of_test),
    )


def _dependence(learning: LearningSet, answers: Answers, correlation: float) -> Dependence:
    given = None if learning.given_groups is None else learning.given_groups[answers.rows]
    return Dependence(copies=learning.groups[answers.rows], given=given, correlation=correlation)


def _weight(dependence: Dependence) -> float:
    """Return what an image counts for, since some are right or wrong together."""
    return dependence.num_independent / max(1, len(dependence.copies))


def _against_neighbours(
    by_neighbours: NDArray[np.bool_], by_network: NDArray[np.bool_], groups: NDArray[np.int64]
) -> Neighbours:
    return Neighbours(
        num_images=len(groups),
        accuracy=float(by_neighbours.mean()),
        network_accuracy=float(by_network.mean()),
        p_value=mcnemar(*groups_that_differ(by_neighbours, by_network, groups)),
    )
