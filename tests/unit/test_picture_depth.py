"""Greys of more than 8 bits come out as light as they were meant, whichever part of 16 bits a sensor uses."""

import io
import struct
import zlib

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from services.trainer.data.pictures.image import ImageLimits, read_squares
from services.trainer.data.pictures.picture import read_pixels
from tests.archive_making import encoded

SIDE_PX = 64


def scene() -> NDArray[np.float64]:
    """Return a scene from dark to light, between 0 and 1."""
    down, across = np.mgrid[:SIDE_PX, :SIDE_PX] / (SIDE_PX - 1)
    return (down + across) / 2


def grey_of(values: NDArray[np.generic], kind: str = "PNG", **options: object) -> NDArray[np.uint8]:
    data = encoded(Image.fromarray(values), kind, **options)
    pixels = read_pixels(io.BytesIO(data))
    (square,) = read_squares(data, (SIDE_PX,), ImageLimits()).images
    assert np.array_equal(pixels, np.asarray(square))
    assert (pixels == pixels[..., :1]).all()
    return pixels[..., 0]


def basis_of(values: NDArray[np.generic], kind: str = "PNG") -> str:
    return read_squares(encoded(Image.fromarray(values), kind), (32,), ImageLimits()).basis


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_white_is_the_white_of_the_sensor(bits: int) -> None:
    values = np.rint(scene() * (2**bits - 1)).astype(np.uint16)
    assert np.abs(grey_of(values).astype(float) - scene() * 255).max() <= 1
    assert basis_of(values) == ("" if bits == 16 else f"{bits} bits")


@pytest.mark.parametrize("bits", [10, 12, 14])
@pytest.mark.parametrize("light", [0.3, 0.6, 0.97])
def test_pictures_of_one_camera_are_scaled_alike_whatever_the_light(bits: int, light: float) -> None:
    values = np.rint(scene() * light * (2**bits - 1)).astype(np.uint16)
    assert np.abs(grey_of(values).astype(float) - scene() * light * 255).max() <= 1


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_thermal_pictures_fill_all_greys_though_they_use_a_window_of_the_range(kind: str) -> None:
    values = np.rint(29_500 + scene() * 1_500).astype(np.uint16)
    grey = grey_of(values, kind)
    assert (grey.min(), grey.max()) == (0, 255)
    assert len(np.unique(grey)) > 120
    assert basis_of(values, kind) == "window"


def test_a_dead_and_a_hot_pixel_do_not_hide_the_picture() -> None:
    values = np.rint(29_500 + scene() * 1_500).astype(np.uint16)
    values[3, 4], values[50, 9] = 0, 65_535
    assert len(np.unique(grey_of(values))) > 120


def test_noise_of_an_even_wall_is_not_spread_to_black_and_white() -> None:
    values = (30_000 + np.random.default_rng(1).integers(0, 12, (SIDE_PX, SIDE_PX))).astype(np.uint16)
    assert np.ptp(grey_of(values).astype(int)) <= 12


@pytest.mark.parametrize(("value", "grey"), [(0, 0), (255, 255), (65_535, 255)])
def test_black_stays_black_and_white_white(value: int, grey: int) -> None:
    assert (grey_of(np.full((SIDE_PX, SIDE_PX), value, np.uint16)) == grey).all()


def test_temperatures_in_degrees_are_told_apart() -> None:
    assert len(np.unique(grey_of((20 + scene() * 15).astype(np.float32), "TIFF"))) > 120


@pytest.mark.parametrize("missing", [np.nan, np.inf, -np.inf, -9999.0, -3.4e38, 3.4e38])
def test_where_nothing_was_measured_is_black_and_the_rest_is_as_it_would_be(missing: float) -> None:
    values = scene().astype(np.float32)
    holes = np.zeros(values.shape, bool)
    holes[5:20, 30:60] = True
    whole = grey_of(values, "TIFF")
    values[holes] = missing
    grey = grey_of(values, "TIFF")
    assert not grey[holes].any()
    assert np.array_equal(grey[~holes], whole[~holes])


