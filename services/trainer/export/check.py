"""What a verifying process is asked about an exported file, and what it answers."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be verified.

    Args:
        model: The exported file.
        archive: The zip as uploaded.
        paths: Kept test images, by their path in the zip.
        squares: ``.npy`` of the same images as the evaluation saw them, ``(num_images, px, px, 3) uint8``.
        expected: Probabilities that the evaluation computed, ``(num_images, num_classes)``.
    """

    model: Path
    archive: Path
    paths: tuple[str, ...]
    squares: Path
    expected: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportCheck:
    """How a file did.

    Args:
        same_input_gap: Largest difference of any probability, on the very pixels that the evaluation saw.
        raw_gap: Mean over the images of the largest difference of a probability, on the pictures as uploaded.
        raw_agreement: Share of the pictures as uploaded for which the same class came out.
        error: Why the file could not be loaded or run; the numbers then mean nothing.
    """

    same_input_gap: float = 0.0
    raw_gap: float = 0.0
    raw_agreement: float = 0.0
    error: str | None = None
