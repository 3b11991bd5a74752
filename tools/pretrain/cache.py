"""Decode zips of class folders once into a memory-mapped array that every epoch reads again."""

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from PIL import Image

from tools.pretrain.durable import write_whole

IMAGES_FILE = "images.npy"
INDEX_FILE = "index.json"
IMAGE_SUFFIXES = (".webp", ".jpg", ".jpeg", ".png")
CHUNK_LENGTH = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageCache:
    """Decoded photographs with their labels.

    Attributes:
        images: `(num_images, size_px, size_px, 3) uint8`, memory-mapped and read-only.
        labels: `(num_images,) int32`, positions in `class_names`.
        class_names: Folder names, sorted.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int32]
    class_names: tuple[str, ...]

    @property
    def image_size_px(self) -> int:
        """Edge of the square photographs."""
        return int(self.images.shape[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Positions of the photographs trained on and of those kept aside, both `(num,) int64`, sorted."""

    training: NDArray[np.int64]
    validation: NDArray[np.int64]


def write_cache(
    archives: Sequence[Path],
    folder: Path,
    *,
    image_size_px: int = 64,
    on_progress: Callable[[int, int], None] | None = None,
) -> ImageCache:
    """Decode every photograph of `archives` into `folder`, unless that was done before.

    Decoding 94,000 WebP files takes longer than an epoch's worth of reading them; a memory map also lets the
    operating system decide how much of it stays in memory. The index is written last, so its presence means that
    the array beside it is complete.

    Args:
        archives: Zips whose members are `class/photograph`; equal class names in several zips are one class.
        folder: Where `images.npy` and `index.json` go; made when absent.
        image_size_px: Edge of the stored squares; photographs of another size are resized.
        on_progress: Called with (photographs done, photographs in all) now and then.

    Returns:
        The cache, opened read-only.

    Raises:
        ValueError: An archive holds no photograph in a class folder, or `folder` was made from other archives.
    """
    fingerprint = _fingerprint(archives, image_size_px)
    if (folder / INDEX_FILE).exists():
        return open_cache(folder, fingerprint=fingerprint)
    folder.mkdir(parents=True, exist_ok=True)
    members = [(path, name) for path in archives for name in _photograph_names(path)]
    class_names = sorted({_class_of(name) for _, name in members})
    number_of = {name: number for number, name in enumerate(class_names)}
    shape = (len(members), image_size_px, image_size_px, 3)
    images = open_memmap(folder / IMAGES_FILE, mode="w+", dtype=np.uint8, shape=shape)
    done = 0
    for chunk in _decoded_chunks(members, image_size_px):
        images[done : done + len(chunk)] = chunk
        done += len(chunk)
        if on_progress is not None:
            on_progress(done, len(members))
    images.flush()
    labels = [number_of[_class_of(name)] for _, name in members]
    index = json.dumps({"fingerprint": fingerprint, "class_names": class_names, "labels": labels})
    write_whole(folder / INDEX_FILE, lambda file: file.write(index.encode()))
    return open_cache(folder, fingerprint=fingerprint)


def open_cache(folder: Path, *, fingerprint: str | None = None) -> ImageCache:
    """Open what `write_cache` left in `folder`.

    Raises:
        FileNotFoundError: No complete cache lies there.
        ValueError: `fingerprint` is given and the cache was made from other archives.
    """
    index_path = folder / INDEX_FILE
    if not index_path.exists():
        raise FileNotFoundError(f"no complete cache in {folder}: run `python -m tools.pretrain cache` first")
    index = json.loads(index_path.read_text(encoding="utf-8"))
    if fingerprint not in (None, index["fingerprint"]):
        raise ValueError(f"the cache in {folder} was made from other archives or at another size: name an empty folder")
    return ImageCache(
        images=np.load(folder / IMAGES_FILE, mmap_mode="r"),
        labels=np.asarray(index["labels"], dtype=np.int32),
        class_names=tuple(index["class_names"]),
    )


def split_cache(cache: ImageCache, *, validation_frac: float = 0.05, seed: int = 0) -> Split:
    """Keep `validation_frac` of every class aside, the same photographs for the same seed."""
    generator = np.random.default_rng(seed)
    kept_aside = []
    for label in range(len(cache.class_names)):
        positions = generator.permutation(np.flatnonzero(cache.labels == label))
        kept_aside.append(positions[: max(1, round(validation_frac * len(positions)))])
    validation = np.sort(np.concatenate(kept_aside))
    training = np.setdiff1d(np.arange(len(cache.labels)), validation)
    return Split(training=training, validation=validation)


def _photograph_names(archive: Path) -> list[str]:
    with zipfile.ZipFile(archive) as opened:
        names = sorted(name for name in opened.namelist() if name.lower().endswith(IMAGE_SUFFIXES) and "/" in name)
    if not names:
        raise ValueError(f"{archive} holds no photograph: expected members such as class/photograph.webp")
    return names


def _class_of(name: str) -> str:
    return name.split("/")[-2]


def _decoded_chunks(members: Sequence[tuple[Path, str]], image_size_px: int) -> Iterator[list[NDArray[np.uint8]]]:
    opened = {path: zipfile.ZipFile(path) for path in {path for path, _ in members}}
    try:
        with ThreadPoolExecutor() as pool:
            for start in range(0, len(members), CHUNK_LENGTH):
                chunk = members[start : start + CHUNK_LENGTH]
                payloads = [opened[path].read(name) for path, name in chunk]
                yield list(pool.map(lambda payload: _decode(payload, image_size_px), payloads))
    finally:
        for archive in opened.values():
            archive.close()


def _decode(payload: bytes, image_size_px: int) -> NDArray[np.uint8]:
    with Image.open(BytesIO(payload)) as image:
        rgb = image.convert("RGB")
        if rgb.size != (image_size_px, image_size_px):
            rgb = rgb.resize((image_size_px, image_size_px), Image.Resampling.BICUBIC)
        return np.asarray(rgb, dtype=np.uint8)


def _fingerprint(archives: Sequence[Path], image_size_px: int) -> str:
    digest = hashlib.sha256(str(image_size_px).encode())
    for path in archives:
        digest.update(f"{path.name} {path.stat().st_size} ".encode())
    return digest.hexdigest()
