"""Memory of a training: what a network takes of it, and giving back what is no longer at work."""

import ctypes
import gc
import mmap
import sys
from collections.abc import Iterable
from contextlib import suppress

_PROCESS_BYTES = 700 * 10**6
"""Of a training process apart from its networks, at least: TensorFlow, and a pass at work."""
_NUM_COPIES = 4
"""Times that a network's weights lie in memory, at least: while it is built, as variables, in the pass over the
photographs, and in the file that is written."""
_LIGHT_BYTES = 32 * 2**20
_STAYING_SHARE = 0.2


def training_bytes(size_bytes: int) -> int:
    """Return the memory that a training process takes at least while a network with such weights is its largest.

    ``python -m benchmarks memory-bounds`` measures what it takes with every backbone.

    Args:
        size_bytes: Of the weights in float32.
    """
    return _PROCESS_BYTES + _NUM_COPIES * size_bytes


def memory_objection(size_bytes: int, most_bytes: int | None) -> str | None:
    """Return why a network cannot be trained on this machine, or ``None`` where it can.

    Args:
        size_bytes: Of its weights in float32.
        most_bytes: Memory of the machine; ``None`` where it is unknown.
    """
    needed = training_bytes(size_bytes)
    if most_bytes is None or needed <= most_bytes:
        return None
    return (
        f"it takes at least {needed / 1e9:.1f} GB of memory and this machine has {most_bytes / 1e9:.1f} GB; choose a "
        "smaller network, or run it where there is more memory"
    )


def is_light(size_bytes: int) -> bool:
    """Tell whether a network may stay in memory while others are at work, since building it anew costs seconds."""
    return size_bytes <= _LIGHT_BYTES


def may_stay(sizes_bytes: Iterable[int], most_bytes: int | None) -> bool:
    """Tell whether networks may stay in memory together while another one is at work, so that none is built again.

    Args:
        sizes_bytes: Of the weights of each in float32.
        most_bytes: Memory of the machine; ``None`` where it is unknown.
    """
    return most_bytes is not None and training_bytes(sum(sizes_bytes)) <= _STAYING_SHARE * most_bytes


def let_go(*arrays: object) -> None:
    """Take what was read or written of mapped files off this process; it stays in the system's cache.

    What a process has touched of a mapped file counts as its memory until the system needs it, and would grow with the
    number of images.

    Args:
        arrays: Mapped or not; used again as if nothing had happened.
    """
    if sys.platform != "linux":  # where it is known to lose nothing that was written
        return
    for each in arrays:
        mapped = getattr(each, "_mmap", None)
        if isinstance(mapped, mmap.mmap):
            mapped.madvise(mmap.MADV_DONTNEED)


def give_back() -> None:
    """Return to the system what this process has freed: networks refer to themselves, and malloc keeps its pages."""
    gc.collect()
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # a C library that is not glibc keeps nothing back
            ctypes.CDLL(None).malloc_trim(0)
