"""Handwritten digits as a data set to show convtailor with: they come with scikit-learn, so no network is needed.

Source: E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998;
1,797 pictures of 8 by 8 pixels, 17 shades.
"""

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

NUM_SHADES = 16
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldBack:
    """A digit that the network never saw.

    Args:
        digit: What it is.
        pixels: ``(8, 8) uint8`` shades of ink, 0 to 16.
        path: Its picture.
    """

    digit: int
    pixels: NDArray[np.uint8]
    path: Path


def write_digits(archive: Path, held_back: Path, *, num_held_back: int = 2, side_px: int = 96) -> list[HeldBack]:
    """Write the digits as a zip with one folder of PNGs per class, and hold some back.

    Args:
        archive: Zip to write.
        held_back: Folder for the pictures held back; made where it is missing.
        num_held_back: Of each class.
        side_px: Side of a picture, in pixels.

    Returns:
        Those held back, 0 to 9 again and again.
    """
    held_back.mkdir(parents=True, exist_ok=True)
    kept: list[HeldBack] = []
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as sink:
        for digit, position, pixels in _digits():
            picture = _draw(pixels, side_px)
            if position >= num_held_back:
                sink.writestr(zipfile.ZipInfo(f"digits/{digit}/{position:03d}.png", date_time=_EPOCH), picture)
                continue
            path = held_back / f"{digit}-{position}.png"
            path.write_bytes(picture)
            kept.append(HeldBack(digit=digit, pixels=pixels, path=path))
    return sorted(kept, key=lambda each: each.path.stem[::-1])


def _digits() -> Iterator[tuple[int, int, NDArray[np.uint8]]]:
    """Yield the class of a digit, its position in the class and its pixels."""
    # Takes seconds to import; here they pass while the services start.
    from sklearn.datasets import load_digits  # noqa: PLC0415

    bunch = load_digits()
    counts = [0] * 10
    for pixels, target in zip(bunch.images.astype(np.uint8), bunch.target.tolist(), strict=True):
        yield target, counts[target], pixels
        counts[target] += 1


def _draw(pixels: NDArray[np.uint8], side_px: int) -> bytes:
    """Return dark ink on white paper as a PNG."""
    paper = 255 - (pixels.astype(np.uint16) * 255 // NUM_SHADES).astype(np.uint8)
    sink = io.BytesIO()
    Image.fromarray(paper).resize((side_px, side_px), Image.Resampling.BICUBIC).save(sink, "PNG", compress_level=1)
    return sink.getvalue()
