"""When a request has arrived so far that a thread can work on it without waiting for the peer.

Only that is decided here: gunicorn reads the same bytes once more, and what it makes of them is what counts. So a head
that this module cannot read counts as whole, and is handed over to be refused.
"""

import re
from enum import Enum, auto
from urllib.parse import unquote_to_bytes

MAX_HEAD_BYTES = 32 * 2**10
"""Longest request line with all headers; a signed address has under 1 KiB, and cookies are none of ours."""

_LINE_END = b"\r\n"
_HEAD_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,18})[ \t]*\r\n", re.IGNORECASE)
_CODING = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
_EXPECTS = re.compile(rb"\r\nexpect:", re.IGNORECASE)
_PATH = re.compile(rb"\S+ (?:https?://[^/\s]*)?(/[^\s?]*)", re.IGNORECASE)
_CHUNK_SIZE = re.compile(rb"([0-9a-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r\n", re.IGNORECASE)
_MAX_CHUNK_OVERHEAD = 2
"""A body in chunks may be so many times as long as what is in them."""
_MAX_SIZE_LINE_BYTES = 256


class Stage(Enum):
    """How far a request has come.

    ``TRANSFER``: its body, or the answer, is streamed, at the pace of the peer.
    """

    ARRIVING = auto()
    WHOLE = auto()
    TRANSFER = auto()
    HEAD_TOO_LARGE = auto()
    BODY_TOO_LARGE = auto()
    UNREADABLE = auto()


class Arrival:
    """A request as it comes in; costs the same however small the pieces are.

    Args:
        transfer_path: Beginning of the paths whose bodies are streamed; empty where there are none.
        max_body_bytes: Longest body that is collected. One that is announced as longer is not waited for, since the
            app refuses it unread; one that turns out longer is ``BODY_TOO_LARGE``.
    """

    __slots__ = ("_body_at", "_end", "_is_chunked", "_max_body_bytes", "_transfer_path", "data", "expects")

    def __init__(self, *, transfer_path: str, max_body_bytes: int) -> None:
        self._transfer_path = transfer_path.encode()
        self._max_body_bytes = max_body_bytes
        self._body_at = 0
        self._is_chunked = False
        self._end = 0  # of the request, or of the chunks that are there; 0 while there is no head
        self.data = bytearray()
        self.expects = False
        """Whether the peer waits to be asked for the body."""

    def feed(self, data: bytes) -> Stage:
        """Take what came in and tell how far the request is now."""
        known = len(self.data)
        self.data += data
        if not self._body_at:
            stage = self._head(max(0, known - len(_HEAD_END) + 1))
            if stage is not None:
                return stage
        return self._chunks() if self._is_chunked else self._counted()

    def _head(self, start: int) -> Stage | None:
        """Read the head once it is there; returns ``None`` where the body decides."""
        while start == 0 and self.data.startswith(_LINE_END):  # passed over. Source: RFC 9112, 2.2
            del self.data[: len(_LINE_END)]
        found = self.data.find(_HEAD_END, start)
        if found < 0:
            return Stage.HEAD_TOO_LARGE if len(self.data) > MAX_HEAD_BYTES else Stage.ARRIVING
        head = bytes(self.data[: found + len(_LINE_END)])
        self._body_at = self._end = found + len(_HEAD_END)
        path = _PATH.match(head)
        if self._transfer_path and path and unquote_to_bytes(path[1]).startswith(self._transfer_path):
            return Stage.TRANSFER
        self._is_chunked = _CODING.search(head) is not None
        length = _LENGTH.search(head)
        if length and not self._is_chunked:
            self._end += int(length[1]) if int(length[1]) <= self._max_body_bytes else 0
        self.expects = _EXPECTS.search(head) is not None and (self._is_chunked or self._end > self._body_at)
        return None

    def _counted(self) -> Stage:
        return Stage.WHOLE if len(self.data) >= self._end else Stage.ARRIVING

    def _chunks(self) -> Stage:
        """Go from chunk to chunk."""
        if len(self.data) - self._body_at > _MAX_CHUNK_OVERHEAD * self._max_body_bytes:
            return Stage.BODY_TOO_LARGE
        while size_line := _CHUNK_SIZE.match(self.data, self._end):
            size = int(size_line[1], 16)
            if size == 0:
                is_over = self.data.find(_HEAD_END, size_line.end() - len(_LINE_END)) >= 0  # after trailers, if any
                return Stage.WHOLE if is_over else Stage.ARRIVING
            end = size_line.end() + size + len(_LINE_END)
            if end > len(self.data):
                return Stage.ARRIVING
            if self.data[end - len(_LINE_END) : end] != _LINE_END:
                return Stage.UNREADABLE
            self._end = end
        line = self.data[self._end : self._end + _MAX_SIZE_LINE_BYTES]
        return Stage.UNREADABLE if b"\n" in line or len(line) == _MAX_SIZE_LINE_BYTES else Stage.ARRIVING
