"""Pictures as people have them are read; what is none is called what it is, and how to mend it."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from services.trainer.data.pictures.formats import UnreadablePicture
from services.trainer.data.pictures.image import ImageLimits, UnusableImage, read_squares
from services.trainer.data.pictures.picture import read_pixels
from tests.archive_making import encoded, photograph
from tests.heic_files import COLOURS, HEICS
from tests.picture_corpus import pictures

Pixels = NDArray[np.uint8]


def pixels_of(data: bytes) -> Pixels:
    return read_pixels(io.BytesIO(data))


def refusal(data: bytes) -> UnusableImage:
    with pytest.raises(UnusableImage) as caught:
        read_squares(data, (32,), ImageLimits())
    assert caught.value.reason.endswith(".")
    assert caught.value.fix.endswith(".")
    return caught.value


def quarters(pixels: Pixels) -> list[tuple[int, ...]]:
    height, width = pixels.shape[:2]
    places = [(top, left) for top in (height // 4, 3 * height // 4) for left in (width // 4, 3 * width // 4)]
    return [tuple(int(value) for value in pixels[place]) for place in places]


def assert_alike(seen: list[tuple[int, ...]], expected: list[tuple[int, ...]]) -> None:
    assert np.abs(np.array(seen) - np.array(expected)).max() <= 4


@pytest.mark.parametrize("name", ["plain", "10_bit", "second_is_primary"])
def test_photographs_of_iphones_are_read_whatever_their_depth_and_of_several_the_primary_one(name: str) -> None:
    assert_alike(quarters(pixels_of(HEICS[name])), list(COLOURS))


def test_a_heic_that_was_taken_sideways_stands_upright_and_is_not_turned_twice() -> None:
    pixels = pixels_of(HEICS["turned"])
    assert pixels.shape == (64, 48, 3)
    first, second, third, fourth = COLOURS
    assert_alike(quarters(pixels), [third, first, fourth, second])


def test_notes_whose_type_is_damaged_cost_no_heic_and_kill_no_process() -> None:
    whole = HEICS["turned"]
    damaged = whole.replace(b"Exif", b"\xc4xif", 1)
    assert np.array_equal(pixels_of(damaged), pixels_of(whole))


def test_transparent_parts_of_a_heic_lie_over_white() -> None:
    assert_alike(quarters(pixels_of(HEICS["transparent"])), [(255, 255, 255), *COLOURS[1:]])


def test_avif_is_read_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.new("RGB", (64, 48), COLOURS[0])
    image.paste(COLOURS[1], (32, 0, 64, 48))
    pixels = pixels_of(encoded(image, "AVIF", quality=95, exif=exif))
    assert pixels.shape == (64, 48, 3)
    assert_alike(quarters(pixels), [COLOURS[0], COLOURS[0], COLOURS[1], COLOURS[1]])


def png_with(chunk: bytes, data: bytes, *, checksum: int | None = None) -> bytes:
    plain = encoded(photograph(1))
    right = zlib.crc32(chunk + data)
    return plain[:33] + struct.pack(">L", len(data)) + chunk + data + struct.pack(">L", checksum or right) + plain[33:]


@pytest.mark.parametrize(
    "odd",
    [
        png_with(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(2**21))),
        png_with(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(b"a" * 2**22)),
        png_with(b"tEXt", b"prompt\0" + b"a" * 3_000_000),
        png_with(b"tEXt", b"a\0b", checksum=1),
        png_with(b"iCCP", b"profile\0\0not deflated", checksum=1),
        png_with(b"pHYs", b"\0\0"),
        png_with(b"npTc", b"\0" * 8, checksum=1),
    ],
    ids=["zTXt", "iTXt", "tEXt", "checksum", "profile", "density", "android"],
)
def test_what_is_noted_beside_the_pixels_of_a_png_costs_no_picture(odd: bytes) -> None:
    assert np.array_equal(pixels_of(odd), np.asarray(photograph(1)))


def test_a_wrong_checksum_costs_neither_orientation_nor_transparency_of_a_png() -> None:
    palette = photograph(9).convert("P", palette=Image.Palette.ADAPTIVE, colors=16)
    exif = Image.Exif()
    exif[0x0112] = 6
    whole = encoded(palette, transparency=3, exif=exif)
    broken = bytearray(whole)
    for chunk in (b"tRNS", b"eXIf"):
        at = whole.index(chunk)
        (length,) = struct.unpack_from(">L", whole, at - 4)
        broken[at + 4 + length] ^= 255
    assert np.array_equal(pixels_of(bytes(broken)), pixels_of(whole))


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}, {"quality": 30}], ids=str)
@pytest.mark.parametrize("size", [(200, 160), (161, 97), (1500, 1400)], ids=str)
def test_a_jpeg_without_its_end_marker_is_whole(size: tuple[int, int], options: dict[str, object]) -> None:
    whole = encoded(photograph(71, size), "JPEG", **options)
    assert np.array_equal(pixels_of(whole[:-2]), pixels_of(whole))
    assert np.array_equal(pixels_of(whole[:-1]), pixels_of(whole))


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_so_is_a_grey_or_a_printing_one(mode: str) -> None:
    whole = encoded(photograph(71, (200, 160), mode), "JPEG")
    assert np.array_equal(pixels_of(whole[:-2]), pixels_of(whole))


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_jpeg_that_is_really_cut_off_is_refused_with_the_number_of_rows_that_are_missing(share: float) -> None:
    whole = encoded(photograph(71, (400, 400)), "JPEG")
    reason = refusal(whole[: int(len(whole) * share)]).reason
    missing = int(reason.split("early, ")[1].split()[0])
    assert "of 400 rows are missing" in reason
    assert missing == pytest.approx(400 * (1 - share), abs=60)


def tiff(num_channels: int, bits: int = 8, *, floating: bool = False, more: tuple[tuple[int, int], ...] = ()) -> bytes:
    """Return a TIFF of 8 by 8 pixels with the tags that a reader of many channels would need."""
    pixels = bytes(64 * num_channels * bits // 8)
    tags = {256: 8, 257: 8, 258: bits, 259: 1, 262: 1, 273: 8, 277: num_channels, 278: 8, 279: len(pixels)}
    tags |= {339: 3 if floating else 1} | dict(more)
    entries = b"".join(struct.pack("<HHLL", tag, 4, 1, value) for tag, value in sorted(tags.items()))
    directory = struct.pack("<H", len(tags)) + entries + bytes(4)
    return struct.pack("<2sHL", b"II", 42, 8 + len(pixels)) + pixels + directory


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (tiff(13), "A TIFF of 13 channels cannot be read."),
        (tiff(13, 16), "A TIFF of 13 channels cannot be read."),
        (tiff(3, 32, floating=True), "A TIFF of 3 channels of 32 bits in floating point cannot be read."),
        (tiff(1, 64, floating=True), "A TIFF of one channel of 64 bits in floating point cannot be read."),
        (tiff(3, 16, more=((284, 2),)), "A TIFF of 3 channels of 16 bits, each by itself, cannot be read."),
        (tiff(1, more=((259, 34887),)), "A TIFF of one channel that is packed by method 34887 cannot be read."),
    ],
)
def test_tiffs_of_other_channels_than_colours_are_called_so(data: bytes, reason: str) -> None:
    fault = refusal(data)
    assert (fault.code, fault.reason) == ("image_channels", reason)


@pytest.mark.parametrize(
    "data",
    [
        b"II*\0\x10\0\0\0CR\x02\0" + bytes(99),
        b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + bytes(99),
        b"FUJIFILMCCD-RAW 0201" + bytes(99),
        b"IIRO\x08\0\0\0" + bytes(99),
        b"IIU\0\x18\0\0\0" + bytes(99),
        tiff(3, more=((50706, 0x401),)),
        tiff(3, more=((254, 1), (330, 800))),
        tiff(1, more=((262, 32803),)),
    ],
    ids=["CR2", "CR3", "RAF", "ORF", "RW2", "DNG", "NEF", "sensor"],
)
def test_camera_raw_is_called_so_and_its_thumbnail_is_not_taken_for_the_photograph(data: bytes) -> None:
    fault = refusal(data)
    assert fault.code == "image_camera_raw"
    assert "a camera raw file" in fault.reason
    assert "JPEG" in fault.fix


@pytest.mark.parametrize(
    ("data", "code", "what"),
    [
        (b"", "image_empty", "no bytes"),
        (b"<!DOCTYPE html><html><body>Please log in</body></html>", "not_an_image", "a web page (HTML)"),
        (b"\n<html lang='en'>", "not_an_image", "a web page (HTML)"),
        (b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>", "not_an_image", "an SVG drawing"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "not_an_image", "a Git LFS pointer"),
        (b"%PDF-1.7", "not_an_image", "a PDF document"),
        (b"\0\0\0\x14ftypqt  " + bytes(40), "not_an_image", "a video"),
        (b"8BPS\0\1" + bytes(40), "image_unsupported", "a Photoshop document"),
        (bytes(128) + b"DICM", "image_unsupported", "a DICOM image"),
        (b"Dear cat, this is no picture.", "not_an_image", "no picture of a kind that is known"),
    ],
)
def test_what_is_no_picture_is_called_what_it_is(data: bytes, code: str, what: str) -> None:
    fault = refusal(data)
    assert fault.code == code
    assert what in fault.reason


def test_a_film_that_lies_among_pictures_is_not_read_into_memory(tmp_path: Path) -> None:
    film = tmp_path / "film.bin"
    with film.open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(UnreadablePicture) as caught:
        read_pixels(film)
    assert caught.value.code == "not_an_image"


def test_a_folder_of_files_that_are_no_pictures_does_not_stop_the_delivered_reader(tmp_path: Path) -> None:
    with pytest.raises(UnreadablePicture) as caught:
        read_pixels(str(tmp_path))
    assert caught.value.code == "file_unreadable"


@pytest.mark.parametrize("name", sorted(name for name in pictures() if name.startswith("animated")))
def test_of_what_moves_the_first_picture_counts(name: str) -> None:
    difference = np.abs(pixels_of(pictures()[name]).astype(int) - np.asarray(photograph(61), int))
    assert difference.mean() < 12


def test_of_several_pictures_in_one_jpeg_the_first_counts() -> None:
    frames = [Image.new("RGB", (64, 48), colour) for colour in ("red", "lime")]
    data = encoded(frames[0], "MPO", save_all=True, append_images=frames[1:])
    assert np.abs(pixels_of(data).astype(int) - (255, 0, 0)).max() <= 3


def test_colour_profiles_are_not_applied_so_that_a_network_sees_what_the_file_says() -> None:
    profile = b"\0\0\2\x0cADBE" + bytes(516)
    image = photograph(5)
    assert np.array_equal(pixels_of(encoded(image, icc_profile=profile)), np.asarray(image))


def test_big_jpegs_of_phones_are_used_at_a_fraction_of_their_size() -> None:
    stream = io.BytesIO()
    Image.new("L", (16_320, 12_240), 77).save(stream, "JPEG", quality=30)
    (square,) = read_squares(stream.getvalue(), (32,), ImageLimits()).images
    assert square.getpixel((16, 16)) == (77, 77, 77)
    assert pixels_of(stream.getvalue()).shape == (1530, 2040, 3)


def test_a_side_that_is_too_long_names_the_option_that_helps_and_too_many_pixels_none() -> None:
    assert "max_image_px" in refusal(encoded(Image.new("1", (12_001, 10)))).fix
    assert "max_image_px" not in refusal(encoded(Image.new("1", (16_000, 12_500)))).fix


@pytest.mark.parametrize(
    ("data", "code", "told"),
    [
        (bytes(5000), "not_an_image", "zero bytes only"),
        (b"Dear cat", "not_an_image", 'it begins with "Dear cat"'),
        (bytes([0, 1, 2, 3]) * 9, "not_an_image", "it begins with the bytes 00 01 02 03 00 01 02 03"),
        (b'{"error": {"code": 403}}', "not_an_image", "perhaps an error message"),
        (b"\0\x05\x16\x07\0\x02\0\0Mac OS X        ", "not_an_image", "macOS"),
        (
            encoded(photograph(1), "JPEG").replace(b"\xff\xc0\0\x11\x08", b"\xff\xc1\0\x11\x0c"),
            "image_unsupported",
            "12 bits",
        ),
    ],
    ids=["zeros", "letters", "bytes", "message", "leaving", "medical"],
)
def test_what_came_in_place_of_a_picture_is_called_what_it_is(data: bytes, code: str, told: str) -> None:
    found = refusal(data)
    assert found.code == code
    assert told in found.reason
