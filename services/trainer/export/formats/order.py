"""What is asked about formats and what is answered: of the process that writes them, and of those that try them."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from services.trainer.export.runtimes import runs_here

_PACKAGES = {
    "onnx": "onnx",
    "onnxruntime": "onnxruntime",
    "ai_edge_litert": "ai-edge-litert",
    "coremltools": "coremltools",
}
"""What is installed, by what is imported."""
_NEEDED = {".onnx": ("onnx", "onnxruntime"), ".tflite": ("ai_edge_litert",), ".zip": ("coremltools",)}
"""What writing a format and trying it imports, by the ending of its file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """What is to be written.

    Args:
        model: The delivered network, as Keras reads it.
        side_px: Of the squares that it resizes pictures to.
        pictures: Files that Keras is to classify first: what the other formats have to answer too.
        targets: The files to write, under the names that they are delivered under.
    """

    model: Path
    side_px: int
    pictures: tuple[Path, ...]
    targets: tuple[Path, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """One answer to a :class:`Conversion`.

    Args:
        answers: What Keras says of every picture; in the first answer only.
        target: What was written; ``None`` in the first answer.
        seconds: What that took.
        error: Why it was not written.
    """

    answers: tuple[tuple[float, ...], ...] = ()
    target: Path | None = None
    seconds: float = 0.0
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """What is to be tried.

    Args:
        model: A file of one of the formats.
        squares: ``.npy`` of squares, ``(num_images, side_px, side_px, 3) uint8``.
        rows: Those to be scored, in this order.
        num_needed: So many of them whatever the time.
        pictures: Files to be classified as the delivered program does it.
        answers: ``.npy`` to be written: what it says of every row, ``(num_scored, num_classes) float64``.
        seconds: How long the rest may take.
    """

    model: Path
    squares: Path
    rows: tuple[int, ...]
    num_needed: int
    pictures: tuple[Path, ...]
    answers: Path
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """How a file did.

    Args:
        runtime: What ran it, with its version.
        pictures: What it says of every picture.
        image_s: Seconds for an image, at the median.
        error: Why it could not be loaded and run; the rest then means nothing.
    """

    runtime: str = ""
    pictures: tuple[tuple[float, ...], ...] = ()
    image_s: float = 0.0
    error: str | None = None


def cannot_be_tried(target: Path) -> str | None:
    """Return why a format cannot be written and tried here; ``None`` where it can."""
    if not runs_here(target.name):
        return "it can be tried on a Mac alone, and it was trained on another machine"
    missing = next((name for name in _NEEDED[target.suffix] if find_spec(name) is None), None)
    return None if missing is None else f"the package {_PACKAGES[missing]} is not installed where it was trained"
