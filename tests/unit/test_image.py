"""Every kind of file and pixel becomes the upright RGB picture a person sees, or a reason that says why not."""

import io
import random
import warnings

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps

from services.trainer.data.pictures.formats import FORMATS
from services.trainer.data.pictures.image import ImageLimits, UnusableImage, read_squares
from tests.archive_making import encoded, files_of_all_modes, huge_png, photograph

PX = 32
LIMITS = ImageLimits()
Pixels = NDArray[np.uint8]


def read(data: bytes, px: int = PX) -> Pixels:
    (square,) = read_squares(data, (px,), LIMITS).images
    assert square.mode == "RGB"
    return np.asarray(square)


def picture(mode: str = "RGB") -> Image.Image:
    """Return a picture that already has the size it is read at, so that pixels can be compared exactly."""
    return photograph(7, (PX, PX), mode)


def gradient() -> Pixels:
    return np.arange(PX * PX, dtype=np.uint32).reshape(PX, PX)


def grey(values: NDArray[np.generic]) -> Pixels:
    return np.repeat(values.astype(np.uint8)[..., None], 3, axis=2)


def white_below(colour: Pixels, alpha: Pixels) -> NDArray[np.float64]:
    share = alpha[..., None] / 255
    return colour * share + 255 * (1 - share)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM"])
def test_plain_colour_comes_through_untouched(kind: str) -> None:
    assert np.array_equal(read(encoded(picture(), kind)), np.asarray(picture()))


@pytest.mark.parametrize(("kind", "options"), [("JPEG", {"quality": 95}), ("WEBP", {"quality": 95})])
def test_lossy_files_stay_close(kind: str, options: dict[str, int]) -> None:
    difference = np.abs(read(encoded(picture(), kind, **options)).astype(int) - np.asarray(picture(), int))
    assert difference.mean() < 6


@pytest.mark.parametrize("mode", ["L", "1"])
def test_grey_and_black_and_white_fill_all_three_colours(mode: str) -> None:
    assert np.array_equal(read(encoded(picture(mode))), np.asarray(picture(mode).convert("RGB")))


def test_palette_colours_are_looked_up() -> None:
    palette = picture().convert("P", palette=Image.Palette.ADAPTIVE, colors=16)
    assert np.array_equal(read(encoded(palette)), np.asarray(palette.convert("RGB")))


def test_transparent_palette_entries_become_white() -> None:
    palette = picture().convert("P", palette=Image.Palette.ADAPTIVE, colors=16)
    seen = np.where((np.asarray(palette) == 3)[..., None], 255, np.asarray(palette.convert("RGB")))
    assert np.array_equal(read(encoded(palette, transparency=3)), seen)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_lies_over_white(mode: str) -> None:
    alpha = (gradient() % 256).astype(np.uint8)
    image = picture(mode)
    image.putalpha(Image.fromarray(alpha))
    expected = white_below(np.asarray(picture(mode[:-1]).convert("RGB")), alpha)
    assert np.abs(read(encoded(image)) - expected).max() <= 1


def test_a_transparent_colour_becomes_white() -> None:
    pixels = np.asarray(picture()).copy()
    pixels[:4] = (1, 2, 3)
    seen = pixels.copy()
    seen[:4] = 255
    assert np.array_equal(read(encoded(Image.fromarray(pixels), transparency=(1, 2, 3))), seen)


def test_printing_colours_become_screen_colours() -> None:
    inks = {(0, 0, 0, 0): (255, 255, 255), (255, 0, 0, 0): (0, 255, 255), (0, 255, 255, 0): (255, 0, 0)}
    for ink, colour in (inks | {(0, 0, 0, 255): (0, 0, 0)}).items():
        assert (read(encoded(Image.new("CMYK", (PX, PX), ink), "TIFF")) == colour).all()


def test_a_printing_jpeg_is_not_a_negative() -> None:
    data = encoded(Image.new("CMYK", (PX, PX), (0, 255, 255, 0)), "JPEG", quality=95)
    assert np.abs(read(data).astype(int) - (255, 0, 0)).max() <= 4


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_16_bits_are_scaled_to_8(kind: str) -> None:
    deep = (gradient() * 64).astype(np.uint16)
    assert deep.max() > 65_000
    expected = grey(np.rint(deep / 257))
    assert np.array_equal(read(encoded(Image.fromarray(deep), kind)), expected)


def test_big_endian_16_bits_are_scaled_to_8() -> None:
    deep = (gradient() * 64).astype(">u2")
    image = Image.frombytes("I;16B", (PX, PX), deep.tobytes())
    assert np.array_equal(read(encoded(image, "TIFF")), grey(np.rint(deep / 257)))


@pytest.mark.parametrize(
    ("highest", "white"), [(1.0, 1), (255.0, 255), (900.0, 1023), (0.5, 1), (0.1, 0.25), (3.0, 4), (100.0, 255)]
)
def test_fractions_are_spread_over_8_bits(highest: float, white: float) -> None:
    values = np.linspace(0, highest, PX * PX, dtype=np.float32).reshape(PX, PX)
    expected = grey(np.rint(values / white * 255))
    assert np.abs(read(encoded(Image.fromarray(values), "TIFF")).astype(int) - expected).max() <= 1


