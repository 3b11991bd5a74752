"""What decoding takes is known from the header: no small file takes the machine down, no sound picture is refused."""

import io
import struct
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.picture_memory import files, peak_of
from services.trainer.data.pictures.budget import MemoryBudget
from services.trainer.data.pictures.image import ImageLimits, UnusableImage, read_squares
from services.trainer.data.pictures.memory import MAX_DECODING_BYTES
from services.trainer.data.pictures.picture import open_picture, read_pixels
from tests.archive_making import encoded
from tests.heic_files import HEICS

SIDE_PX = 2_000
PRICED = files(SIDE_PX)


@pytest.mark.parametrize("name", sorted(PRICED))
def test_a_picture_takes_no_more_memory_than_its_header_was_priced_at(name: str, tmp_path: Path) -> None:
    data = PRICED[name]()
    (tmp_path / name).write_bytes(data)
    peak_mb, refused = peak_of(tmp_path / name)
    assert not refused
    assert peak_mb * 2**20 <= open_picture(data).cost_bytes


@pytest.mark.parametrize("name", ["colours.webp", "colours.jp2"])
def test_a_few_bytes_that_would_take_a_gigabyte_are_refused_by_their_header(name: str) -> None:
    data = files(8_000)[name]()
    assert len(data) < 2_000
    with pytest.raises(
        UnusableImage, match=r"8000 x 8000 pixels; to decode this \w+ takes 1,\d\d\d MB of memory"
    ) as caught:
        read_squares(data, (32,), ImageLimits())
    assert caught.value.code == "image_too_large"


def test_a_progressive_jpeg_is_priced_by_all_of_its_pixels_though_few_are_decoded() -> None:
    image = Image.new("RGB", (4_000, 3_000))
    plain, progressive = (encoded(image, "JPEG", progressive=each, subsampling=0) for each in (False, True))
    assert open_picture(progressive).cost_bytes - open_picture(plain).cost_bytes == 4_000 * 3_000 * 3 * 2


def test_so_is_a_jpeg_whose_colours_come_one_after_the_other() -> None:
    data = bytearray(encoded(Image.new("RGB", (4_000, 3_000)), "JPEG"))
    at = data.index(b"\xff\xda") + 4
    together = open_picture(bytes(data)).cost_bytes
    data[at] = 1
    assert open_picture(bytes(data)).cost_bytes > together + 4_000 * 3_000 * 2


@pytest.mark.parametrize(
    ("kind", "mode", "size"),
    [
        ("JPEG", "RGB", (9_504, 6_336)),
        ("PNG", "RGB", (9_504, 6_336)),
        ("PNG", "RGBA", (8_000, 6_000)),
        ("WEBP", "RGB", (8_000, 5_300)),
        ("TIFF", "RGB", (9_504, 6_336)),
    ],
)
def test_what_good_cameras_take_is_within_the_bound(kind: str, mode: str, size: tuple[int, int]) -> None:
    options = {"JPEG": {"quality": 20}, "PNG": {"compress_level": 1}, "WEBP": {"lossless": True, "method": 0}}.get(
        kind, {}
    )
    assert open_picture(encoded(Image.new(mode, size), kind, **options)).cost_bytes <= MAX_DECODING_BYTES


def test_a_heic_is_priced_too() -> None:
    assert open_picture(HEICS["plain"]).cost_bytes > 64 * 48 * 12


def test_a_very_big_picture_reaches_the_network_shrunk_and_training_sees_the_same() -> None:
    row = zlib.compressobj(1)
    side = 6_000
    down = np.arange(side, dtype=np.uint32) * 255 // side
    rows = b"".join(row.compress(b"\0" + bytes([int(value)]) * side) for value in down) + row.flush()
    chunks = ((b"IHDR", struct.pack(">LLBBBBB", side, side, 8, 0, 0, 0, 0)), (b"IDAT", rows), (b"IEND", b""))
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">L", len(body)) + kind + body + struct.pack(">L", zlib.crc32(kind + body)) for kind, body in chunks
    )
    pixels = read_pixels(io.BytesIO(data))
    assert pixels.shape == (750, 750, 3)
    (square,) = read_squares(data, (96,), ImageLimits()).images
    expected = Image.fromarray(pixels).resize((96, 96), Image.Resampling.BILINEAR)
    assert np.abs(np.asarray(square, int) - np.asarray(expected, int)).max() <= 1


def test_threads_share_the_budget_and_a_large_picture_has_it_alone() -> None:
    budget = MemoryBudget(100)
    lock, spent, most = threading.Lock(), [0], [0]

    def decode(cost: int) -> None:
        with budget.spend(cost):
            with lock:
                spent[0] += cost
                most[0] = max(most[0], spent[0])
            with lock:
                spent[0] -= cost

    threads = [threading.Thread(target=decode, args=(cost,)) for cost in (90, 10, 60, 40, 100, 1, 99) * 20]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 90 <= most[0] <= 100


def test_one_that_costs_more_than_the_budget_is_let_in_when_nothing_else_is() -> None:
    inside = []
    with MemoryBudget(10).spend(11):
        inside.append(11)
    assert inside
