"""A picture becomes a square by means of pixels, without Keras; tests/keras holds it against Keras's own resize."""

import numpy as np
import pytest

from services.trainer.data.resampling import resampling_matrix, resize


@pytest.mark.parametrize(("length", "side"), [(7, 7), (9, 4), (4, 9), (1, 5), (4000, 224), (224, 224), (1000, 299)])
def test_every_pixel_of_a_resampled_line_is_a_mean_of_pixels(length: int, side: int) -> None:
    matrix = resampling_matrix(length, side)
    assert matrix.shape == (side, length)
    assert matrix.min() >= 0
    np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-5)


def test_a_picture_of_the_right_size_stays_as_it_is() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    np.testing.assert_array_equal(resize(pixels, 32), pixels.astype(np.float32))


def test_a_picture_of_half_the_length_weighs_pixels_by_their_distance() -> None:
    np.testing.assert_allclose(resampling_matrix(8, 4)[1], np.array([0, 1, 3, 3, 1, 0, 0, 0]) / 8, atol=1e-6)


def test_a_high_picture_is_resized_strip_by_strip_to_the_same() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2500, 20, 3), dtype=np.uint8)
    whole = np.einsum("rh,hwc->rwc", resampling_matrix(2500, 8), pixels.astype(np.float32))
    np.testing.assert_allclose(resize(pixels, 8), np.einsum("cw,rwd->rcd", resampling_matrix(20, 8), whole), atol=1e-3)
