"""How much memory this process may take: what exceeds it fails with a ``MemoryError`` here, not with the machine."""

import sys
from contextlib import suppress
from pathlib import Path, PurePosixPath

_FIRST_TO_GO = "500"
"""Of 1,000: before anything that a person has open, after what asked to go first."""
_UNIFIED = ("sys/fs/cgroup", "memory.max")
_OLDER = ("sys/fs/cgroup/memory", "memory.limit_in_bytes")


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


def memory_bytes(root: Path = Path("/")) -> int | None:
    """Return how much memory there is, in bytes; ``None`` where nobody tells.

    It is what the machine has, or less where the container, the service of systemd that this process belongs to, or a
    group around them may take less.

    Args:
        root: Where the system's own files lie.
    """
    found: list[int] = []
    with suppress(OSError, ValueError, IndexError):
        total = (root / "proc/meminfo").read_text(encoding="ascii").partition("MemTotal:")[2]
        found.append(int(total.split()[0]) * 1024)
    for path in _limits_around(root):
        with suppress(OSError, ValueError):  # "max": there is none
            found.append(int(path.read_text(encoding="ascii")))
    return min(found, default=None)


def _limits_around(root: Path) -> list[Path]:
    """Return the files that hold the limits of this process's control group and of all around it, some missing.

    A container sees its own group as the outermost; a service of systemd sees all the way down to itself.
    Source: https://www.kernel.org/doc/html/latest/admin-guide/cgroup-v2.html, man 7 cgroups.
    """
    groups = {_UNIFIED: PurePosixPath("/"), _OLDER: PurePosixPath("/")}
    with suppress(OSError, UnicodeDecodeError):
        for line in (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            number, _, rest = line.partition(":")
            controllers, _, path = rest.partition(":")
            if number == "0" or "memory" in controllers.split(","):
                groups[_UNIFIED if number == "0" else _OLDER] = PurePosixPath(path)
    return [
        root / folder / around.relative_to("/") / name
        for (folder, name), path in groups.items()
        for around in (path, *path.parents)
        if around.is_absolute() and ".." not in around.parts
    ]


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
