"""Pictures of where a network looks are bright there and dark elsewhere."""

import base64
from io import BytesIO

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from services.trainer.evaluation.lit_picture import lit, thumbnail

GREY = np.full((64, 64, 3), 200, np.uint8)


def pixels_of(picture: str) -> NDArray[np.int64]:
    return np.asarray(Image.open(BytesIO(base64.b64decode(picture))), np.int64)


def halves(left: float, right: float) -> NDArray[np.float32]:
    return np.repeat(np.array([[left, right]], np.float32), 4, axis=1).repeat(8, axis=0)


def test_what_speaks_for_the_class_stays_bright_and_what_speaks_against_it_is_dark() -> None:
    square = np.full((64, 64, 3), 200, np.uint8)
    heat = np.zeros((8, 8), np.float32)
    heat[:4, :4], heat[4:, 4:] = 1, -5
    shown = pixels_of(lit(square, heat, 64)).mean(axis=2)
    assert shown[4:24, 4:24].min() > 150
    assert shown[40:, 40:].max() < 90
    assert shown.shape == (64, 64)


def test_a_picture_in_which_nothing_speaks_for_the_class_is_dark_and_no_error() -> None:
    shown = pixels_of(lit(np.full((8, 8, 3), 200, np.uint8), np.zeros((3, 3)), 8))
    assert shown.max() < 90


def test_what_speaks_for_the_class_has_its_own_colours_a_little_warmer_and_the_rest_a_third_of_their_light() -> None:
    shown = pixels_of(lit(GREY, halves(1, 0.5), 64))
    np.testing.assert_allclose(shown[32, 8], [200 * 1.06, 200, 200 * 0.82], atol=2)
    np.testing.assert_allclose(shown[32, 56], [130 * 1.03, 130, 130 * 0.91], atol=2)
    shown = pixels_of(lit(GREY, halves(1, 0), 64))
    np.testing.assert_allclose(shown[32, 60], [60, 60, 60], atol=2)
    assert shown[..., 1].max() <= 204, "nothing is lit up beyond what it is"
    assert shown[..., 1].min() >= 56, "nor put out beside what is"


def test_white_stays_white_where_it_is_lit_up() -> None:
    white = np.full((64, 64, 3), 255, np.uint8)
    assert pixels_of(lit(white, halves(1, 1), 64))[..., 0].min() > 250


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_how_large_scores_are_is_no_matter(scale: float) -> None:
    assert lit(GREY, halves(1, 0.5) * np.float32(scale), 64) == lit(GREY, halves(1, 0.5), 64)


def test_a_single_place_leaves_no_other_in_the_dark() -> None:
    heat = halves(1, 0)
    heat[3, 3] = 1000
    assert lit(GREY, heat, 64) == lit(GREY, halves(1, 0), 64)


def test_a_thumbnail_keeps_the_shape_of_its_picture() -> None:
    assert pixels_of(thumbnail(np.full((50, 200, 3), 90, np.uint8), 40)).shape == (10, 40, 3)
    assert pixels_of(thumbnail(np.full((5, 20, 3), 90, np.uint8), 40)).shape == (5, 20, 3)
