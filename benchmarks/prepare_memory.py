"""Peak memory of `prepare`: it must not grow with the data set."""

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.material import dataset, enlarged

SMALL, LARGE = 600, 6000


def measure(scratch: Path) -> list[Figure]:
    """Prepare a small and a ten times larger archive, each in a process of its own, and compare their peaks."""
    peaks = {}
    for num_images in (SMALL, LARGE):
        archive = enlarged(dataset("clothing10"), scratch / f"photos_{num_images}.zip", num_images=num_images)
        command = [sys.executable, "-m", "benchmarks.prepare_memory", str(archive)]
        peaks[num_images] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    small, large = peaks[SMALL]["peak_mb"], peaks[LARGE]["peak_mb"]
    note = f"{small:.0f} MB at {SMALL}, {large:.0f} MB at {LARGE} images; {peaks[LARGE]['images_per_s']:.0f} images/s"
    return [
        Figure(name=f"peak memory of `prepare`, {LARGE:,} against {SMALL} images", measured=large / small, unit="×",
               at_most=1.1, note=note)
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
        prepared = prepare(archive, scratch_run(Path(directory)), key=key, sizes_px=(224,))
        seconds = time.perf_counter() - started
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    json.dump({"peak_mb": peak_mb, "images_per_s": prepared.num_images / seconds}, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
