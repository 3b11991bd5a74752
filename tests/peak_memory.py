"""The most memory that processes have had, as Linux counts it."""

from pathlib import Path

import psutil


def peak_bytes(pid: int) -> int:
    """Return the peak of a living process and of those that it started, each at its own moment, in bytes."""
    process = psutil.Process(pid)
    return sum(_peak(each.pid) for each in (process, *process.children(recursive=True)))


def _peak(pid: int) -> int:
    # getrusage would count what the process had been before it became this program.
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0
