"""An upload in pieces that goes on where a broken connection left it: Cloud Storage's resumable uploads.

Source: https://cloud.google.com/storage/docs/performing-resumable-uploads
"""

import re
from pathlib import Path

import httpx
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from services.client.api.job_view import UploadTicket
from services.client.archive import BytesListener

PIECE_BYTES = 8 << 20
"""A multiple of 256 KiB, as every piece but the last has to be."""
_ATTEMPTS = 8
_INCOMPLETE = 308
_AGAIN = frozenset({408, 429, 500, 502, 503, 504, 507})
_HELD = re.compile(r"bytes=0-(\d+)")


class ResumableUpload:
    """Sends one archive to the session that a ticket opens.

    Args:
        http: Makes the requests.
        ticket: Opens the session.
        archive: File to send.
        timeout: Of each request.
        on_bytes: Hears how far it has come.
    """

    def __init__(
        self,
        http: httpx.Client,
        ticket: UploadTicket,
        archive: Path,
        *,
        timeout: httpx.Timeout,
        on_bytes: BytesListener | None = None,
    ) -> None:
        self._http = http
        self._ticket = ticket
        self._archive = archive
        self._timeout = timeout
        self._on_bytes = on_bytes
        self._size = archive.stat().st_size
        self._session = ""

    def run(self) -> httpx.Response:
        """Return the answer to the last piece, or the one that refuses the upload.

        Raises:
            RetryError: If the store does not answer however often it is asked.
        """
        started = self._start()
        if started.is_error:
            return started
        self._session = str(httpx.URL(self._ticket.url).join(started.headers["Location"]))
        held = 0
        while True:
            answer = self._send_on(held)
            if answer.status_code != _INCOMPLETE:
                if answer.is_success:
                    self._tell(self._size)
                return answer
            held = _num_held(answer)
            self._tell(held)

    def _start(self) -> httpx.Response:
        for attempt in _retrying():
            with attempt:
                answer = self._request(self._ticket.method, self._ticket.url, b"", dict(self._ticket.headers))
        return answer

    def _send_on(self, held: int) -> httpx.Response:
        """Send a piece; where that fails ask what has arrived of it first, since the answer alone may be lost."""
        start = held
        for attempt in _retrying():
            with attempt:
                if attempt.retry_state.attempt_number > 1:
                    answer = self._put(b"", f"bytes */{self._size}")
                    if answer.status_code != _INCOMPLETE:
                        return answer
                    held = _num_held(answer)
                answer = self._put_piece(held)
                if answer.status_code == _INCOMPLETE and _num_held(answer) <= start:
                    raise _Again("the store took nothing of a piece")
        return answer

    def _put_piece(self, start: int) -> httpx.Response:
        with self._archive.open("rb") as source:
            source.seek(start)
            piece = source.read(PIECE_BYTES)
        where = f"{start}-{start + len(piece) - 1}" if piece else "*"
        return self._put(piece, f"bytes {where}/{self._size}")

    def _put(self, piece: bytes, content_range: str) -> httpx.Response:
        return self._request("PUT", self._session, piece, {"Content-Range": content_range})

    def _request(self, method: str, url: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
        length = {"Content-Length": str(len(body))}
        # A 308 of Cloud Storage asks for the next piece; it leads nowhere.
        answer = self._http.request(
            method, url, content=body, headers={**headers, **length}, timeout=self._timeout, follow_redirects=False
        )
        if answer.status_code in _AGAIN:
            raise _Again(f"the store answered {answer.status_code}")
        return answer

    def _tell(self, num_bytes: int) -> None:
        if self._on_bytes:
            self._on_bytes(num_bytes, self._size)


class _Again(httpx.TransportError):
    """An answer that is worth another try."""


def _retrying() -> Retrying:
    return Retrying(
        stop=stop_after_attempt(_ATTEMPTS),
        wait=wait_random_exponential(multiplier=0.1, max=10.0),
        retry=retry_if_exception_type(httpx.TransportError),
    )


def _num_held(answer: httpx.Response) -> int:
    """Return how many bytes the store has kept; without the header, none."""
    found = _HELD.fullmatch(answer.headers.get("Range", ""))
    return int(found[1]) + 1 if found else 0
