"""Published scores that foretell how well features transfer, without fitting a head to its end. Pure.

Each is the higher, the better, and comparable between backbones on the same images only.
"""

import numpy as np
from numpy.typing import NDArray

from services.trainer.fitting.temperature import Labels

Doubles = NDArray[np.float64]
_MAX_ROUNDS = 50
_TOLERANCE = 1e-4
_TINY = 1e-12
_SMOOTHING = 1e-3
"""Added to each of the mean features before they are compared, as a share of their mean: none of them is then 0."""


def log_me(features: Doubles, labels: Labels, num_classes: int) -> float:
    """Return the mean logarithm of the evidence of a linear model per class, per image.

    Args:
        features: ``(num_images, width)``.
        labels: ``(num_images,)``.
        num_classes: At least 2.

    Source: You et al., "LogME: practical assessment of pre-trained models for transfer learning", arXiv:2102.11005,
    algorithm 1, with its fixed-point iteration.
    """
    values = np.asarray(features, np.float64)
    left, singular, right = np.linalg.svd(values, full_matrices=False)
    del right
    squares = np.square(singular)
    targets = np.eye(num_classes)[labels]
    return float(np.mean([_evidence(values.shape, left, squares, target) for target in targets.T]))


def _evidence(shape: tuple[int, ...], left: Doubles, squares: Doubles, target: Doubles) -> float:
    """Return the logarithm of the evidence of one target, per image."""
    num_images, width = shape
    turned = np.square(left.T @ target)
    outside = max(float(target @ target - turned.sum()), 0.0)
    alpha, beta = 1.0, 1.0
    for _ in range(_MAX_ROUNDS):
        ratio = alpha / beta
        gamma = float((squares / (squares + ratio)).sum())
        length = max(float((squares * turned / np.square(squares + ratio)).sum()), 1e-12)
        residual = max(float((turned / np.square(1 + squares / ratio)).sum()) + outside, 1e-12)
        alpha, beta = max(gamma, _TINY) / length, max(num_images - gamma, _TINY) / residual
        alpha = max(alpha, _TINY * beta)  # features that are all zero explain nothing
        if abs(alpha / beta - ratio) <= _TOLERANCE * ratio:
            break
    ratio = alpha / beta
    length = float((squares * turned / np.square(squares + ratio)).sum())
    residual = float((turned / np.square(1 + squares / ratio)).sum()) + outside
    evidence = (
        width / 2 * np.log(alpha)
        + num_images / 2 * np.log(beta)
        - (np.log(alpha + beta * squares).sum() + (width - len(squares)) * np.log(alpha)) / 2
        - beta / 2 * residual
        - alpha / 2 * length
        - num_images / 2 * np.log(2 * np.pi)
    )
    return float(evidence) / num_images


def h_score(features: Doubles, labels: Labels) -> float:
    """Return the regularised H-score: how far class means are apart, in units of the shrunk covariance.

    Args:
        features: ``(num_images, width)``.
        labels: ``(num_images,)``.

    Source: Ibrahim, Ponomareva, Mazumder, "Newer is not always better: rethinking transferability metrics, their
    peculiarities, stability and performance", arXiv:2110.06893; shrinkage of Ledoit and Wolf, 2004.
    """
    values = np.asarray(features, np.float64)
    values = values - values.mean(axis=0)
    num_images, width = values.shape
    kernel = values @ values.T / num_images
    trace = float(np.trace(kernel))
    mean_variance = trace / width
    distance = float(np.square(kernel).sum()) - trace**2 / width
    lengths = np.square(values).sum(axis=1)
    noise = (float(np.square(lengths).sum()) / num_images - float(np.square(kernel).sum())) / num_images
    shrinkage = 1.0 if distance <= 0 else min(1.0, max(0.0, noise / distance))
    means = np.stack([values[labels == label].mean(axis=0) for label in labels])
    # The covariance has at most as many directions as there are images; in all others only the shrinkage is left.
    variances, vectors = np.linalg.eigh(kernel)
    kept = variances > 1e-10 * max(float(variances[-1]), 1e-300)
    basis = values.T @ (vectors[:, kept] / np.sqrt(variances[kept] * num_images))
    shrunk = (1 - shrinkage) * variances[kept] + shrinkage * mean_variance
    return float((1 - shrinkage) * (np.square(means @ basis) / shrunk).sum() / num_images)


def sfda(features: Doubles, labels: Labels, num_classes: int) -> float:
    """Return the self-challenging Fisher score: mean log-probability of the classes after a regularised discriminant.

    Args:
        features: ``(num_images, width)``.
        labels: ``(num_images,)``.
        num_classes: At least 2.

    Source: Shao et al., "Not all models are equal: predicting model transferability in a self-challenging Fisher
    space", arXiv:2207.03036, sections 3.2 and 3.3, on the features' principal components.
    """
    values = _principal(np.asarray(features, np.float64))
    first = _fisher(values, labels, num_classes)
    confident = np.exp(first)[np.arange(len(labels)), labels][:, None]
    centres = np.stack([values[labels == label].mean(axis=0) for label in labels])
    challenged = confident * values + (1 - confident) * centres
    second = _fisher(challenged, labels, num_classes)
    return float(second[np.arange(len(labels)), labels].mean())


def p2l(features: Doubles, source_means: Doubles) -> float:
    """Return P2L, adapted to candidates that were all pre-trained on one set: how near the images are to that set.

    P2L weighs the size of a source set against the Kullback-Leibler divergence between mean features. Of one set the
    size is the same for all candidates and left out. What is left is the divergence, here of what each candidate itself
    makes of both, with its sign turned.

    Args:
        features: ``(num_images, width)``.
        source_means: ``(width,)``, means of the features over the set that the network was pre-trained on.

    Source: Bhattacharjee et al., "P2L: predicting transfer learning for images and semantic relations",
    arXiv:1908.07630.
    """
    target, source = _shares(np.asarray(features, np.float64).mean(axis=0)), _shares(source_means)
    return -float((target * np.log(target / source)).sum())


def _shares(means: Doubles) -> Doubles:
    """Return mean features as shares of their sum, none of them 0."""
    positive = np.maximum(np.asarray(means, np.float64), 0.0)
    smooth = positive + max(_SMOOTHING * float(positive.mean()), _TINY)
    shares: Doubles = smooth / smooth.sum()
    return shares


def _principal(values: Doubles) -> Doubles:
    """Return centred values by their principal components, no more of them than there are images."""
    left, singular, right = np.linalg.svd(values - values.mean(axis=0), full_matrices=False)
    del right
    turned: Doubles = left * singular
    return turned


def _fisher(values: Doubles, labels: Labels, num_classes: int) -> Doubles:
    """Return log-probabilities ``(num_images, num_classes)`` of a linear discriminant of shrunk within-scatter."""
    present = np.unique(labels)
    centres = np.zeros((num_classes, values.shape[1]))
    for label in present:
        centres[label] = values[labels == label].mean(axis=0)
    spread = values - centres[labels]
    within = spread.T @ spread / len(values)
    strength = np.exp(-max(float(np.linalg.norm(within, 2)), 1e-12))
    within = (1 - strength) * within + strength * np.eye(len(within))
    kernel = np.linalg.solve(within, centres.T)
    counts = np.bincount(labels, minlength=num_classes)
    priors = np.log(np.maximum(counts, 1e-300) / len(labels))
    scores = values @ kernel - 0.5 * (centres.T * kernel).sum(axis=0) + priors
    scores -= scores.max(axis=1, keepdims=True)
    logarithms: Doubles = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    return logarithms
