"""How much memory this process may take: what exceeds it fails with a ``MemoryError`` here, not with the machine."""

import sys
from contextlib import suppress
from pathlib import Path

_FIRST_TO_GO = "500"
"""Of 1,000: before anything that a person has open, after what asked to go first."""
_CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def spare_the_machine(*, has_accelerator: bool = False) -> int | None:
    """Let this process suffer where memory runs out, and no other: the machine goes on, and whoever started it is told.

    It may allocate what the machine has and no more, and where that is too much beside others, the kernel ends it
    before them. For processes whose work can be taken up again.

    Args:
        has_accelerator: Its driver may map more than the machine has, so nothing is limited.

    Returns:
        What it may allocate, in bytes; ``None`` where the system has no such limit.
    """
    num_bytes = None if has_accelerator else memory_bytes()
    with suppress(OSError):  # no Linux, or a kernel that lets nobody say so
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO, encoding="ascii")
    return num_bytes if num_bytes is not None and limit_memory(num_bytes) else None


def memory_bytes() -> int | None:
    """Return how much memory the machine has, or the container, in bytes; ``None`` where nobody tells."""
    found: list[int] = []
    with suppress(OSError, ValueError, IndexError):
        total = Path("/proc/meminfo").read_text(encoding="ascii").partition("MemTotal:")[2]
        found.append(int(total.split()[0]) * 1024)
    for path in _CGROUP_LIMITS:
        with suppress(OSError, ValueError):  # "max": there is none
            found.append(int(Path(path).read_text(encoding="ascii")))
    return min(found, default=None)


def limit_memory(num_bytes: int) -> bool:
    """Let this process, and those that it starts, allocate so much and no more; answer whether the system keeps to it.

    Linux counts what is allocated privately, programs and libraries not included. Other systems have no such limit
    that can be relied on.

    Args:
        num_bytes: A lower limit that is there already stays.
    """
    if sys.platform != "linux":
        return False
    import resource  # noqa: PLC0415 - not on every system

    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    known = [num_bytes, *(each for each in (soft, hard) if each != resource.RLIM_INFINITY)]
    resource.setrlimit(resource.RLIMIT_DATA, (min(known), hard))
    return True
