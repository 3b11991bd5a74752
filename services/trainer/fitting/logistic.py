"""Multinomial logistic regression with a ridge penalty, solved to its end: one head, whatever the start. Pure."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from services.trainer.fitting.standard import log_softmax
from services.trainer.fitting.temperature import Labels
from services.trainer.zoo.head import Floats

Doubles = NDArray[np.float64]
_MAX_STEPS = 300
_GRADIENT_TOLERANCE = 1e-4
_VALUE_TOLERANCE = 1e-6
_CURVATURE = 0.1
"""About how strongly the loss bends per unit of variance: p(1 - p) of a class that is neither sure nor ruled out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What a head is fitted to.

    Args:
        coordinates: ``(num_images, num_components) float32``, centred and uncorrelated, as principal components are;
            twice the precision would take twice the time, and the tolerances above need no more.
        labels: ``(num_images,)``.
        weights: ``(num_images,)``, of the images in the loss.
        num_classes: Outputs.
    """

    coordinates: Floats
    labels: Labels
    weights: Doubles
    num_classes: int

    def of(self, rows: NDArray[np.bool_]) -> "Problem":
        """Return the problem of some of the images."""
        return Problem(
            coordinates=self.coordinates[rows],
            labels=self.labels[rows],
            weights=self.weights[rows],
            num_classes=self.num_classes,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """A fitted head.

    Args:
        kernel: ``(num_components, num_classes)``.
        bias: ``(num_classes,)``.
    """

    kernel: Doubles
    bias: Doubles

    def logits(self, coordinates: Floats) -> Doubles:
        """Return scores before the softmax, ``(num_images, num_classes)``."""
        scores: Doubles = coordinates @ self.kernel.astype(np.float32) + self.bias
        return scores


def solve(problem: Problem, strength: float, start: Solution | None = None) -> Solution:
    """Minimise the weighted mean cross-entropy plus ``strength / 2`` times the sum of the kernel's squares.

    Args:
        problem: See there.
        strength: Greater than 0.
        start: Where to begin, such as the solution for a strength nearby; it changes the time and not the result.
    """
    inputs = problem.coordinates
    shares = (problem.weights / problem.weights.sum()).astype(np.float32)
    targets = np.zeros((len(inputs), problem.num_classes), np.float32)
    targets[np.arange(len(inputs)), problem.labels] = 1.0
    num_components = inputs.shape[1]
    # Steps along components that vary little would have to be long; in these units all are alike.
    variances = np.square(problem.coordinates).mean(axis=0, dtype=np.float64)
    units = 1.0 / np.sqrt(_CURVATURE * variances + strength)

    def loss(flat: Doubles) -> tuple[float, Doubles]:
        values = flat.reshape(num_components + 1, -1)
        kernel = units[:, None] * values[:-1]
        logarithms = log_softmax(inputs @ kernel.astype(np.float32) + values[-1].astype(np.float32))
        cross_entropy = -float((shares[:, None] * targets * logarithms).sum(dtype=np.float64))
        errors = shares[:, None] * (np.exp(logarithms) - targets)
        slope = np.empty_like(values)
        slope[:-1] = units[:, None] * (inputs.T @ errors + strength * kernel)
        slope[-1] = errors.sum(axis=0)
        return cross_entropy + strength / 2 * float(np.square(kernel).sum()), slope.ravel()

    first = np.zeros((num_components + 1, problem.num_classes))
    if start is not None:
        first[:-1], first[-1] = start.kernel / units[:, None], start.bias
    options = {"maxiter": _MAX_STEPS, "gtol": _GRADIENT_TOLERANCE, "ftol": _VALUE_TOLERANCE}
    found = minimize(loss, first.ravel(), jac=True, method="L-BFGS-B", options=options).x
    values = found.reshape(num_components + 1, -1)
    return Solution(kernel=units[:, None] * values[:-1], bias=values[-1])


def solve_all(
    problem: Problem,
    parts: Sequence[NDArray[np.bool_]],
    strength: float,
    starts: Sequence[Solution | None],
    *,
    num_threads: int,
) -> list[Solution]:
    """Solve a problem for several parts of its images; what comes out does not depend on the number of threads.

    Args:
        problem: See there.
        parts: Which images, one after the other.
        strength: See :func:`solve`.
        starts: Likewise, one for each.
        num_threads: So many parts are solved at a time.
    """

    def solve_one(rows: NDArray[np.bool_], start: Solution | None) -> Solution:
        return solve(problem.of(rows), strength, start)

    with ThreadPoolExecutor(max(1, min(num_threads, len(parts)))) as threads:
        return list(threads.map(solve_one, parts, starts))
