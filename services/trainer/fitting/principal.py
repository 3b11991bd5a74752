"""Standardised inputs by their principal components: as many numbers as there are images at most, and nothing lost.

The best head of a ridge-penalised problem is a combination of the images it learns from (the representer theorem), so a
fit among the components finds the same head as one among all inputs, in a fraction of the time.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from services.trainer.data.dataset import Indices
from services.trainer.fitting.standard import standard_of, unstandardised
from services.trainer.zoo.head import Floats, Head

MOST_COMPONENTS = 2000
"""The most that are kept; of thousands of images those that vary less are hardly more than noise, and cost the most."""
_WHOLE_UP_TO = 5000
"""Order of a matrix up to which all of its components are sought and the greatest kept. Of 2,125, seeking 2,000 alone
takes four times as long: LAPACK then finds them one by one. Beyond, what all of them take in memory decides."""
_LEAST_VARIANCE = 1e-9
"""Components of a smaller share of the greatest variance are rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Inputs of some images, standardised, then turned onto their principal components.

    They are scaled such that the squares of an image's coordinates add up to 1 on average: strengths of regularisation
    then mean the same for inputs of any width.

    Args:
        coordinates: ``(num_images, num_components) float32``.
        inputs: ``(num_images, width) float32``, standardised and scaled; ``None`` where the basis is one of inputs.
        basis: From standardised inputs to coordinates, ``(width, num_components) float64``; or, where there are more
            inputs than images, of which images' inputs it is made, ``(num_images, num_components) float64``.
        mean: Of the inputs.
        spread: Of the inputs.
    """

    coordinates: Floats
    inputs: Floats | None
    basis: NDArray[np.float64]
    mean: Floats
    spread: Floats

    def head_of(self, kernel: NDArray[np.float64], bias: NDArray[np.float64]) -> Head:
        """Return the head for inputs as they are that does what this one does for coordinates."""
        turned = (self.basis @ kernel).astype(np.float32)
        turned = turned if self.inputs is None else self.inputs.T @ turned
        return unstandardised(Head(kernel=turned, bias=bias.astype(np.float32)), self.mean, self.spread)


def principal_of(features: Floats, rows: Indices, *, most: int = MOST_COMPONENTS) -> Principal:
    """Turn the inputs of some images onto their principal components.

    Args:
        features: ``(num_images, width) float32``, possibly memory-mapped; only the rows named are read.
        rows: Which images.
        most: Components that are kept at most.
    """
    mean, spread = standard_of(features, rows)
    values = np.array(features[rows], np.float32)
    values -= mean
    values /= spread
    scale = np.float32(1.0 / np.sqrt(max(np.vdot(values, values) / len(rows), np.finfo(np.float32).tiny)))
    values *= scale
    wide = values.shape[1] > values.shape[0]
    variances, vectors = _leading((values @ values.T if wide else values.T @ values).astype(np.float64), most)
    roots = np.sqrt(variances)
    return Principal(
        coordinates=(vectors * roots).astype(np.float32) if wide else values @ vectors.astype(np.float32),
        inputs=values if wide else None,
        basis=scale * (vectors / roots if wide else vectors),
        mean=mean,
        spread=spread,
    )


def _leading(gram: NDArray[np.float64], most: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the components that vary most, the first first: their variances, and their vectors side by side."""
    variances, vectors = eigh(gram, subset_by_index=sought(len(gram), most), overwrite_a=True)
    kept = variances > _LEAST_VARIANCE * max(variances[-1], np.finfo(np.float64).tiny)
    kept[:-most] = False
    return variances[kept][::-1], vectors[:, kept][:, ::-1]


def sought(order: int, most: int) -> tuple[int, int] | None:
    """Return which components of a matrix are sought, the first and the last in ascending order; ``None``: all.

    Args:
        order: Of the matrix.
        most: That are kept.
    """
    return None if order <= max(most, _WHOLE_UP_TO) else (order - most, order - 1)
