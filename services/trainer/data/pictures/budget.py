"""How much memory all threads together may spend on pictures that are being decoded."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class MemoryBudget:
    """A number of bytes that threads share; whoever asks first is served first, so that big ones are not left waiting.

    Args:
        num_bytes: What may be spent at any time; one alone may spend more.
    """

    def __init__(self, num_bytes: int) -> None:
        self._num_bytes = num_bytes
        self._spent_bytes = 0
        self._changed = threading.Condition()
        self._waiting: deque[object] = deque()

    @contextmanager
    def spend(self, num_bytes: int) -> Iterator[None]:
        """Wait until so many bytes are left, and hold them for the length of a ``with`` block."""
        ticket = object()
        with self._changed:
            self._waiting.append(ticket)
            self._changed.wait_for(lambda: self._waiting[0] is ticket and self._has(num_bytes))
            self._waiting.popleft()
            self._spent_bytes += num_bytes
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._spent_bytes -= num_bytes
                self._changed.notify_all()

    def _has(self, num_bytes: int) -> bool:
        return self._spent_bytes == 0 or self._spent_bytes + num_bytes <= self._num_bytes
