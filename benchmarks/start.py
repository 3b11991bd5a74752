"""How long people wait before anything happens: imports and `--help`, in fresh processes, the median of several."""

import statistics
import subprocess
import sys
import time

from benchmarks.figure import Figure

REPEATS = 7


def measure() -> list[Figure]:
    """Time the imports of intake and the command line."""
    imports = "import services.intake.app, sys; assert 'tensorflow' not in sys.modules"
    intake = _median_s([sys.executable, "-c", imports])
    command = _median_s([sys.executable, "-m", "services.onebox.cli", "--help"])
    bare = _median_s([sys.executable, "-c", "pass"])
    note = f"median of {REPEATS} fresh processes; a bare interpreter takes {bare:.2f} s of it"
    return [
        Figure(name="`import services.intake.app`", measured=intake, unit="s", at_most=0.7, note=note),
        Figure(name="`convtailor --help`", measured=command, unit="s", at_most=0.4, note=note),
    ]


def _median_s(command: list[str]) -> float:
    """Return the median wall-clock time of a command after one warm-up, in seconds."""
    times = []
    for _ in range(REPEATS + 1):
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - started)
    return statistics.median(times[1:])
