"""Whoever changes what becomes of a photograph is told to say so: jobs under way must not mix the old and the new.

A version's digest is never replaced: raise the version, and write its digest below the others.
"""

import hashlib
import struct
import zlib
from collections.abc import Sequence
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from services.trainer.data.copies.groups import split_groups
from services.trainer.data.copies.look import LOOK_PX, hash_of, look_of, thumbnail_of
from services.trainer.data.copies.search import HASHING_VERSION, Pairs, near_pairs
from services.trainer.data.pictures.image import DECODING_VERSION, ImageLimits, UnusableImage, read_squares
from services.trainer.data.split import SPLIT_VERSION, split_by_groups
from shared.archive.rules import LAYOUT_VERSION, plan_archive
from shared.archive.zip_format.directory import Record
from tests.archive_making import encoded, files_of_all_modes

PIXELS = {1: "574254aecbfa4a49", 2: "ea76204baec56560", 3: "bbdf4784b6aa659a"}
EIGHT_BITS = "0da89ca774f81d51"
"""Of files of at most 8 bits: what ordinary photographs become has never changed."""
COPIES = {1: "c06e28b28cacf4cc", 2: "0b384ed1a1fc4934"}
LAYOUTS = {1: "da4a7e92283187eb", 2: "ab7ba1765b5c8ca4", 3: "84913d3c7f7f45d7"}
SPLITS = {1: "9e9527b206fbb10c", 2: "741a3c59bf35fd4a"}


def digest_of(*parts: bytes) -> str:
    return hashlib.sha256(b"".join(parts)).hexdigest()[:16]


