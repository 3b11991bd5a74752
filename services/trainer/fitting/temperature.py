"""How sure a head may be: its scores divided by one number. Pure."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

Labels = NDArray[np.integer[Any]]
"""``(num_images,)``, positions in the list of classes."""
Logits = NDArray[np.floating[Any]]
"""``(num_images, num_classes)``, unnormalised log-probabilities."""

TEMPERATURES = (0.1, 10.0)
"""Search range; beyond it the fit says more about too few images than about the network."""


def probabilities(logits: Logits, temperature: float = 1.0) -> NDArray[np.float64]:
    """Return softmax(logits / temperature), ``(num_images, num_classes)``."""
    result: NDArray[np.float64] = softmax(np.asarray(logits, dtype=np.float64) / temperature, axis=1)
    return result


def fit_temperature(logits: Logits, labels: Labels) -> float:
    """Return the temperature that makes confidence on these images match how often they are read rightly.

    The target of the right class is ``(n + 1) / (n + 2)`` and not 1: where all n images are read rightly, likelihood
    alone would drive the temperature to 0 and confidence to certainty, which n images cannot support.

    Args:
        logits: Of images the network was not fitted on, such as the validation split.
        labels: Their classes.

    Returns:
        A number within :data:`TEMPERATURES`.

    Source: Guo et al., "On calibration of modern neural networks", ICML 2017 (arXiv:1706.04599); the targets are
    those of Platt, "Probabilistic outputs for support vector machines", 1999, section 2.2.
    """
    num_images, num_classes = logits.shape
    wide = np.asarray(logits, dtype=np.float64)
    doubt = 1.0 / (num_images + 2)
    targets = np.full((num_images, num_classes), doubt / (num_classes - 1))
    targets[np.arange(num_images), labels] = 1.0 - doubt

    def cross_entropy(log_temperature: float) -> float:
        return float(-np.mean(np.sum(targets * log_softmax(wide / np.exp(log_temperature), axis=1), axis=1)))

    low, high = np.log(TEMPERATURES)
    return float(np.exp(minimize_scalar(cross_entropy, bounds=(low, high), method="bounded").x))
