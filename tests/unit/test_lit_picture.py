"""Pictures of where a network looks are bright there and dark elsewhere."""

import base64
from io import BytesIO

import numpy as np
from PIL import Image

from services.trainer.evaluation.lit_picture import lit


def test_what_speaks_for_the_class_stays_bright_and_what_speaks_against_it_is_dark() -> None:
    square = np.full((64, 64, 3), 200, np.uint8)
    heat = np.zeros((8, 8), np.float32)
    heat[:4, :4], heat[4:, 4:] = 1, -5
    shown = np.asarray(Image.open(BytesIO(base64.b64decode(lit(square, heat, 64)))), int).mean(axis=2)
    assert shown[4:24, 4:24].min() > 150
    assert shown[40:, 40:].max() < 90
    assert shown.shape == (64, 64)


def test_a_picture_in_which_nothing_speaks_for_the_class_is_dark_and_no_error() -> None:
    shown = np.asarray(
        Image.open(BytesIO(base64.b64decode(lit(np.full((8, 8, 3), 200, np.uint8), np.zeros((3, 3)), 8))))
    )
    assert shown.max() < 90