def test_values_below_zero_are_told_apart() -> None:
    values = np.linspace(-0.8, 0.8, PX * PX, dtype=np.float32).reshape(PX, PX)
    expected = grey(np.rint((values + 1) / 2 * 255))
    assert np.abs(read(encoded(Image.fromarray(values), "TIFF")).astype(int) - expected).max() <= 1


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_an_animation_the_first_frame_counts(kind: str) -> None:
    frames = [Image.new("RGB", (PX, PX), colour) for colour in ("red", "lime", "blue")]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    assert (read(data) == (255, 0, 0)).all()


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_photographs_stand_upright(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(picture(), kind, exif=exif, **options)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data)).convert("RGB"))
    if orientation > 1 and kind == "PNG":
        assert not np.array_equal(np.asarray(upright), np.asarray(picture()))
    assert np.array_equal(read(data), np.asarray(upright))


def test_every_size_is_made_from_the_picture_itself() -> None:
    image = photograph(9, (300, 200))
    for square, px in zip(read_squares(encoded(image), (224, 32, 96), LIMITS).images, (224, 32, 96), strict=True):
        assert np.array_equal(np.asarray(square), np.asarray(image.resize((px, px), Image.Resampling.BILINEAR)))


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "image_empty"),
        (b"no picture at all", "not_an_image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not_an_image"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "image_corrupt"),
        (encoded(photograph(1), "JPEG")[:20], "image_corrupt"),
        (encoded(photograph(1, (300, 300)), "JPEG")[:4000], "image_corrupt"),
        (encoded(photograph(1))[:-60], "image_corrupt"),
        (encoded(photograph(1, (1, 1))), "image_too_small"),
        (encoded(photograph(1, (500, 7))), "image_too_small"),
        (encoded(Image.new("1", (12_001, 10))), "image_too_large"),
        (huge_png(), "image_too_large"),
    ],
)
def test_what_cannot_be_used_says_why(data: bytes, code: str) -> None:
    with pytest.raises(UnusableImage) as caught:
        read(data)
    assert caught.value.code == code
    assert caught.value.reason.endswith(".")
    assert caught.value.fix.endswith(".")


def test_the_number_of_pixels_is_judged_before_they_are_decoded() -> None:
    header_only = encoded(Image.new("1", (11_000, 11_000)), compress_level=1)[:100]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with pytest.raises(UnusableImage, match=r"11000 x 11000 pixels.*64,000,000"):
            read(header_only)


def test_of_a_big_jpeg_only_as_many_pixels_count_as_are_decoded() -> None:
    data = encoded(Image.new("RGB", (2400, 1800), "teal"), "JPEG")
    (square,) = read_squares(data, (96,), ImageLimits(max_pixels=1200 * 900)).images
    assert square.getpixel((50, 50)) == Image.open(io.BytesIO(data)).getpixel((50, 50))


@pytest.mark.parametrize("sizes_px", [(32,), (224,), (224, 299)], ids=str)
def test_whether_a_jpeg_is_too_big_does_not_depend_on_the_candidates(sizes_px: tuple[int, ...]) -> None:
    data = encoded(Image.new("RGB", (2400, 1800), "teal"), "JPEG")
    read_squares(data, sizes_px, ImageLimits(max_pixels=1200 * 900))
    with pytest.raises(UnusableImage, match="at most 1,079,999"):
        read_squares(data, sizes_px, ImageLimits(max_pixels=1200 * 900 - 1))


@pytest.mark.parametrize("others_px", [(), (96,), (299,)], ids=str)
def test_what_a_network_sees_does_not_depend_on_the_other_candidates(others_px: tuple[int, ...]) -> None:
    data = encoded(photograph(8, (1500, 1400)), "JPEG")
    alone = read_squares(data, (224,), LIMITS).images[0]
    beside = read_squares(data, (224, *others_px), LIMITS).images[0]
    assert np.array_equal(np.asarray(alone), np.asarray(beside))


@pytest.mark.parametrize("path", sorted(files_of_all_modes()))
def test_damage_ends_in_a_picture_or_a_reason_and_in_nothing_else(path: str) -> None:
    whole = files_of_all_modes()[path]
    generator = random.Random(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(60):
            damaged = bytearray(whole)
            for _ in range(generator.randint(1, 4)):
                damaged[generator.randrange(min(len(damaged), 400))] = generator.randrange(256)
            length = generator.choice([len(whole), generator.randrange(len(whole))])
            try:
                assert read(bytes(damaged[:length])).shape == (PX, PX, 3)
            except UnusableImage as fault:
                assert fault.reason  # noqa: PT017 - a damaged file may still decode


def test_the_usual_formats_can_be_read_here() -> None:
    assert {"JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"} <= set(FORMATS)
