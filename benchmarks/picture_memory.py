"""Peak memory of decoding pictures that are small as files and large as pictures, each in a process of its own."""

import io
import json
import os
import struct
import subprocess
import sys
import warnings
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.figure import Figure
from services.trainer.data.pictures.memory import MAX_DECODING_BYTES
from tests.peak_memory import peak_bytes

BOUND_MB = MAX_DECODING_BYTES / 2**20
SIDE_PX = 5_000
"""Of those that every decoder takes."""
HUGE_PX = 8_000
"""Of those that cost the most: 64 million pixels."""


def measure(scratch: Path) -> list[Figure]:
    """Decode each picture of :func:`files` in a process of its own; the largest peak counts."""
    peaks: dict[str, float] = {}
    refused: list[str] = []
    for name, make in files(HUGE_PX).items():
        path = scratch / name
        path.write_bytes(make())
        peak_mb, code = peak_of(path)
        peaks[name] = peak_mb
        if code:
            refused.append(name)
        path.unlink()
    worst = max(peaks, key=peaks.__getitem__)
    note = f"worst: {worst}; {len(peaks)} kinds of 64 megapixels, refused by their header: {', '.join(refused)}"
    return [
        Figure(name="peak memory of decoding one picture, above a process that decodes none", measured=peaks[worst],
               unit="MB", at_most=BOUND_MB, note=note)
    ]  # fmt: skip


def files(side_px: int) -> Mapping[str, Callable[[], bytes]]:
    """Return how to make a square picture of each kind that costs more than its pixels.

    Args:
        side_px: Its sides.
    """
    size = (side_px, side_px)

    def made(mode: str, kind: str, **options: object) -> Callable[[], bytes]:
        return lambda: _encoded(Image.new(mode, size), kind, **options)

    return {
        "colours.webp": made("RGB", "WEBP", lossless=True, method=0),
        "transparent.webp": made("RGBA", "WEBP", lossless=True, method=0, exact=True),
        "colours.jp2": made("RGB", "JPEG2000"),
        "colours.avif": made("RGB", "AVIF", speed=10),
        "transparent.png": made("RGBA", "PNG", compress_level=1),
        "transparent_16_bit.png": lambda: _png(side_px, bits=16, colour=6),
        "grey_16_bit.png": lambda: _png(side_px, bits=16, colour=0),
        "grey_16_bit.tiff": lambda: _tiff(side_px, np.uint16),
        "fractions.tiff": lambda: _tiff(side_px, np.float32),
        "palette.gif": made("P", "GIF"),
        "progressive.jpg": made("RGB", "JPEG", progressive=True, subsampling=0),
        "inks.jpg": made("CMYK", "JPEG"),
    }


def peak_of(path: Path) -> tuple[float, str]:
    """Return what decoding a file adds to the peak of a process, in MB, and why it was refused, if it was."""
    command = [sys.executable, "-m", "benchmarks.picture_memory", str(path)]
    found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return found["peak_mb"], found["refused"]


def _encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def _png(side_px: int, *, bits: int, colour: int) -> bytes:
    """Return a black PNG, packed row by row: Pillow writes none of such depth."""
    packer = zlib.compressobj(1)
    row = bytes(1 + side_px * bits // 8 * (4 if colour else 1))
    rows = b"".join(packer.compress(row) for _ in range(side_px)) + packer.flush()
    header = struct.pack(">LLBBBBB", side_px, side_px, bits, colour, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">L", len(data)) + kind + data + struct.pack(">L", zlib.crc32(kind + data)) for kind, data in chunks
    )


def _tiff(side_px: int, kind: type[np.generic]) -> bytes:
    """Return a TIFF of deep greys in one strip, which its library unpacks at once."""
    pixels = Image.fromarray(np.zeros((side_px, side_px), kind))
    return _encoded(pixels, "TIFF", compression="tiff_deflate", tiffinfo={278: side_px})


def main(path: Path) -> None:
    """Decode one picture as training does and print what that added to the peak of this process."""
    from services.trainer.data.pictures.image import ImageLimits, UnusableImage, read_squares

    warnings.simplefilter("ignore")
    data = path.read_bytes()
    read_squares(_encoded(Image.new("RGB", (64, 64)), "PNG"), (224,), ImageLimits())
    before_mb = peak_bytes(os.getpid()) / 2**20
    refused = ""
    try:
        read_squares(data, (224,), ImageLimits())
    except UnusableImage as error:
        refused = error.code
    json.dump({"peak_mb": peak_bytes(os.getpid()) / 2**20 - before_mb, "refused": refused}, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
