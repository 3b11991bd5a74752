"""The most memory that a living process and those that it started have had, as the kernel counts it."""

import sys
from pathlib import Path

import psutil
import pytest

MB = 10**6


def peak_bytes(pid: int) -> int:
    """Return the peak of a process and its children, each at its own moment, in bytes; skip where nobody counts it."""
    if sys.platform != "linux":
        pytest.skip("only Linux tells the peak of another process")
    process = psutil.Process(pid)
    return sum(_peak(each.pid) for each in (process, *process.children(recursive=True)))


def _peak(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0
