"""How much memory this process may take: what exceeds it fails with a ``MemoryError`` here, not with the machine."""

import sys


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
