"""Decodes the images of an archive on all cores, in order, with a fixed number of them in flight."""

import hashlib
import os
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from services.trainer.data.archive import ImageArchive
from services.trainer.data.copies.look import LOOK_PX, hash_of, look_of, thumbnail_of
from services.trainer.data.pictures.image import ImageLimits, UnusableImage, read_squares
from shared.archive.entry import Entry

_IN_FLIGHT_PER_THREAD = 8
"""Enough that a slow picture holds up none of the threads, little enough to be nothing in memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """One image, ready to be kept.

    Args:
        squares: Its pixels at each side length, as a :mod:`services.trainer.data.pictures.square_file` takes them.
        digest: Equal for pictures that are the same at ``LOOK_PX``, whatever the side lengths asked for.
        perceptual_hash: 64 bits, close for pictures that people hardly tell apart.
        look: Brightness and contrast of its thumbnail.
        thumbnail: Its pixels at ``THUMBNAIL_PX``.
        basis: What the range of deep greys was judged by; empty where the file tells it.
    """

    squares: tuple[bytes, ...]
    digest: bytes
    perceptual_hash: int
    look: tuple[float, float]
    thumbnail: bytes
    basis: str = ""


def decode_all(
    archive: ImageArchive, entries: Sequence[Entry], *, sizes_px: Sequence[int], limits: ImageLimits
) -> Generator[Decoded | UnusableImage, None, None]:
    """Yield what became of every entry, in order. Pillow lets go of the interpreter's lock, so threads use all cores.

    Args:
        archive: Where they lie.
        entries: What to decode.
        sizes_px: Side lengths, each once.
        limits: Which images are used.
    """
    num_threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    executor = ThreadPoolExecutor(num_threads, thread_name_prefix="decode")
    waiting: deque[Future[Decoded | UnusableImage]] = deque()
    try:
        for entry in entries:
            waiting.append(executor.submit(_decode, archive, entry, sizes_px, limits))
            if len(waiting) >= num_threads * _IN_FLIGHT_PER_THREAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        executor.shutdown(cancel_futures=True)


def _decode(
    archive: ImageArchive, entry: Entry, sizes_px: Sequence[int], limits: ImageLimits
) -> Decoded | UnusableImage:
    wanted = tuple(dict.fromkeys((*sizes_px, LOOK_PX)))
    try:
        seen = read_squares(archive.read(entry), wanted, limits)
    except UnusableImage as error:
        return error
    squares = seen.images
    pixels = tuple(square.tobytes() for square in squares)
    look = wanted.index(LOOK_PX)
    thumbnail = np.asarray(thumbnail_of(squares[look]))
    return Decoded(
        squares=pixels[: len(sizes_px)],
        digest=hashlib.sha1(pixels[look], usedforsecurity=False).digest(),
        perceptual_hash=hash_of(squares[look]),
        look=look_of(thumbnail),
        thumbnail=thumbnail.tobytes(),
        basis=seen.basis,
    )
