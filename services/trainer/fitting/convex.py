"""A head fitted to the end: strength of regularisation and levels chosen by cross-validation, then all images at once.

Training and validation images together are dealt into folds. Along a path of strengths, from strong to weak, every fold
is judged by a head that the other folds taught. What was judged best is fitted again to all of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from services.trainer.data.dataset import Indices
from services.trainer.fitting.folds import deal_folds
from services.trainer.fitting.logistic import Problem, Solution, solve, solve_all
from services.trainer.fitting.out_of_fold import OutOfFold, Tried, is_better
from services.trainer.fitting.principal import Principal, principal_of
from services.trainer.fitting.standard import class_weights
from services.trainer.fitting.temperature import fit_temperature
from services.trainer.run.device import num_cores
from services.trainer.zoo.head import Floats, Head, Reading
from shared.interval import num_independent
from shared.job.findings.training import CrossValidation, PathStep

STRENGTHS = tuple(float(f"{10**exponent:.2g}") for exponent in np.arange(-2, -6.6, -0.75))
"""Of the ridge penalty, strong to weak; inputs are scaled so that an image's squares add up to 1."""
_LARGE_WORK = 1.5e7
"""Images times components times classes from which folds are solved side by side; in smaller ones, threads wait for the
interpreter more than they multiply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvexData:
    """What a head is fitted to.

    Args:
        inputs: What it reads of all images, by the reading: ``(num_images, width) float32``, possibly memory-mapped.
        labels: ``(num_images,)``.
        groups: ``(num_images,)``; copies have the same number.
        rows: Images to learn from: training and validation.
        num_classes: Outputs.
        seed: Of the folds.
    """

    inputs: Callable[[Reading], Floats]
    labels: NDArray[np.int32]
    groups: NDArray[np.int64]
    rows: Indices
    num_classes: int
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvexFit:
    """A fitted head.

    Args:
        head: For inputs as they are, fitted to all rows; its temperature is from scores of images by heads that had
            not learnt from them.
        judged: How it was judged.
        out_of_fold: Image by image.
        train_accuracy: Of the head on the rows that it was fitted to.
    """

    head: Head
    judged: CrossValidation
    out_of_fold: OutOfFold
    train_accuracy: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Path:
    """One reading, judged along the strengths."""

    reading: Reading
    principal: Principal
    problem: Problem
    answers: tuple[OutOfFold, ...]
    steps: tuple[PathStep, ...]
    folds: NDArray[np.int64]

    @property
    def best(self) -> int:
        """Position of the strength of the least log loss."""
        losses = [step.log_loss for step in self.steps]
        return losses.index(min(losses))

    @property
    def out_of_fold(self) -> OutOfFold:
        return self.answers[self.best]


def fit_convex(
    data: ConvexData, readings: Sequence[Reading], *, goes_on: Callable[[], bool] = lambda: True
) -> ConvexFit:
    """Fit a head to whichever reading cross-validation favours, at the strength that it favours.

    Args:
        data: See there.
        readings: The simplest first; of those that cost the same, whichever is better is taken.
        goes_on: Asked between fits; once it answers no, what was judged so far decides.
    """
    # Matrices this small are multiplied many times faster by one thread than by several that wait for one another.
    with threadpool_limits(limits=1, user_api="blas"):
        return _refitted(*_best_path(data, readings, goes_on))


def fit_at(data: ConvexData, reading: Reading, strength: float) -> Head:
    """Fit a head to rows at a strength that is known; it has no temperature.

    Args:
        data: See there.
        reading: What it reads.
        strength: As cross-validation chose it, on about as many images.
    """
    with threadpool_limits(limits=1, user_api="blas"):
        principal = principal_of(data.inputs(reading), data.rows)
        labels = data.labels[data.rows]
        problem = Problem(
            coordinates=principal.coordinates,
            labels=labels,
            weights=class_weights(labels, data.num_classes).astype(np.float64)[labels],
            num_classes=data.num_classes,
        )
        solution = solve(problem, strength)
        return replace(principal.head_of(solution.kernel, solution.bias), reading=reading)


def _best_path(data: ConvexData, readings: Sequence[Reading], goes_on: Callable[[], bool]) -> tuple[_Path, Tried]:
    folds = deal_folds(data.labels[data.rows], data.groups[data.rows], seed=data.seed)
    best: _Path | None = None
    tried: list[OutOfFold] = []
    for reading in readings:
        if best is not None and not goes_on():
            break
        path = _judge(data, reading, folds, goes_on)
        tried += path.answers
        if best is None or is_better(path.out_of_fold, best.out_of_fold, errors=0.0):
            best = path
    if best is None:
        raise ValueError("received no readings, expected at least one")
    return best, Tried.of(tried)


def _judge(data: ConvexData, reading: Reading, folds: NDArray[np.int64], goes_on: Callable[[], bool]) -> _Path:
    """Follow the path of strengths, each fold from its solution for the strength before."""
    principal = principal_of(data.inputs(reading), data.rows)
    labels = data.labels[data.rows]
    weights = class_weights(labels, data.num_classes).astype(np.float64)[labels]
    problem = Problem(coordinates=principal.coordinates, labels=labels, weights=weights, num_classes=data.num_classes)
    num_sure = num_independent(np.unique(data.groups[data.rows], return_counts=True)[1].tolist())
    held_out = [folds == fold for fold in np.unique(folds)]
    learnt, num_threads = [~judged for judged in held_out], _num_threads(problem)
    solutions: list[Solution | None] = [None] * len(held_out)
    along: list[OutOfFold] = []
    steps: list[PathStep] = []
    for strength in STRENGTHS:
        solved = solve_all(problem, learnt, strength, solutions, num_threads=num_threads)
        scores = np.zeros((len(labels), data.num_classes))
        for judged, solution in zip(held_out, solved, strict=True):
            scores[judged] = solution.logits(problem.coordinates[judged])
        solutions = [*solved]
        answers = OutOfFold(rows=data.rows, labels=labels, logits=scores.astype(np.float32), num_independent=num_sure)
        along.append(answers)
        steps.append(
            PathStep(strength=strength, accuracy=float(answers.right.mean()), log_loss=float(answers.loss.mean()))
        )
        is_past_the_best = len(steps) > 1 and steps[-1].log_loss > steps[-2].log_loss
        if is_past_the_best or not goes_on():
            break
    return _Path(
        reading=reading,
        principal=principal,
        problem=problem,
        answers=tuple(along),
        steps=tuple(steps),
        folds=folds,
    )


def _num_threads(problem: Problem) -> int:
    return num_cores() if problem.coordinates.size * problem.num_classes > _LARGE_WORK else 1


def _refitted(path: _Path, tried: Tried) -> ConvexFit:
    """Fit the best of a path to all images."""
    problem, answers = path.problem, path.out_of_fold
    num_folds = len(np.unique(path.folds))
    # The sum of the losses grows with the images and the penalty does not.
    strength = path.steps[path.best].strength * (num_folds - 1) / num_folds
    solution = solve(problem, strength)
    learnt = solution.logits(problem.coordinates).argmax(axis=1)
    head = path.principal.head_of(solution.kernel, solution.bias)
    judged = CrossValidation(
        num_folds=num_folds,
        num_images=len(problem.labels),
        num_independent=answers.num_independent,
        accuracy=float(answers.right.mean()),
        accuracy_error=answers.standard_error(answers.right),
        log_loss=float(answers.loss.mean()),
        log_loss_error=answers.standard_error(answers.loss),
        strength=path.steps[path.best].strength,
        path=path.steps,
    )
    return ConvexFit(
        head=replace(head, reading=path.reading, temperature=fit_temperature(answers.logits, problem.labels)),
        judged=judged,
        out_of_fold=replace(answers, tried=tried),
        train_accuracy=float((learnt == problem.labels).mean()),
    )
