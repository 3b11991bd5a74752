"""How many copies of each kind are found, how many pictures are falsely taken for copies, and what the search costs."""

import hashlib
import io
import json
import resource
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageOps

from benchmarks.figure import Figure
from benchmarks.material import dataset
from services.trainer.data.archive import open_images
from services.trainer.data.copies.groups import alike_groups
from services.trainer.data.copies.look import THUMBNAIL_PX, look_of
from services.trainer.data.copies.search import near_pairs
from services.trainer.data.decoding import Decoded, decode_all
from services.trainer.data.pictures.image import ImageLimits

SETS = ("clothing10", "face_mask", "sign_digits")
NUM_COPIED = 50
NUM_HASHES = 100_000
NUM_BRIGHTER = 1_000
Change = Callable[[Image.Image], Image.Image]
_TRUE_PAIRS = frozenset(
    (
        *(
            "8cdbcbfd35",
            "0531a4dec5",
            "e705100302",
            "24014ec868",
            "12306cc925",
            "adc26628e3",
            "6e007be7e0",
            "a0d4df91fc",
        ),
        *("b968b188c0", "fcaf21949a", "9ac958b135", "6c5614c5d5", "c7b38fbc4d", "a8ce6bdcb2", "69a2bde292"),
    )
)
"""Digests of the names of pictures in these sets that a person, shown both, found to be of one picture or moment."""


def _cropped(left: float, top: float, right: float, bottom: float) -> Change:
    def change(image: Image.Image) -> Image.Image:
        width, height = image.size
        return image.crop((round(left * width), round(top * height), round(right * width), round(bottom * height)))

    return change


def _brighter(factor: float) -> Change:
    return lambda image: ImageEnhance.Brightness(image).enhance(factor)


def _contrasted(factor: float) -> Change:
    return lambda image: ImageEnhance.Contrast(image).enhance(factor)


def _rotated(degrees: float) -> Change:
    return lambda image: image.rotate(degrees, Image.Resampling.BILINEAR)