def drawn(seed: int, size: tuple[int, int] = (300, 200)) -> Image.Image:
    """Return a picture made of whole numbers alone, so that no library has a say in it."""
    generator = np.random.default_rng(seed)
    down, across = np.mgrid[: size[1], : size[0]].astype(np.int64)
    waves = [(down * a + across * b) ** 2 // c % 256 for a, b, c in generator.integers(1, 60, (3, 3))]
    return Image.fromarray(np.stack(waves, axis=-1).astype(np.uint8))


def turned(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(drawn(90, (90, 60)), exif=exif)


def lossless_files() -> list[bytes]:
    """Return files whose pixels every decoder agrees on, of every mode, upright and turned."""
    modes = {path: data for path, data in files_of_all_modes().items() if path.endswith((".png", ".bmp", ".tiff"))}
    return [modes[path] for path in sorted(modes)] + [turned(orientation) for orientation in range(1, 9)]


def deep_files() -> list[bytes]:
    """Return greys of more than 8 bits, by the ranges that sensors use."""
    steps = np.arange(60 * 90, dtype=np.int64).reshape(60, 90) * 977 % 1021
    whole = [steps, steps * 4, steps * 16, steps * 64, steps + 29_500]
    fractions = [steps / 1020, steps / 60 + 12, np.where(steps < 99, np.nan, steps / 1020), steps / 510 - 1]
    return [
        *(encoded(Image.fromarray(each.astype(np.uint16))) for each in whole),
        *(encoded(Image.fromarray(each.astype(np.float32)), "TIFF") for each in fractions),
    ]


def transparent_greys() -> bytes:
    """Return greys of 12 bits with a channel of transparency, which Pillow does not write."""
    steps = np.arange(60 * 90, dtype=np.int64).reshape(60, 90) * 977 % 4093
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in np.stack([steps, steps * 16 % 65_536], axis=-1))
    header = struct.pack(">LLBBBBB", 90, 60, 16, 4, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    told = (
        struct.pack(">L", len(body)) + name + body + struct.pack(">L", zlib.crc32(name + body)) for name, body in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(told)


def seen_of(files: Sequence[bytes]) -> list[bytes]:
    return [square.tobytes() for data in files for square in read_squares(data, (32, 96, 299), ImageLimits()).images]


def test_what_ordinary_photographs_become_never_changes() -> None:
    files = [*lossless_files(), encoded(drawn(1)), encoded(drawn(2, (31, 700)))]
    assert digest_of(*seen_of([data for data in files if Image.open(BytesIO(data)).mode[0] not in "IF"])) == EIGHT_BITS


def test_who_changes_what_a_network_sees_of_a_file_raises_the_version() -> None:
    seen = seen_of(
        [*lossless_files(), encoded(drawn(1)), encoded(drawn(2, (31, 700))), *deep_files(), transparent_greys()]
    )
    big = BytesIO()
    drawn(3, (1500, 1400)).save(big, "JPEG")
    decoded_px = []
    for limit in (700 * 750, 700 * 750 - 1):  # at half its size it has as many pixels
        try:
            read_squares(big.getvalue(), (32,), ImageLimits(max_pixels=limit))
            decoded_px.append(b"taken")
        except UnusableImage as fault:
            decoded_px.append(fault.code.encode())
    assert digest_of(*seen, *decoded_px) == PIXELS.get(DECODING_VERSION), (
        "files become other pixels now: raise DECODING_VERSION in services/trainer/data/pictures/image.py"
    )


def cards() -> list[Image.Image]:
    """Return pictures of which some are copies: brighter, smaller, or cropped by a hair."""
    originals = [drawn(seed) for seed in range(24)]
    brighter = [Image.fromarray((np.asarray(each) // 8 * 7 + 16).astype(np.uint8)) for each in originals[:8]]
    smaller = [each.resize((150, 100), Image.Resampling.BOX) for each in originals[8:16]]
    cropped = [each.crop((3, 2, 300, 200)) for each in originals[16:]]
    return [*originals, *brighter, *smaller, *cropped]


def compared() -> tuple[NDArray[np.uint64], NDArray[np.float32], NDArray[np.uint8]]:
    squares = [each.resize((LOOK_PX, LOOK_PX), Image.Resampling.BILINEAR) for each in cards()]
    thumbnails = np.stack([np.asarray(thumbnail_of(each)) for each in squares])
    hashes = np.array([hash_of(each) for each in squares], np.uint64)
    return hashes, np.array([look_of(each) for each in thumbnails], np.float32), thumbnails


def test_who_changes_what_counts_as_a_copy_raises_the_version() -> None:
    hashes, looks, thumbnails = compared()
    pairs = near_pairs(hashes, looks, thumbnails, [f"{row}.png" for row in range(len(hashes))])
    groups = split_groups(pairs, np.arange(len(hashes), dtype=np.int32) % 2)
    assert len(pairs.first) >= 8
    apart = np.rint(100 * pairs.difference).astype(np.int64)
    parts = (hashes, looks, thumbnails, pairs.first, pairs.second, apart, groups)
    assert digest_of(*(part.tobytes() for part in parts)) == COPIES.get(HASHING_VERSION), (
        "other pictures count as copies now: raise HASHING_VERSION in services/trainer/data/copies/search.py"
    )


def test_who_changes_how_groups_are_split_raises_the_version() -> None:
    labels = np.repeat(np.arange(4, dtype=np.int32), (5, 20, 61, 200))
    groups = np.arange(len(labels)) // 2
    split = split_by_groups(labels, groups, seed=0)
    chain = np.arange(25, 125)  # all of one class, and some of the next
    burst = Pairs(first=chain, second=chain + 1, difference=(chain * 37 % 101 / 1000).astype(np.float32))
    torn = split_groups(burst, labels)
    parts = (split.train, split.validation, split.test, torn)
    assert digest_of(*(part.tobytes() for part in parts)) == SPLITS.get(SPLIT_VERSION), (
        "the same groups are split otherwise now: raise SPLIT_VERSION in services/trainer/data/split.py"
    )


def test_who_changes_which_folders_are_classes_raises_the_version() -> None:
    layouts = [
        [*("a/b/cats", "a/b/dogs/far", "a/b/dogs/near", "a/b"), *("a/.git/x", "a/b/birds/__MACOSX")],
        ["main/data/glass", "main/data/metal", "main/.git"],
        ["d/train/glass", "d/train/metal", "d/val/glass", "d/val/metal", "d/test_set/x/glass", "d/test_set/x/metal"],
        ["glass/train", "glass/test", "metal/train", "metal/test"],
        ["d/koulutus/glass", "d/koulutus/metal", "d/testi/glass", "d/testi/metal"],
    ]
    taken = []
    for folders in layouts:
        names = [f"{folder}/{number}.jpg" for folder in folders for number in range(5)] + [f"{folders[-1]}/x/a.py"]
        made = plan_archive([Record(name, offset=1000 * number) for number, name in enumerate(names)])
        taken += [f"{name}:{entry.path}".encode() for name, entries in made.classes.items() for entry in entries]
        if made.own is not None:
            taken += [str(made.own.place(tuple(folder.split("/")))).encode() for folder in folders]
    assert digest_of(*taken) == LAYOUTS.get(LAYOUT_VERSION), (
        "folders become other classes now: raise LAYOUT_VERSION in shared/archive/rules.py"
    )