def test_a_value_that_a_geotiff_names_for_no_data_is_black_too() -> None:
    values = (scene() * 200).astype(np.float32)
    whole = grey_of(values, "TIFF")
    values[:9] = -500
    grey = grey_of(values, "TIFF", tiffinfo={42113: "-500"})
    assert not grey[:9].any()
    assert np.array_equal(grey[9:], whole[9:])


def test_a_picture_without_any_value_is_black() -> None:
    assert not grey_of(np.full((SIDE_PX, SIDE_PX), np.nan, np.float32), "TIFF").any()


def test_one_that_is_resampled_beyond_white_is_not_taken_for_another_range() -> None:
    values = scene().astype(np.float32)
    values[0, 0] = 1.02
    assert np.abs(grey_of(values, "TIFF").astype(float)[1:] - scene()[1:] * 255).max() <= 1


def colours_in_16_bits(values: NDArray[np.uint16], kind: str) -> bytes:
    """Return a file that Pillow does not write: colours of 16 bits, as a PNG or as a TIFF, packed or not."""
    height, width, num_channels = values.shape
    if kind == "png":
        rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
        header = struct.pack(">LLBBBBB", width, height, 16, {2: 4, 3: 2, 4: 6}[num_channels], 0, 0, 0)
        chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
        return b"\x89PNG\r\n\x1a\n" + b"".join(
            struct.pack(">L", len(body)) + name + body + struct.pack(">L", zlib.crc32(name + body))
            for name, body in chunks
        )
    order, mark = (">", b"MM") if kind == "big endian tiff" else ("<", b"II")
    pixels = values.astype(f"{order}u2").tobytes()
    pixels = zlib.compress(pixels) if kind == "packed tiff" else pixels
    at = 8 + len(pixels)
    tags = {256: width, 257: height, 258: at, 259: 8 if kind == "packed tiff" else 1, 262: 2, 273: 8, 277: num_channels}
    tags |= {278: height, 279: len(pixels)}
    bits = struct.pack(f"{order}{num_channels}H", *[16] * num_channels)
    entries = b"".join(
        struct.pack(f"{order}HHLL", tag, 3, num_channels, value)
        if tag == 258
        else struct.pack(f"{order}HHLL", tag, 4, 1, value)
        for tag, value in sorted(tags.items())
    )
    directory = struct.pack(f"{order}H", len(tags)) + entries + bytes(4)
    return struct.pack(f"{order}2sHL", mark, 42, at + len(bits)) + pixels + bits + directory


@pytest.mark.parametrize("kind", ["png", "tiff", "big endian tiff", "packed tiff"])
@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_colours_are_as_light_as_they_were_meant(kind: str, bits: int) -> None:
    meant = np.stack([scene(), scene()[::-1], scene().T * 0.5], axis=-1)
    data = colours_in_16_bits(np.rint(meant * (2**bits - 1)).astype(np.uint16), kind)
    (square,) = read_squares(data, (SIDE_PX,), ImageLimits()).images
    assert np.abs(np.asarray(square, float) - meant * 255).max() <= 1
    assert np.array_equal(np.asarray(square), read_pixels(io.BytesIO(data)))


def test_transparency_of_deep_colours_is_kept() -> None:
    meant = np.stack([scene(), scene(), scene(), np.ones_like(scene())], axis=-1)
    values = np.rint(meant * (1023, 1023, 1023, 65_535)).astype(np.uint16)
    values[:9, :, 3] = 0
    pixels = read_pixels(io.BytesIO(colours_in_16_bits(values, "png")))
    assert (pixels[:9] == 255).all()
    assert np.abs(pixels[9:, :, 0].astype(float) - scene()[9:] * 255).max() <= 1


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_transparent_greys_are_as_light_as_they_were_meant(bits: int) -> None:
    values = np.rint(np.stack([scene() * (2**bits - 1), np.full_like(scene(), 65_535)], axis=-1)).astype(np.uint16)
    values[:9, :, 1] = 0
    pixels = read_pixels(io.BytesIO(colours_in_16_bits(values, "png")))
    assert (pixels[:9] == 255).all()
    assert np.abs(pixels[9:].astype(float) - scene()[9:, :, None] * 255).max() <= 1
