"""A connection on which no thread waits longer than the pace of its peer allows, and on small answers not at all."""

import contextlib
import errno
import select
import socket
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shared.web.connections.pace import Pace

MAX_UNSENT_BYTES = 2**20
"""Most of an answer that is kept for a slow reader. Answers that are longer belong to transfers."""


class PacedSocket(socket.socket):
    """What gunicorn's threads take for a socket that blocks.

    With a pace it blocks as long as the peer keeps up. Without one it never does: a request that was handed over whole
    leaves nothing to wait for, and what the peer does not take of the answer stays in ``unsent`` until somebody sends
    it with :meth:`flush`.

    Args:
        accepted: Taken over.
    """

    __slots__ = ("_longest_wait_s", "pace", "unsent")

    def __init__(self, accepted: socket.socket) -> None:
        super().__init__(accepted.family, accepted.type, accepted.proto, accepted.detach())
        super().setblocking(False)
        self.pace: Pace | None = None
        self.unsent = bytearray()
        self._longest_wait_s: float | None = None

    def setblocking(self, flag: bool, /) -> None:
        """Take note of how long the caller would wait; the descriptor itself never blocks."""
        self._longest_wait_s = None if flag else 0.0

    def settimeout(self, value: float | None, /) -> None:
        """Take note of how long the caller would wait, in seconds."""
        self._longest_wait_s = value

    def gettimeout(self) -> float | None:
        """Return how long the caller would wait, in seconds."""
        return self._longest_wait_s

    def receive_now(self, size: int) -> bytes | None:
        """Return what is there, ``b""`` if the peer has ended, ``None`` if there is nothing yet."""
        try:
            return super().recv(size)
        except BlockingIOError:
            return None
        except OSError:
            return b""

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """Receive, waiting for the peer while it keeps up.

        Raises:
            ConnectionResetError: If it does not.
            TimeoutError: If the caller would wait no longer.
        """
        while True:
            try:
                data = super().recv(size, flags)
            except BlockingIOError:
                self._wait(select.POLLIN)
                continue
            if self.pace:
                self.pace.moved(len(data))
            return data

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """Send everything, waiting for the peer while it keeps up; without a pace keep what it does not take.

        Raises:
            ConnectionResetError: If it does not keep up, or more than ``MAX_UNSENT_BYTES`` would be kept.
            TimeoutError: If the caller would wait no longer.
        """
        if self.pace is None:
            self._send_or_keep(data)
            return
        left = memoryview(data)
        while left:
            try:
                num_sent = super().send(left, flags)
            except BlockingIOError:
                self._wait(select.POLLOUT)
                continue
            self.pace.moved(num_sent)
            left = left[num_sent:]

    def flush(self) -> bool:
        """Send what the peer takes of what was kept; returns whether that is all.

        Raises:
            OSError: If the connection is broken.
        """
        with contextlib.suppress(BlockingIOError):
            del self.unsent[: super().send(self.unsent)]
        return not self.unsent

    def _send_or_keep(self, data: bytes) -> None:
        self.unsent += data
        if len(self.unsent) == len(data):  # nothing was left over that had to go first
            self.flush()
        if len(self.unsent) > MAX_UNSENT_BYTES:
            raise ConnectionResetError(errno.ECONNRESET, "the peer does not read its answer")

    def _wait(self, event: int) -> None:
        """Wait until the peer can be read from or written to.

        Raises:
            ConnectionResetError: If the peer does not keep up.
            TimeoutError: If the caller would wait no longer.
        """
        if self.pace is None or self.pace.is_lost:
            raise ConnectionResetError(errno.ECONNRESET, "the peer is too slow")
        longest_s = self.pace.left_s if self._longest_wait_s is None else min(self.pace.left_s, self._longest_wait_s)
        poller = select.poll()
        poller.register(self, event)
        began_s = time.monotonic()
        ready = poller.poll(1000 * longest_s)
        self.pace.waited(time.monotonic() - began_s)
        if not ready and not self.pace.is_lost:
            raise TimeoutError(errno.ETIMEDOUT, "timed out")