KINDS: dict[str, tuple[float, list[Change]]] = {
    "re-encoded and rescaled": (95, [lambda image: image, lambda image: image.reduce(2)]),
    "mirrored": (95, [ImageOps.mirror, ImageOps.flip]),
    "turned by quarters": (95, [lambda image, way=way: image.transpose(way) for way in (2, 3, 4)]),  # type: ignore[misc]
    "brighter and darker by 40 %": (95, [_brighter(1.4), _brighter(0.6)]),
    "of more and less contrast": (95, [_contrasted(1.4), _contrasted(0.6)]),
    "cropped by an eighth": (
        80,
        [_cropped(0.125, 0.125, 0.875, 0.875), _cropped(0.125, 0, 1, 1), _cropped(0, 0.125, 0.875, 1)],
    ),
    "rotated by 12°": (80, [_rotated(12), _rotated(-12)]),
}
"""The share in percent that is to be found, and how such copies are made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pictures:
    """What a search is given.

    Args:
        hashes: See :func:`near_pairs`.
        looks: See there.
        thumbnails: See there.
        decode_s: Processor seconds that it took to decode them.
    """

    hashes: NDArray[np.uint64]
    looks: NDArray[np.float32]
    thumbnails: NDArray[np.uint8]
    decode_s: float


def measure(scratch: Path) -> list[Figure]:
    """Copy some pictures of each set in every way, look for copies among all, and for brighter ones among 100,000."""
    tallies = {kind: [0, 0] for kind in KINDS}
    num_false = num_images = 0
    seconds = [0.0, 0.0]
    for name in SETS:
        originals = _originals(dataset(name))
        for kind, (_, changes) in KINDS.items():
            found, made = _found(originals, changes, scratch)
            tallies[kind][0] += found
            tallies[kind][1] += made
        false, decode_s, search_s = _false_pairs(originals, scratch)
        num_false += false
        num_images += len(originals)
        seconds = [seconds[0] + decode_s, seconds[1] + search_s]
    figures = [
        Figure(name=f"copies found: {kind}", measured=100 * found / made, unit="%", at_least=KINDS[kind][0],
               note=f"{found} of {made}, {NUM_COPIED} pictures of each of {', '.join(SETS)} among 600")
        for kind, (found, made) in tallies.items()
    ]  # fmt: skip
    per_thousand = 1000 / num_images
    note = f"{seconds[0] * per_thousand:.1f} s of processor time to decode 1,000 small photographs, of 200 to 600 px"
    return [
        *figures,
        Figure(name="pairs falsely taken for copies", measured=100 * num_false / num_images, unit="%", at_most=0.5,
               note=f"{num_false} in {num_images} pictures; the others that were found were looked at by a person"),
        Figure(name="search for copies, for 1,000 pictures", measured=seconds[1] * per_thousand, unit="s", note=note),
        *_at_scale(),
    ]  # fmt: skip


def _originals(archive: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(archive) as source:
        return {name: source.read(name) for name in sorted(source.namelist()) if not name.endswith("/")}


def _found(originals: dict[str, bytes], changes: list[Change], scratch: Path) -> tuple[int, int]:
    """Return how many copies are found, and how many were made."""
    names = list(originals)
    chosen = range(0, len(names), len(names) // NUM_COPIED)
    files = dict(originals)
    for number, row in enumerate(chosen):
        with Image.open(io.BytesIO(originals[names[row]])) as image:
            data = io.BytesIO()
            copy = changes[number % len(changes)](ImageOps.exif_transpose(image).convert("RGB"))
            copy.save(data, "JPEG", quality=80)
        files[f"{names[row].rpartition('/')[0]}/copied{number}.jpg"] = data.getvalue()
    rows, pictures = _decoded(files, scratch)
    groups = _groups(pictures, list(rows))
    pairs = [(names[row], f"{names[row].rpartition('/')[0]}/copied{number}.jpg") for number, row in enumerate(chosen)]
    known = [(rows[first], rows[second]) for first, second in pairs if first in rows and second in rows]
    return sum(bool(groups[first] == groups[second]) for first, second in known), len(known)


def _false_pairs(originals: dict[str, bytes], scratch: Path) -> tuple[int, float, float]:
    """Return the pairs found that no person has found to be copies, and seconds to decode and to search."""
    rows, pictures = _decoded(originals, scratch)
    names = list(rows)
    started = time.process_time()
    pairs = near_pairs(pictures.hashes, pictures.looks, pictures.thumbnails, names)
    search_s = time.process_time() - started
    found = {tuple(sorted((names[a], names[b]))) for a, b in zip(pairs.first, pairs.second, strict=True)}
    false = [pair for pair in found if mark_of(*pair) not in _TRUE_PAIRS]
    for pair in false:
        print(f"    not known as copies: {pair[0]!r} and {pair[1]!r}, mark {mark_of(*pair)}", file=sys.stderr)
    return len(false), pictures.decode_s, search_s


def mark_of(first: str, second: str) -> str:
    """Return a short digest of a pair of names."""
    return hashlib.sha256(f"{first}|{second}".encode()).hexdigest()[:10]


def _groups(pictures: _Pictures, names: list[str]) -> NDArray[np.int64]:
    return alike_groups(near_pairs(pictures.hashes, pictures.looks, pictures.thumbnails, names), len(names))


def _decoded(files: dict[str, bytes], scratch: Path) -> tuple[dict[str, int], _Pictures]:
    """Decode pictures as a job does; identical ones are left out."""
    archive = scratch / "copies.zip"
    with zipfile.ZipFile(archive, "w") as target:
        for name, data in files.items():
            target.writestr(name, data)
    started = time.process_time()
    decoded: dict[bytes, tuple[str, Decoded]] = {}
    with open_images(archive) as source:
        entries = [entry for group in source.plan.classes.values() for entry in group]
        for entry, result in zip(
            entries, decode_all(source, entries, sizes_px=(224,), limits=ImageLimits()), strict=True
        ):
            if isinstance(result, Decoded):
                decoded.setdefault(result.digest, (entry.path, result))
    thumbnails = [np.frombuffer(each.thumbnail, np.uint8) for _, each in decoded.values()]
    pictures = _Pictures(
        hashes=np.array([each.perceptual_hash for _, each in decoded.values()], np.uint64),
        looks=np.array([each.look for _, each in decoded.values()], np.float32),
        thumbnails=np.stack(thumbnails).reshape(-1, THUMBNAIL_PX, THUMBNAIL_PX, 3),
        decode_s=time.process_time() - started,
    )
    return {path: row for row, (path, _) in enumerate(decoded.values())}, pictures


def _at_scale() -> list[Figure]:
    command = [sys.executable, "-m", "benchmarks.copies"]
    found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    what = f"{NUM_BRIGHTER:,} copies 20 grey levels brighter among {NUM_HASHES:,} pictures"
    return [
        Figure(name=f"{what}, found by their hashes", measured=100 * found["share"], unit="%", at_least=99,
               note=f"{found['seconds']:.0f} s of processor time; every hash is held against every other"),
        Figure(name=f"memory of that search, pictures of {NUM_HASHES:,} mapped", measured=found["grown_mb"], unit="MB",
               at_most=400, note="growth of the peak over what the process had before"),
    ]  # fmt: skip


def main() -> None:
    """Look for brighter copies among 100,000 made-up pictures; print share, seconds and memory as JSON."""
    from services.trainer.data.copies.search import moments

    generator = np.random.default_rng(0)
    hashes = generator.integers(0, 2**63, NUM_HASHES, dtype=np.uint64)
    coarse = generator.integers(30, 200, (NUM_HASHES, 4, 4, 3), dtype=np.uint8)
    copies = np.arange(NUM_BRIGHTER)
    hashes[-NUM_BRIGHTER:] = hashes[copies] ^ np.uint64(0b11 << 30)
    coarse[-NUM_BRIGHTER:] = coarse[copies] + 20
    thumbnails = _Enlarged(coarse)
    looks = np.array([look_of(thumbnails[np.array([row])][0]) for row in range(NUM_HASHES)], np.float32)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.process_time()
    pairs = moments(hashes, looks, thumbnails)  # type: ignore[arg-type]
    seconds = time.process_time() - started
    found = set(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))
    share = sum((row, NUM_HASHES - NUM_BRIGHTER + row) in found for row in copies.tolist()) / NUM_BRIGHTER
    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    json.dump({"share": share, "seconds": seconds, "grown_mb": grown_mb}, sys.stdout)


@dataclass(frozen=True, slots=True)
class _Enlarged:
    """Thumbnails that are made when they are read, as those in a file are."""

    coarse: NDArray[np.uint8]

    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        side = THUMBNAIL_PX // 4
        return self.coarse[rows].repeat(side, axis=1).repeat(side, axis=2)


if __name__ == "__main__":
    main()
