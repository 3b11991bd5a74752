"""What more photographs would bring: heads fitted to parts of the kept features, and where that leads. Pure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.trainer.fitting.folds import deal_folds
from services.trainer.fitting.logistic import Problem, solve
from services.trainer.fitting.out_of_fold import Doubles
from services.trainer.fitting.principal import MOST_COMPONENTS
from services.trainer.fitting.temperature import Labels
from shared.job.findings.growth import ClassGrowth, Growth, GrowthPoint

SHARES = (0.25, 0.5)
"""Of what is learnt from, beside all of it."""
MOST_WORK = 2e7
"""Images times inputs times classes; beyond, fits to parts take minutes."""
_NUM_RESAMPLES = 300
_STEEPEST = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthData:
    """What heads are fitted to.

    Args:
        problem: All training and validation images; their standardised inputs by principal components.
        groups: Copies of one another, and what the person wants together, have the same number.
        strength: Of regularisation, as chosen for all.
        right: Whether each was read rightly by heads that learnt from all but its fold.
        taken_for: What each was taken for.
        classes: Names.
        seed: Of folds and parts.
    """

    problem: Problem
    groups: NDArray[np.int64]
    strength: float
    right: NDArray[np.bool_]
    taken_for: NDArray[np.int64]
    classes: tuple[str, ...]
    seed: int


def is_affordable(num_images: int, width: int, num_classes: int) -> bool:
    """Tell whether a learning curve takes seconds, not minutes; asked before its components are sought.

    Args:
        num_images: That are learnt from.
        width: Numbers that are read of each; beyond a bound, their main components alone.
        num_classes: Outputs.
    """
    return num_images * min(num_images, width, MOST_COMPONENTS) * num_classes <= MOST_WORK


def learning_curve(data: GrowthData, goes_on: Callable[[], bool] = lambda: True) -> Growth | None:
    """Return the learning curve; ``None`` where it would take too long, or was to be ended.

    Args:
        data: See there.
        goes_on: Asked between fits.
    """
    problem = data.problem
    if problem.coordinates.size * problem.num_classes > MOST_WORK:
        return None
    folds = deal_folds(problem.labels.astype(np.int32), data.groups, seed=data.seed)
    sizes, right = [], []
    for share in SHARES:
        part = _right_with(data, folds, share, goes_on)
        if part is None:
            return None
        sizes.append(part[0])
        right.append(part[1])
    learnt_from = len(folds) - np.mean([(folds == fold).sum() for fold in np.unique(folds)])
    sizes.append(float(learnt_from))
    answers = np.array([*right, data.right])
    return _growth(data, np.array(sizes), answers)


def _right_with(
    data: GrowthData, folds: NDArray[np.int64], share: float, goes_on: Callable[[], bool]
) -> tuple[float, NDArray[np.bool_]] | None:
    """Judge every fold by a head that learnt from a part of the others."""
    generator = np.random.default_rng(data.seed)
    right = np.zeros(len(folds), bool)
    sizes = []
    for fold in np.unique(folds):
        if not goes_on():
            return None
        learnt = _part(np.flatnonzero(folds != fold), data.problem.labels, share, generator)
        is_learnt = np.zeros(len(folds), bool)
        is_learnt[learnt] = True
        judged = folds == fold
        solution = solve(data.problem.of(is_learnt), data.strength)
        answers = solution.logits(data.problem.coordinates[judged]).argmax(axis=1)
        right[judged] = answers == data.problem.labels[judged]
        sizes.append(len(learnt))
    return float(np.mean(sizes)), right


def _part(
    rows: NDArray[np.int64],
    labels: Labels,
    share: float,
    generator: np.random.Generator,
) -> NDArray[np.int64]:
    """Return a share of every class, at least one image of each."""
    chosen = []
    for label in np.unique(labels[rows]):
        members = generator.permutation(rows[labels[rows] == label])
        chosen.append(members[: max(1, round(share * len(members)))])
    return np.concatenate(chosen)


def _growth(data: GrowthData, sizes: Doubles, answers: NDArray[np.bool_]) -> Growth:
    resampled = np.empty((_NUM_RESAMPLES, len(sizes) + 1))
    for line, errors in enumerate(_resampled_errors(answers, data.groups, data.seed)):
        resampled[line] = *(1 - errors), 1 - errors[-1] * 2 ** -steepness(sizes, errors)
    errors = 1 - answers.mean(axis=1)
    slope = steepness(sizes, errors)
    accuracies = [*(1 - errors), 1 - errors[-1] * 2**-slope]
    low, high = np.quantile(resampled, (0.025, 0.975), axis=0)
    points = tuple(
        GrowthPoint(num_images=round(float(size)), accuracy=float(each), interval=(float(least), float(most)))
        for size, each, least, most in zip([*sizes, 2 * sizes[-1]], accuracies, low, high, strict=True)
    )
    return Growth(points=points[:-1], doubled=points[-1], classes=_classes(data, sizes, answers, slope))


def _resampled_errors(answers: NDArray[np.bool_], groups: NDArray[np.int64], seed: int) -> Iterator[Doubles]:
    """Draw images anew with replacement, whole groups at a time; yield the share of errors of each line of answers."""
    member_of = np.unique(groups, return_inverse=True)[1]
    sizes = np.bincount(member_of)
    wrong = np.stack([np.bincount(member_of, weights=~each) for each in answers])
    generator = np.random.default_rng(seed)
    for _ in range(_NUM_RESAMPLES):
        drawn = generator.integers(0, len(sizes), len(sizes))
        yield wrong[:, drawn].sum(axis=1) / sizes[drawn].sum()


def steepness(sizes: Doubles, errors: Doubles) -> float:
    """Return the exponent b of errors that fall as ``size ** -b``, 0 to 1, by least squares of the logarithms.

    Source: Hestness et al., "Deep learning scaling is predictable, empirically", 2017 (arXiv:1712.00409).
    """
    least = np.maximum(errors, 1e-3)
    slope = -np.polyfit(np.log(sizes), np.log(least), 1)[0]
    return float(np.clip(slope, 0.0, _STEEPEST))


def _classes(data: GrowthData, sizes: Doubles, answers: NDArray[np.bool_], slope: float) -> tuple[ClassGrowth, ...]:
    """Return every class; its own slope counts for half, since it rests on few images."""
    told = []
    for label, name in enumerate(data.classes):
        members = data.problem.labels == label
        if not members.any():
            continue
        errors = 1 - answers[:, members].mean(axis=1)
        own = (slope + steepness(sizes, errors)) / 2
        told.append(
            ClassGrowth(
                name=name,
                num_images=int(members.sum()),
                found=float(1 - errors[-1]),
                found_doubled=float(1 - errors[-1] * 2**-own),
                taken_for=_taken_for(data.taken_for[members & ~data.right], data.classes),
            )
        )
    return tuple(sorted(told, key=lambda each: each.found))


def _taken_for(mistaken: NDArray[np.int64], classes: Sequence[str]) -> str:
    return classes[int(np.bincount(mistaken).argmax())] if len(mistaken) else ""
