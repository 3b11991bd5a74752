"""The squares that training sees are what the delivered network makes of the raw picture."""

import io

import numpy as np
import pytest
from keras.layers import Resizing
from numpy.typing import NDArray
from PIL import Image, ImageOps

from services.trainer.data.pictures.image import ImageLimits, read_squares
from tests.archive_making import encoded, photograph


def resized_by_keras(pixels: NDArray[np.uint8], px: int) -> NDArray[np.float32]:
    layer = Resizing(px, px, interpolation="bilinear", antialias=True)
    return np.asarray(layer(pixels[None].astype(np.float32)))[0]


def detailed(size: tuple[int, int]) -> Image.Image:
    """Return a picture with edges, texture and gradients at every scale, as photographs have."""
    layers = [photograph(seed, size=(max(2, size[0] // scale), max(2, size[1] // scale))) for seed, scale in SCALES]
    mean = np.mean([np.asarray(layer.resize(size, Image.Resampling.BICUBIC), np.float32) for layer in layers], axis=0)
    return Image.fromarray(mean.astype(np.uint8))


SCALES = ((1, 1), (2, 4), (3, 16), (4, 64))


@pytest.mark.parametrize("size", [(640, 480), (300, 451), (96, 50), (32, 32), (224, 224), (8, 900)])
@pytest.mark.parametrize("px", [96, 224])
def test_squares_are_what_the_resizing_layer_makes(size: tuple[int, int], px: int) -> None:
    picture = detailed(size)
    (square,) = read_squares(encoded(picture), (px,), ImageLimits()).images
    difference = np.abs(np.asarray(square, np.float32) - resized_by_keras(np.asarray(picture), px))
    assert difference.max() <= 1.5  # half a level of rounding after each of two passes, and half for uint8
    assert difference.mean() <= 0.5


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_photographs_are_upright_and_alike(orientation: int) -> None:
    picture = detailed((320, 200))
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(picture, exif=exif)
    (square,) = read_squares(data, (96,), ImageLimits()).images
    upright = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    assert np.abs(np.asarray(square, np.float32) - resized_by_keras(upright, 96)).max() <= 1.5


def test_big_jpegs_are_decoded_small_and_still_look_the_same() -> None:
    data = encoded(detailed((2400, 1800)), "JPEG", quality=92)
    (square,) = read_squares(data, (224,), ImageLimits()).images
    whole = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    difference = np.abs(np.asarray(square, np.float32) - resized_by_keras(whole, 224))
    assert difference.mean() <= 0.5
    assert difference.max() <= 3
