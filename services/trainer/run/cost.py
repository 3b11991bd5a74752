"""What each phase of a run costs, in seconds, before anything was measured. Pure."""

from collections.abc import Sequence

from shared.job.options import JobOptions, LevelChoice

GFLOPS_PER_S = 100.0
"""Billions of floating-point operations that two cores of a usual machine do in a second."""
OVERHEAD_S = 0.002
"""Seconds per image that do not shrink with the network."""
BUILD_S = 1.5
"""Seconds to build and trace a network."""
TAIL_SHARE = 0.4
"""Cost of fine-tuning the last block on kept activations, forward and back, as a share of one pass of the network."""


def plan(num_images: int, gflops: Sequence[float], options: JobOptions) -> dict[str, float]:
    """Return the seconds that every phase would take on two cores of a usual machine; only their ratios matter long.

    Args:
        num_images: In the archive.
        gflops: Cost of every candidate for one image, in billions of floating-point operations.
        options: The person's choices.
    """
    features = num_images * sum(OVERHEAD_S + cost / GFLOPS_PER_S for cost in gflops)
    heads = len(gflops) * (BUILD_S + options.epochs * (0.01 + num_images * 2e-6))
    winner = sum(gflops) / max(1, len(gflops))
    epoch = num_images * TAIL_SHARE * winner / GFLOPS_PER_S
    tune = 2 * BUILD_S + options.tune_trials * options.tune_epochs * epoch if options.tune_epochs else 0.1
    if options.levels is not LevelChoice.LAST:
        tune = num_images * (OVERHEAD_S + winner / GFLOPS_PER_S) if options.views > 1 else 0.1
    return {
        "prepare": 0.5 + num_images * 0.008,
        "screen": features + heads,
        "tune": tune,
        "evaluate": 1.0 + 0.3 * num_images * winner / GFLOPS_PER_S,
        "export": 6.0,
    }
