"""Small disks of their own for scratch and data, which the soak fills up; a private mount, gone with this process."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_ENTERED = "SOAK_ENTERED"


def enter_private_mounts(arguments: Sequence[str]) -> None:
    """Go on in a mount namespace of our own, where that can be had: mounts then need no tidying up, whatever kills us.

    Args:
        arguments: Of the soak, for the program that takes this one's place.
    """
    if os.environ.get(_ENTERED) or shutil.which("unshare") is None:
        return
    flags = ["--mount"] if os.geteuid() == 0 else ["--user", "--map-root-user", "--mount"]
    if subprocess.run(["unshare", *flags, "true"], check=False, capture_output=True).returncode:
        return
    command = ["unshare", *flags, sys.executable, "-m", "benchmarks", "soak", *arguments]
    os.execvpe(command[0], command, {**os.environ, _ENTERED: "1"})


def mount(folder: Path, size_bytes: int) -> bool:
    """Make a folder a disk of its own in memory; answer whether that was allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    if not os.environ.get(_ENTERED):
        return False
    command = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes},mode=0700", "none", str(folder)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def unmount(folder: Path) -> None:
    """Take a disk away again."""
    subprocess.run(["umount", "--lazy", str(folder)], check=False, capture_output=True)


def fill(disk: Path, *, but_bytes: int = 0) -> Path:
    """Use up all that is free on a disk but for some bytes, and return the file that takes it."""
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        size_bytes = shutil.disk_usage(disk).free - but_bytes
        if size_bytes > 0:
            os.posix_fallocate(file.fileno(), 0, size_bytes)
    return ballast
