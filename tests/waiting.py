"""The one place where tests wait for what happens in another process or thread, or does not happen."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
PATIENCE_S = 300.0
"""After how many seconds a test gives up what should take moments: far later than it ever takes on a busy machine."""


def until(
    look: Callable[[], T],
    *,
    within_s: float = PATIENCE_S,
    every_s: float = 0.05,
    tell: Callable[[], object] = lambda: "",
) -> T:
    """Return what a look finds once it finds something.

    Args:
        look: Returns something true when there is nothing to wait for any more.
        within_s: Far longer than it should ever take: on a busy machine a process may need a minute to start.
        every_s: Between two looks.
        tell: What to show where it did not happen.

    Raises:
        AssertionError: If it did not happen.
    """
    gives_up = time.monotonic() + within_s
    while not (found := look()):
        assert time.monotonic() < gives_up, f"it did not happen within {within_s:g} s. {tell()}"
        time.sleep(every_s)
    return found


def faults_of(*calls: Callable[[], object], within_s: float = PATIENCE_S) -> list[type[BaseException] | None]:
    """Make calls at once, each in a thread of its own, and return what each raised, in their order.

    Raises:
        TimeoutError: If one was still at it after a time far above every limit that was set for it.
    """
    with ThreadPoolExecutor(len(calls)) as pool:
        faults = [made.exception(timeout=within_s) for made in [pool.submit(call) for call in calls]]
    return [type(fault) if fault is not None else None for fault in faults]
