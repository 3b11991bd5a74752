"""What every fit of a head shares, against numpy and scipy."""

import numpy as np
import pytest
from scipy.special import log_softmax as reference

from services.trainer.fitting.standard import chunks_of, log_softmax, standard_of


def test_mean_and_deviation_are_those_of_all_rows_however_many_and_of_no_others() -> None:
    generator = np.random.default_rng(0)
    features = generator.normal((0.0, 5.0, -40.0), (0.5, 2.0, 7.0), (10_000, 3)).astype(np.float32)
    features[-1] = 1e6
    rows = generator.permutation(9_999)
    mean, deviation = standard_of(features, rows)
    assert (mean.dtype, deviation.dtype) == (np.float32, np.float32)
    assert mean == pytest.approx(features[rows].mean(axis=0, dtype=np.float64), rel=1e-5)
    assert deviation == pytest.approx(features[rows].std(axis=0, dtype=np.float64), rel=1e-4)
    assert np.concatenate(list(chunks_of(rows))).tolist() == rows.tolist()


def test_a_feature_that_hardly_ever_fires_is_not_blown_up() -> None:
    features = np.zeros((100, 3), np.float32)
    features[:50, 0], features[7, 1] = 8.0, 1e-6
    assert standard_of(features, np.arange(100))[1] == pytest.approx([4.0, 0.004, 0.004])
    nothing = standard_of(np.zeros((5, 2), np.float32), np.arange(5))[1]
    assert (nothing > 0).all()


def test_logarithms_of_probabilities_of_large_logits_are_finite() -> None:
    logits = np.array([[1e4, 0.0, -1e4], [-1e4, -1e4, -1e4], [0.1, 0.2, 0.3]])
    assert log_softmax(logits) == pytest.approx(reference(logits, axis=1))
