"""A small HTTP server for tests: it keeps what it is asked and answers as it is told."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

RESET = -1
"""Status of an answer that is none: the connection is reset."""
HANG = -2
"""Status of an answer that never comes."""
_LONGEST_HANG_S = 30


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What it is answered with."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class HttpServer:
    """Answers with ``reply`` until told otherwise.

    Args:
        reply: Makes the answer of a request.
    """

    def __init__(self, reply: Callable[[Asked], Reply]) -> None:
        self.reply = reply
        self.asked: list[Asked] = []
        self.closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        if not self.closing.is_set():
            self.closing.set()
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *args: object) -> None:
                pass

            def do_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                asked = Asked(method=self.command, path=self.path, headers=dict(self.headers), body=body)
                server.asked.append(asked)
                reply = server.reply(asked)
                if reply.status == HANG:
                    server.closing.wait(_LONGEST_HANG_S)
                elif reply.status == RESET:
                    self._reset()
                else:
                    self._answer(reply)

            def _reset(self) -> None:
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.close_connection = True
                self.rfile.close()
                self.wfile.close()
                self.connection.close()

            def _answer(self, reply: Reply) -> None:
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                if reply.status != HTTPStatus.NO_CONTENT:
                    self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)

            do_GET = do_POST = do_PUT = do_any  # noqa: N815

        return Handler


@contextmanager
def served(reply: Callable[[Asked], Reply]) -> Iterator[HttpServer]:
    """Serve for as long as the block runs."""
    server = HttpServer(reply)
    server.start()
    try:
        yield server
    finally:
        server.stop()
