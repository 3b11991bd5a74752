"""What decoding a picture takes of the memory, known from its header, and how much of it is too much.

Measured per format by ``python -m benchmarks picture-memory``, and held by ``tests/unit/test_picture_memory.py``.

Part of the one reader of ``picture.py``, and as such of the delivered program.
"""

from PIL import Image

from services.trainer.data.pictures.deep_colour import holds_deep_colours

MAX_DECODING_BYTES = 768 * 2**20
"""More is not spent on one picture."""
MAX_PIXELS = 64_000_000
"""More are not decoded, whatever they would take."""

_RGB_BYTES = 4
"""Pillow keeps every pixel of more than one channel in four bytes."""
_SMALL = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16L": 2, "I;16B": 2, "I;16N": 2}
_DECODER_BYTES = {"WEBP": 16.5, "AVIF": 10.5, "HEIF": 12.0}
"""Bytes for each pixel that decoders take which hand over the whole picture at once, Pillow's copy included."""
_JPEG_2000_BYTES = 5.3
"""Bytes for each value of a pixel, before Pillow's copy."""
_COEFFICIENT_BYTES = 2
_STRIP_BYTES = 32 * 2**20
"""What conversions and numpy take beside."""


def decoding_bytes(image: Image.Image, full_size: tuple[int, int], data: bytes) -> int:
    """Return what it takes to decode an opened picture to RGB, in bytes, beside the file itself.

    Args:
        image: Opened, not decoded; a JPEG as far shrunk as it is going to be.
        full_size: Width and height that the header tells, in pixels.
        data: The file.
    """
    num_pixels = image.width * image.height
    own = _SMALL.get(image.mode, _RGB_BYTES)
    bytes_per_pixel = _DECODER_BYTES.get(image.format or "", float(own))
    if image.format == "JPEG2000":
        bytes_per_pixel += _JPEG_2000_BYTES * len(image.getbands())
    if image.format == "TIFF":
        bytes_per_pixel += own  # where all of it is one strip, the TIFF library unpacks it before Pillow copies it
    if holds_deep_colours(image):
        bytes_per_pixel += 2 * _RGB_BYTES  # where fewer bits are in use, their lower half is decoded beside
    if image.mode != "RGB" or "transparency" in image.info:
        bytes_per_pixel += _RGB_BYTES
    beside = _STRIP_BYTES
    if image.format in ("JPEG", "MPO") and _keeps_coefficients(image, data):
        beside += int(full_size[0] * full_size[1] * _COEFFICIENT_BYTES * _samples_per_pixel(image))
    return int(num_pixels * bytes_per_pixel) + beside


def _samples_per_pixel(image: Image.Image) -> float:
    """Return how many values a JPEG stores for each pixel: 3 for colours in full, 1.5 where they are halved twice."""
    layers: list[tuple[int, int]] = [(layer[1], layer[2]) for layer in getattr(image, "layer", ())]
    if not layers:
        return float(len(image.getbands()))
    full = max(across for across, _ in layers) * max(down for _, down in layers)
    stored: float = sum(across * down for across, down in layers)
    return stored / max(1, full)


def _keeps_coefficients(image: Image.Image, data: bytes) -> bool:
    """Tell whether a JPEG has several scans: its decoder then holds all of the picture, however small it is decoded."""
    if image.info.get("progressive"):
        return True
    at = 2
    while at + 4 < len(data) and data[at] == 0xFF:  # noqa: PLR2004 - what every marker begins with
        if data[at + 1] == 0xDA:  # noqa: PLR2004 - start of a scan
            return data[at + 4] < len(getattr(image, "layer", ())) and len(getattr(image, "layer", ())) > 1
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return False
