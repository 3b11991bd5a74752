"""Requests to a process of ours byte by byte, for tests of what no HTTP client would do."""

import email
import json
import socket
from urllib.parse import urlsplit

from tests.waiting import PATIENCE_S


def connect(address: str, *, receive_buffer_bytes: int | None = None) -> socket.socket:
    """Open a connection to a URL; a small buffer makes the server feel early that nobody reads."""
    url = urlsplit(address)
    wire = socket.socket()
    if receive_buffer_bytes is not None:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
    wire.settimeout(PATIENCE_S)
    wire.connect((url.hostname, url.port))
    return wire


def head(method: str, path: str, **headers: object) -> bytes:
    """Return the head of a request; underscores in names of headers stand for hyphens."""
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: intake.test", *lines, "", ""]).encode()


def upload_head(made: dict, length: int) -> bytes:
    """Return the head of the upload of a job."""
    url = urlsplit(made["upload"]["url"])
    return head("PUT", url.path, Content_Length=length, **made["upload"]["headers"])


def answer_on(wire: socket.socket) -> tuple[int, dict]:
    """Return status and document of the answer that comes next, and take no byte of what comes after it."""
    said = b""
    while not said.endswith(b"\r\n\r\n"):
        said += _received(wire, 1)
    status_line, _, lines = said.partition(b"\r\n")
    headers = email.message_from_bytes(lines)
    assert headers["Content-Type"] == "application/json"
    return int(status_line.split()[1]), json.loads(_received(wire, int(headers["Content-Length"])))


def _received(wire: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = wire.recv(size - len(data))
        assert piece, "the server has closed the connection"
        data += piece
    return data
