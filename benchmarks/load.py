"""A load generator that costs little itself: HTTP/1.1 over connections kept alive, in one thread without a library.

Python's HTTP clients take as much of a processor as the server they would measure, and the programs written for it
(wrk, hey) are not on every machine.

It is a program of its own, so that it does not share an interpreter with what it measures::

    python -m benchmarks.load < plan.json > measured.json
"""

import json
import selectors
import socket
import sys
import time
from dataclasses import asdict, dataclass, field

_READ_BYTES = 65536
_HEAD_END = b"\r\n\r\n"
_LENGTH = b"\r\ncontent-length:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to send.

    Args:
        port: Of this machine.
        requests: Whole requests as text, sent in turn.
        status: The one that every answer must have.
        connections: As many requests are under way at any moment.
        warm_up_s: Seconds before anything counts.
        seconds: Seconds that count.
    """

    port: int
    requests: list[str]
    status: int
    connections: int
    warm_up_s: float
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What came back.

    Args:
        per_s: Answers per second.
        p99_ms: 99 of 100 answers came within so many milliseconds.
        busy_frac: Part of the time, 0 to 1, in which the generator used a processor; near 1 it measures itself.
    """

    per_s: float
    p99_ms: float
    busy_frac: float


@dataclass(slots=True)
class _Connection:
    peer: socket.socket
    sent_s: float = 0.0
    received: bytearray = field(default_factory=bytearray)


class Load:
    """Keeps every connection busy.

    Args:
        plan: See there.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._requests = [text.encode() for text in plan.requests]
        self._expected = f"HTTP/1.1 {plan.status} ".encode()
        self._num_sent = 0
        self._times_s: list[float] = []

    def run(self) -> Measured:
        """Send until the time is over.

        Raises:
            RuntimeError: If an answer has another status than expected.
        """
        with selectors.DefaultSelector() as selector:
            for _ in range(self._plan.connections):
                connection = _Connection(socket.create_connection(("127.0.0.1", self._plan.port)))
                connection.peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                selector.register(connection.peer, selectors.EVENT_READ, connection)
                self._send(connection)
            self._work(selector, self._plan.warm_up_s)
            self._times_s.clear()
            began_s, busy_s = time.perf_counter(), time.process_time()
            self._work(selector, self._plan.seconds)
            elapsed_s, busy_s = time.perf_counter() - began_s, time.process_time() - busy_s
            for key in list(selector.get_map().values()):
                key.data.peer.close()
        ordered = sorted(self._times_s)
        return Measured(
            per_s=len(ordered) / elapsed_s,
            p99_ms=1000 * ordered[int(0.99 * (len(ordered) - 1))],
            busy_frac=busy_s / elapsed_s,
        )

    def _work(self, selector: selectors.BaseSelector, seconds: float) -> None:
        ends_s = time.perf_counter() + seconds
        while time.perf_counter() < ends_s:
            for key, _ in selector.select(timeout=1):
                self._receive(key.data)

    def _send(self, connection: _Connection) -> None:
        request = self._requests[self._num_sent % len(self._requests)]
        self._num_sent += 1
        connection.received.clear()
        connection.sent_s = time.perf_counter()
        connection.peer.sendall(request)

    def _receive(self, connection: _Connection) -> None:
        data = connection.peer.recv(_READ_BYTES)
        if not data:
            raise RuntimeError(f"the server closed a connection after {bytes(connection.received[:200])!r}")
        connection.received += data
        if not _is_whole(connection.received):
            return
        self._times_s.append(time.perf_counter() - connection.sent_s)
        if not connection.received.startswith(self._expected):
            raise RuntimeError(f"received {bytes(connection.received[:500])!r}, expected {self._expected!r}")
        self._send(connection)


def _is_whole(received: bytearray) -> bool:
    """Tell whether an answer is complete; the servers measured here always tell its length."""
    end = received.find(_HEAD_END)
    if end < 0:
        return False
    head = bytes(received[: end + 2]).lower()
    length = head.partition(_LENGTH)[2].partition(b"\r\n")[0]
    return len(received) >= end + len(_HEAD_END) + int(length)


def main() -> None:
    """Read a plan from standard input, follow it, and print what was measured."""
    json.dump(asdict(Load(Plan(**json.load(sys.stdin))).run()), sys.stdout)


if __name__ == "__main__":
    main()
