"""What a verifying process is asked about an exported file, what it answers, and what that speaks against."""

from dataclasses import dataclass
from pathlib import Path

from shared.errors import Fault
from shared.json_codec import to_json

MAX_SAME_INPUT_GAP = 0.01
"""Largest difference of a probability on equal pixels: float32 summed in another order gives 1e-5, TF32 on GPU 1e-3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploaded:
    """Test images that are to be scored as they were uploaded: at their own sizes, read as the delivered program reads.

    Args:
        archive: The zip.
        paths: Of the images in the zip, in the order in which they are scored; any first part is a fair sample.
        seconds: How long scoring may take; what is not scored by then is left out.
    """

    archive: Path
    paths: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be verified.

    Args:
        model: The exported file.
        squares: ``.npy`` of test images as the evaluation saw them, ``(num_images, px, px, 3) uint8``.
        expected: Probabilities that the evaluation computed for these, ``(num_images, num_classes)``.
        uploaded: What is to be scored beside, if anything.
    """

    model: Path
    squares: Path
    expected: tuple[tuple[float, ...], ...]
    uploaded: Uploaded | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportCheck:
    """How a file did.

    Args:
        same_input_gap: Largest difference of any probability, on the very pixels that the evaluation saw.
        predicted: Position of the most probable class of every image of :attr:`Request.uploaded`, in its order, as far
            as there was time; ``None`` for one that is too big to be scored beside a training.
        error: Why the file could not be loaded or run; the rest then means nothing.
    """

    same_input_gap: float = 0.0
    predicted: tuple[int | None, ...] = ()
    error: str | None = None


def objection(name: str, check: ExportCheck) -> Fault | None:
    """Return what speaks against announcing a file, or ``None``.

    Args:
        name: The file's name.
        check: How it did.
    """
    if check.error is not None:
        reason = f"could not be loaded and run by plain Keras: {check.error}"
    elif check.same_input_gap > MAX_SAME_INPUT_GAP:
        reason = f"gives probabilities that differ by up to {check.same_input_gap:.4f} on the same pixels"
    else:
        return None
    return Fault(
        code="export_not_faithful",
        message=f"The exported {name} {reason}.",
        fix="Submit the archive again; if it fails again, send this message to whoever runs this service.",
        details={"file": name, **to_json(check)},
    )
