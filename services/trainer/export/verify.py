"""The second opinion on an export: a fresh process that loads a file with plain Keras and scores kept pictures.

``python -m services.trainer.export.verify`` imports Keras at once, then answers every :class:`Request`, a line of
JSON on standard input, with a :class:`ExportCheck` on standard output. Started while training still runs, its imports
cost nobody any time.
"""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from shared.json_codec import from_json, to_json
from shared.process.parent_death import die_with_starter, ignore_interrupts, take_standard_output


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


def main() -> None:
    """Answer requests until standard input ends."""
    ignore_interrupts()
    die_with_starter()
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # memory of the accelerator is the training's; a second device is a test
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    answers = take_standard_output()
    from services.trainer.export.rescore import rescore  # noqa: PLC0415 - imports TensorFlow

    for line in sys.stdin.buffer:
        answers.write(json.dumps(to_json(rescore(from_json(Request, json.loads(line))))).encode() + b"\n")


if __name__ == "__main__":
    main()
