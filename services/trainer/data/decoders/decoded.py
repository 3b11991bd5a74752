"""One picture, decoded: its squares, and what tells it from others."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.trainer.data.copies.look import LOOK_PX, hash_of, look_of, thumbnail_of
from services.trainer.data.pictures.image import ImageLimits, read_squares


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


def decoded_of(data: bytes, sizes_px: Sequence[int], limits: ImageLimits) -> Decoded:
    """Decode one file.

    Args:
        data: The file.
        sizes_px: Side lengths, each once.
        limits: Which images are used.

    Raises:
        UnusableImage: If it is left out.
    """
    wanted = tuple(dict.fromkeys((*sizes_px, LOOK_PX)))
    seen = read_squares(data, wanted, limits)
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
