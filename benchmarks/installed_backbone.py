"""What an installation without any weights of its own can do: the installed ImageNet backbone beside ``tiny``."""

import os
import statistics
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.material import dataset
from benchmarks.product_run import run_product

SEEDS = (0, 1, 2)
_CHOICES = {"auto": [], "tiny": ["--candidates", "tiny"]}


def measure(scratch: Path) -> list[Figure]:
    """Run `convtailor run clothing10.zip` with no mirror and no network, by default and with `tiny` alone."""
    archive = dataset("clothing10")
    environ = {name: value for name, value in os.environ.items() if name != "CONVTAILOR_WEIGHTS"}
    environ |= {"CONVTAILOR_DOWNLOAD": "false", "CONVTAILOR_WEIGHTS_CACHE_DIR": str(scratch / "weights")}
    runs = {
        name: [
            run_product(archive, scratch / f"{name}_{seed}", [*options, "--seed", str(seed)], environ) for seed in SEEDS
        ]
        for name, options in _CHOICES.items()
    }
    accuracy, seconds = (
        {name: statistics.mean(run[key] for run in each) for name, each in runs.items()}
        for key in ("test_accuracy", "total_s")
    )
    note = (
        f"clothing10, default options, seeds {', '.join(map(str, SEEDS))}: {accuracy['auto']:.3f} in "
        f"{seconds['auto']:.0f} s against {accuracy['tiny']:.3f} in {seconds['tiny']:.0f} s"
    )
    gain = 100 * (accuracy["auto"] - accuracy["tiny"])
    return [Figure(name="test accuracy without a mirror, installed backbone less `tiny`", measured=gain, unit="points",
                   at_least=10, note=note)]  # fmt: skip
