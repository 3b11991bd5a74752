"""A picture becomes a square by means of pixels, without Keras; tests/keras holds it against Keras's own resize."""

import numpy as np
import pytest
from numpy.typing import NDArray

from services.trainer.data.resampling import resampling_matrix, resize


def whole_matrix(length: int, side: int) -> NDArray[np.float32]:
    first, matrix = resampling_matrix(length, side, range(side))
    assert first == 0
    return matrix


@pytest.mark.parametrize(("length", "side"), [(7, 7), (9, 4), (4, 9), (1, 5), (4000, 224), (224, 224), (1000, 299)])
def test_every_pixel_of_a_resampled_line_is_a_mean_of_pixels(length: int, side: int) -> None:
    matrix = whole_matrix(length, side)
    assert matrix.shape == (side, length)
    assert matrix.min() >= 0
    np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-5)


def test_a_picture_of_the_right_size_stays_as_it_is() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    np.testing.assert_array_equal(resize(pixels, 32), pixels.astype(np.float32))


def test_a_picture_of_half_the_length_weighs_pixels_by_their_distance() -> None:
    np.testing.assert_allclose(whole_matrix(8, 4)[1], np.array([0, 1, 3, 3, 1, 0, 0, 0]) / 8, atol=1e-6)


@pytest.mark.parametrize(("height", "width", "side"), [(2500, 20, 40), (33, 700, 40), (3, 2, 40), (1, 1, 33)])
def test_a_picture_is_resized_part_by_part_to_what_it_is_as_a_whole(height: int, width: int, side: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    whole = np.einsum("rh,cw,hwd->rcd", whole_matrix(height, side), whole_matrix(width, side), pixels, optimize=True)
    np.testing.assert_allclose(resize(pixels, side), whole, atol=1e-3)
