"""What each phase of a run costs, in seconds, before anything of it was measured. Pure."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from services.trainer.run.deadline import FETCH_BYTES_PER_S
from shared.job.options import JobOptions

GFLOPS_PER_S = 100.0
"""Billions of floating-point operations that two cores of a usual machine do in a second."""
OVERHEAD_S = 0.002
"""Seconds per image that do not shrink with the network."""
BUILD_S = 1.5
"""Seconds to build and trace a network."""
TAIL_SHARE = 0.4
"""Cost of fine-tuning the last block on kept activations, forward and back, as a share of one pass of the network."""
RESIZE_S = 0.001
"""Seconds to bring an image to another input size of :data:`USUAL_PX`, beside those that it is brought to anyway."""
USUAL_PX = 224
MIRRORED_FIRST = 600
"""Photographs that are mirrored to tell whether it pays to mirror the others too."""


class Load(Protocol):
    """What of a backbone costs time; a row of the catalogue is one."""

    @property
    def gflops(self) -> float:
        """Billions of floating-point operations for one image."""
        ...

    @property
    def input_px(self) -> int:
        """Side of the square it sees."""
        ...

    @property
    def size_bytes(self) -> int:
        """Of its weights."""
        ...


def plan(
    num_images: int, gflops: Sequence[float], options: JobOptions, slowness: Mapping[str, float] | None = None
) -> dict[str, float]:
    """Return the seconds that every phase would take.

    Args:
        num_images: In the archive.
        gflops: Cost of every candidate for one image, in billions of floating-point operations.
        options: The person's choices.
        slowness: How many times as long as two cores of a usual machine this one takes, by phase, where that is known.
    """
    features = num_images * sum(OVERHEAD_S + cost / GFLOPS_PER_S for cost in gflops)
    heads = len(gflops) * (BUILD_S + options.epochs * (0.01 + num_images * 2e-6))
    winner = sum(gflops) / max(1, len(gflops))
    epoch = num_images * TAIL_SHARE * winner / GFLOPS_PER_S
    tune = 2 * BUILD_S + options.tune_trials * options.tune_epochs * epoch if options.tune_epochs else 0.1
    if not options.levels.learns_by_epochs:
        tune = min(num_images, MIRRORED_FIRST) * (OVERHEAD_S + winner / GFLOPS_PER_S) if options.views > 1 else 0.1
    planned = {
        "prepare": 0.5 + num_images * 0.008,
        "screen": features + heads,
        "tune": tune,
        "evaluate": 1.0 + 0.3 * num_images * winner / GFLOPS_PER_S,
        "export": 6.0,
    }
    return {phase: seconds * (slowness or {}).get(phase, 1.0) for phase, seconds in planned.items()}


def candidate_s(row: Load, num_images: int, slowness: Mapping[str, float]) -> float:
    """Return the seconds that one more candidate takes: its weights, its size of all images, its features.

    Args:
        row: The candidate.
        num_images: In the archive.
        slowness: See :func:`plan`.
    """
    resize_s = num_images * RESIZE_S * (row.input_px / USUAL_PX) ** 2
    features_s = BUILD_S + num_images * (OVERHEAD_S + row.gflops / GFLOPS_PER_S)
    weights_s = row.size_bytes / FETCH_BYTES_PER_S
    return weights_s + slowness.get("prepare", 1.0) * resize_s + slowness.get("screen", 1.0) * features_s
