"""Standardised inputs by their principal components: as many numbers as there are images at most, and nothing lost.

The best head of a ridge-penalised problem is a combination of the images it learns from (the representer theorem), so a
fit among the components finds the same head as one among all inputs, in a fraction of the time.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.trainer.data.dataset import Indices
from services.trainer.fitting.standard import standard_of, unstandardised
from services.trainer.zoo.head import Floats, Head

_LEAST_VARIANCE = 1e-9
"""Components of a smaller share of the greatest variance are rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Inputs of some images, standardised, then turned onto their principal components.

    They are scaled such that the squares of an image's coordinates add up to 1 on average: strengths of regularisation
    then mean the same for inputs of any width.

    Args:
        coordinates: ``(num_images, num_components) float64``.
        basis: ``(width, num_components) float64``: from standardised inputs to coordinates.
        mean: Of the inputs.
        spread: Of the inputs.
    """

    coordinates: NDArray[np.float64]
    basis: NDArray[np.float64]
    mean: Floats
    spread: Floats

    def head_of(self, kernel: NDArray[np.float64], bias: NDArray[np.float64]) -> Head:
        """Return the head for inputs as they are that does what this one does for coordinates."""
        turned = Head(kernel=(self.basis @ kernel).astype(np.float32), bias=bias.astype(np.float32))
        return unstandardised(turned, self.mean, self.spread)


def principal_of(features: Floats, rows: Indices) -> Principal:
    """Turn the inputs of some images onto their principal components.

    Args:
        features: ``(num_images, width) float32``, possibly memory-mapped; only the rows named are read.
        rows: Which images.
    """
    mean, spread = standard_of(features, rows)
    values = (np.asarray(features[rows]) - mean) / spread
    scale = 1.0 / np.sqrt(max(np.square(values).sum() / len(rows), np.finfo(np.float32).tiny))
    values *= np.float32(scale)
    wide = values.shape[1] > values.shape[0]
    gram = (values @ values.T if wide else values.T @ values).astype(np.float64)
    variances, vectors = np.linalg.eigh(gram)
    kept = variances > _LEAST_VARIANCE * max(variances[-1], np.finfo(np.float64).tiny)
    variances, vectors = variances[kept][::-1], vectors[:, kept][:, ::-1]
    basis = values.T.astype(np.float64) @ (vectors / np.sqrt(variances)) if wide else vectors
    coordinates = vectors * np.sqrt(variances) if wide else values.astype(np.float64) @ vectors
    return Principal(coordinates=coordinates, basis=scale * basis, mean=mean, spread=spread)
