"""What intake does besides answering requests: looks at uploaded archives, and sets stranded jobs going again."""

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta

from shared.errors import ConvtailorError

_log = logging.getLogger(__name__)

Task = Callable[[threading.Event], None]
"""Works until the event is set."""

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
        try:
            sweep(shown)
            shown = patience
        except ConvtailorError:
            _log.warning("a sweep broke off; the next one carries on", exc_info=True)
        except Exception:  # noqa: BLE001 - the outermost loop: sweeping must outlive a surprise
            _log.exception("surprise while sweeping; going on")
        stop.wait(patience.total_seconds() / 2)
