"""Peak memory of `prepare`: it must not grow with the data set."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.material import dataset, enlarged
from services.trainer.scratch.need import DESCRIPTION_BYTES
from tests.peak_memory import peak_bytes

SMALL, LARGE = 600, 6000
SIDE_PX = 224
ON_PAPER = 100_000


def measure(scratch: Path) -> list[Figure]:
    """Prepare a small and a ten times larger archive, each in a process of its own, and compare their peaks."""
    peaks = {}
    for num_images in (SMALL, LARGE):
        archive = enlarged(dataset("clothing10"), scratch / f"photos_{num_images}.zip", num_images=num_images)
        command = [sys.executable, "-m", "benchmarks.prepare_memory", str(archive)]
        peaks[num_images] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    small, large = peaks[SMALL]["peak_mb"], peaks[LARGE]["peak_mb"]
    figures = _on_paper(peaks[SMALL], peaks[LARGE])
    note = f"{small:.0f} MB at {SMALL}, {large:.0f} MB at {LARGE} images; {peaks[LARGE]['images_per_s']:.0f} images/s"
    return [
        Figure(name=f"peak memory of `prepare`, {LARGE:,} against {SMALL} images", measured=large / small, unit="×",
               at_most=1.1, note=note),
        *figures,
    ]  # fmt: skip


def _on_paper(small: Mapping[str, float], large: Mapping[str, float]) -> list[Figure]:
    """Return what as many photographs would take as no benchmark prepares, from what two smaller numbers took."""
    more = large["num_images"] - small["num_images"]
    memory_slope = max(0.0, large["peak_mb"] - small["peak_mb"]) / more  # peaks scatter; more take no less
    disk_slope = (large["disk_bytes"] - small["disk_bytes"]) / more
    beyond = ON_PAPER - small["num_images"]
    foretold = SIDE_PX**2 * 3 + DESCRIPTION_BYTES
    note = f"from {memory_slope * 1000:.2f} MB for each 1,000 photographs, measured"
    disk_note = f"{disk_slope / 1e3:.1f} kB measured, {foretold / 1e3:.1f} kB counted; at {SIDE_PX} px"
    return [
        Figure(name=f"peak memory of `prepare` at {ON_PAPER:,} photographs, on paper",
               measured=small["peak_mb"] + memory_slope * beyond, unit="MB", at_most=600, note=note),
        Figure(name="disk for each decoded photograph, share of what a job is counted for",
               measured=100 * disk_slope / foretold, unit="%", at_most=100, note=disk_note),
    ]  # fmt: skip


def main(archive: Path) -> None:
    """Prepare one archive and print the peak of this process, mapped files included."""
    import time

    from benchmarks.scratch_run import scratch_run
    from services.trainer.data.prepare import identify, prepare
    from shared.job.options import JobOptions

    with tempfile.TemporaryDirectory() as directory:
        started = time.perf_counter()
        key = identify(archive, JobOptions())
        prepared = prepare(archive, scratch_run(Path(directory)), key=key, sizes_px=(SIDE_PX,))
        seconds = time.perf_counter() - started
        disk_bytes = sum(path.stat().st_blocks * 512 for path in Path(directory).rglob("*"))
    peak_mb = peak_bytes(os.getpid()) / 2**20
    measured = {"peak_mb": peak_mb, "images_per_s": prepared.num_images / seconds, "disk_bytes": disk_bytes}
    json.dump({**measured, "num_images": prepared.num_images}, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
