"""Gunicorn's threaded worker, but that no thread ever waits for a request to arrive or for a small answer to be read.

As it comes, that worker gives a connection to a thread as soon as it is open, and a thread that reads waits for as long
as the peer likes: as many half-sent requests as there are threads stop it. Here the loop that accepts connections also
collects requests, sends what slow readers left of their answers and waits for connections to end, all without blocking.
Uploads and downloads are streamed by threads of their own, at a pace that their peers have to keep.

A connection is always in one place: ``_watched`` (the loop waits for its peer), ``_queued`` (it waits for a thread that
transfers), ``_unread`` (it has its answer, and its peer goes on sending in vain) or with a thread.
"""

import contextlib
import errno
import selectors
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

from gunicorn.http import errors
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, ThreadWorker

from shared.web.app import MAX_BODY_BYTES
from shared.web.connections.arrival import Arrival, Stage
from shared.web.connections.connection import Connection
from shared.web.connections.pace import Pace
from shared.web.connections.paced_socket import PacedSocket
from shared.web.connections.refusal import refusal

_READ_BYTES = 65536
_LOOK_EVERY_S = 0.25
_LINGER_S = 2.0
_MAX_DRAINED_BYTES = 2**20
_NOT_ACCEPTED = frozenset({errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED})
_NO_DESCRIPTOR = frozenset({errno.EMFILE, errno.ENFILE})
_STATUS_OF_STAGE = {Stage.HEAD_TOO_LARGE: 431, Stage.BODY_TOO_LARGE: 413, Stage.UNREADABLE: 400}
_STATUS_OF_ERROR: tuple[tuple[type[Exception], int], ...] = (
    (errors.InvalidResponseHeader, 500),
    (errors.InvalidResponseHeaderName, 500),
    (errors.ConfigurationProblem, 500),
    (errors.LimitRequestLine, 414),
    (errors.LimitRequestHeaders, 431),
    (errors.ExpectationFailed, 417),
    (errors.UnsupportedTransferCoding, 501),
    (errors.ParseException, 400),
)


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """See the module; its limits are those of the server's ``app.rules``."""

    def init_process(self) -> None:
        """Prepare and serve until told to stop."""
        self._limits = self.app.rules.limits
        self._watched: dict[Connection, None] = {}
        self._queued: dict[Connection, None] = {}
        self._unread: dict[Connection, None] = {}
        self._num_transfers = 0
        self._next_look_s = 0.0
        self._transfer_pool = ThreadPoolExecutor(self._limits.num_transfers, thread_name_prefix="transfer")
        super().init_process()

    def accept(self, listener: socket.socket) -> None:
        """Take a connection in; where there are too many, at the cost of the one that is awaited longest."""
        try:
            accepted, client = listener.accept()
        except OSError as error:
            if error.errno in _NO_DESCRIPTOR:
                self._make_room()
            elif error.errno not in _NOT_ACCEPTED:
                raise
            return
        self.nr_conns += 1
        others = (self.cfg, client, accepted.getsockname())  # where it arrived, also of a listener at 0.0.0.0
        self._await_request(Connection(PacedSocket(accepted), self._arrival(), others=others), self._limits.request_s)
        if self.nr_conns >= self._limits.max_connections:
            self._make_room()

    def finish_request(self, conn: Connection, done: "Future[bool]") -> None:
        """Go on with a connection whose thread is done with it; called in the loop."""
        if conn.sock.pace is not None:
            conn.sock.pace = None
            self._num_transfers -= 1
            self._start_queued()
        conn.is_kept = not done.cancelled() and done.exception() is None and bool(done.result())
        if conn.sock.fileno() < 0:  # the thread has closed it
            self.nr_conns -= 1
        elif conn.sock.unsent:
            self._watch(conn, selectors.EVENT_WRITE, self._on_room_to_send, self._limits.request_s)
        else:
            self._end_answer(conn)

    def handle_error(self, req: Any, client: PacedSocket, addr: object, exc: Exception) -> None:  # noqa: ARG002
        """Answer what gunicorn cannot read, or a surprise outside the app, in the one shape."""
        status = next((status for kind, status in _STATUS_OF_ERROR if isinstance(exc, kind)), 500)
        if status == 500:  # noqa: PLR2004
            self.log.error("surprise outside the app", exc_info=exc)
        else:
            self.log.info("refused a request with %d: %s", status, exc)
        with contextlib.suppress(OSError):
            client.sendall(refusal(status))

    def murder_pending(self) -> None:
        """Give up whom the loop has awaited too long; called after every event, looks four times a second."""
        now_s = time.monotonic()
        if now_s < self._next_look_s:
            return
        self._next_look_s = now_s + _LOOK_EVERY_S
        for conn in [conn for conn in (*self._watched, *self._queued, *self._unread) if conn.deadline_s <= now_s]:
            conn.when_late()

    def murder_keepalived(self, force: bool = False) -> None:
        """Close every connection that is with no thread, at the end."""
        for conn in [*self._watched, *self._queued, *self._unread] if force else ():
            self._forget(conn)

    def _cap_keepalive(self, deadline: float) -> None:
        """Keep connections on which nothing has come no longer than this; called when told to stop."""
        for conn in self._watched:
            if not conn.arrival.data:
                conn.deadline_s = min(conn.deadline_s, deadline)

    def _arrival(self) -> Arrival:
        return Arrival(transfer_path=self._limits.transfer_path, max_body_bytes=MAX_BODY_BYTES)

    def _watch(
        self,
        conn: Connection,
        event: int,
        then: Callable[[Connection, object], None],
        within_s: float,
        when_late: Callable[[Connection], None] | None = None,
    ) -> None:
        """Wait for the peer; who lets the time pass is forgotten, unless there is more to be done."""
        conn.deadline_s = time.monotonic() + within_s
        conn.when_late = partial(when_late or self._forget, conn)
        self._watched[conn] = None
        self.poller.register(conn.sock, event, partial(then, conn))

    def _unwatch(self, conn: Connection) -> None:
        if conn in self._watched:
            del self._watched[conn]
            self.poller.unregister(conn.sock)
        self._queued.pop(conn, None)
        self._unread.pop(conn, None)

    def _forget(self, conn: Connection) -> None:
        """Close a connection that is with no thread."""
        self._unwatch(conn)
        self.nr_conns -= 1
        conn.close()

    def _make_room(self) -> None:
        """Close one that has its answer, else the one that is awaited longest, else the one that has queued longest."""
        for waiting in (self._unread, self._watched, self._queued):
            if waiting:
                self._forget(next(iter(waiting)))
                return

    def _await_request(self, conn: Connection, within_s: float) -> None:
        self._watch(conn, selectors.EVENT_READ, self._on_request_bytes, within_s, self._give_up_request)

    def _give_up_request(self, conn: Connection) -> None:
        """Tell who has begun a request that it took too long; who has said nothing is told nothing."""
        if conn.arrival.data:
            self._refuse(conn, 408)
        else:
            self._forget(conn)

    def _on_request_bytes(self, conn: Connection, _sock: object) -> None:
        data = conn.sock.receive_now(_READ_BYTES)
        if data:
            self._take(conn, data)
        elif data is not None:
            self._forget(conn)

    def _take(self, conn: Connection, data: bytes) -> None:
        """Add bytes to the request, and hand it over if it is there."""
        if not conn.arrival.data:
            conn.deadline_s = time.monotonic() + self._limits.request_s
        stage = conn.arrival.feed(data)
        if stage is Stage.WHOLE:
            self._hand_over(conn, self.tpool)
        elif stage is Stage.TRANSFER:
            self._queue(conn)
        elif stage is not Stage.ARRIVING:
            self._refuse(conn, _STATUS_OF_STAGE[stage])
        elif conn.arrival.expects:
            conn.arrival.expects = False
            with contextlib.suppress(OSError):  # the peer will send its body unasked
                conn.sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _hand_over(self, conn: Connection, pool: ThreadPoolExecutor) -> None:
        """Let a thread handle the request."""
        self._unwatch(conn)
        conn.init()
        conn.parser.unreader.unread(bytes(conn.arrival.data))
        conn.arrival = self._arrival()
        done = pool.submit(self.handle, conn)
        done.add_done_callback(lambda done: self.method_queue.defer(self.finish_request, conn, done))

    def _queue(self, conn: Connection) -> None:
        """Let the connection wait for a thread that transfers; what its peer sends meanwhile, the kernel keeps."""
        self._unwatch(conn)
        conn.deadline_s = time.monotonic() + self._limits.queue_s
        conn.when_late = partial(self._refuse, conn, 503)
        self._queued[conn] = None
        self._start_queued()

    def _start_queued(self) -> None:
        while self._queued and self._num_transfers < self._limits.num_transfers:
            conn = next(iter(self._queued))
            self._num_transfers += 1
            conn.sock.pace = Pace(stall_s=self._limits.stall_s, min_bytes_per_s=self._limits.min_bytes_per_s)
            self._hand_over(conn, self._transfer_pool)

    def _on_room_to_send(self, conn: Connection, _sock: object) -> None:
        try:
            is_sent = conn.sock.flush()
        except OSError:
            self._forget(conn)
            return
        if is_sent:
            self._unwatch(conn)
            self._end_answer(conn)

    def _end_answer(self, conn: Connection) -> None:
        """Await the next request, or the end."""
        if not conn.is_kept:
            self._linger(conn)
            return
        self._await_request(conn, self._limits.idle_s if self.alive else STOP_KEEPALIVE_LINGER)
        if read_ahead := conn.parser.unreader.take_buffered():
            self._take(conn, read_ahead)

    def _refuse(self, conn: Connection, status: int) -> None:
        """Answer what no thread need look at, as far as the peer takes the answer at once."""
        self._unwatch(conn)
        conn.sock.unsent += refusal(status)
        try:
            conn.sock.flush()
        except OSError:
            self._forget(conn)
        else:
            self._linger(conn)

    def _linger(self, conn: Connection) -> None:
        """End our side and wait shortly for the peer's: closing over unread bytes would take the answer from it.

        Source: RFC 9112, 9.6.
        """
        try:
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._forget(conn)
        else:
            self._watch(conn, selectors.EVENT_READ, self._on_last_bytes, _LINGER_S)

    def _on_last_bytes(self, conn: Connection, _sock: object) -> None:
        """Take what comes after the answer; of a peer that sends much, no more.

        A proxy that sends an upload on looks for an answer only when it cannot send: it has to be kept from that, and
        its connection has to stay, or it says that we are broken.
        """
        data = conn.sock.receive_now(_READ_BYTES)
        conn.num_drained_bytes += len(data or b"")
        if data == b"":
            self._forget(conn)
        elif conn.num_drained_bytes > _MAX_DRAINED_BYTES:
            self._unwatch(conn)
            self._unread[conn] = None
