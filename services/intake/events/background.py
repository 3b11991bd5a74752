"""What intake does besides answering requests: looks at archives, sets stranded jobs going again, deletes old files."""

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial

from shared.errors import ConvtailorError

_log = logging.getLogger(__name__)

Task = Callable[[threading.Event], None]
"""Works until the event is set."""

EXPIRE_EVERY_S = 3600.0
"""Photographs of a job whose reporter could not reach the store are gone so long after its end."""
_JOIN_S = 2.0


class Background:
    """Tasks, each in a thread of its own; killing them at any moment loses nothing.

    Args:
        tasks: What to run, by name of its thread.
    """

    def __init__(self, tasks: Sequence[tuple[str, Task]]) -> None:
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=task, args=(self._stop,), name=name, daemon=True) for name, task in tasks
        ]

    def start(self) -> None:
        """Start every task."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ask every task to end and wait for them, two seconds at most each."""
        self._stop.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(_JOIN_S)


def keep_sweeping(stop: threading.Event, *, sweep: Callable[[timedelta], object], patience: timedelta) -> None:
    """Sweep until told to stop.

    The first sweep has no patience: a service that has just started may have been killed between a change and its
    message, and whoever is told twice does nothing.

    Args:
        stop: Ends it.
        sweep: Looks once at every job, with the patience given to it.
        patience: How long a job may be idle; sweeps come twice in that time.
    """
    shown = timedelta(0)
    while not stop.is_set():
        if _done("a sweep", partial(sweep, shown)):
            shown = patience
        stop.wait(patience.total_seconds() / 2)


def keep_expiring(stop: threading.Event, *, expire: Callable[[bool], object]) -> None:
    """Delete what has been kept for long enough, once an hour, until told to stop.

    Args:
        stop: Ends it.
        expire: Makes one pass; told whether it is to be thorough, as the first one is.
    """
    is_thorough = True
    while not stop.is_set():
        if _done("a look for what is to be deleted", partial(expire, is_thorough)):
            is_thorough = False
        stop.wait(EXPIRE_EVERY_S)


def _done(what: str, work: Callable[[], object]) -> bool:
    """Do something once and tell whether it came to its end; whatever it raises is a line in the log."""
    try:
        work()
    except ConvtailorError:
        _log.warning("%s broke off; the next one carries on", what, exc_info=True)
    except Exception:  # noqa: BLE001 - the outermost loop: it must outlive a surprise
        _log.exception("surprise in %s; going on", what)
    else:
        return True
    return False
