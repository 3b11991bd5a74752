"""One resumable upload to a bucket: pieces of a stream whose length nobody knows before its end.

Source: https://cloud.google.com/storage/docs/performing-resumable-uploads
"""

import base64
import contextlib
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import google_crc32c
import requests
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from shared.errors import Conflict, Transient

PIECE_BYTES = 8 << 20
"""A multiple of 256 KiB, as every piece but the last has to be."""
_HELD = re.compile(r"bytes=0-(\d+)")
_AGAIN = frozenset({408, 429, 500, 502, 503, 504})
_DONE = frozenset({HTTPStatus.OK, HTTPStatus.CREATED})


class UploadSession:
    """Sends pieces one after the other; where an answer is lost the store is asked how far it got, and sent the rest.

    Args:
        url: The session's address, which is all the right that its requests need.
        timeout: Seconds to connect and seconds without a byte.
        give_up_after_s: Seconds after which a piece is not tried again.
    """

    def __init__(self, url: str, *, timeout: tuple[float, float], give_up_after_s: float) -> None:
        self._url = url
        self._timeout = timeout
        self._give_up_after_s = give_up_after_s
        self._http = requests.Session()
        self._num_sent = 0
        self._checksum = google_crc32c.Checksum()

    def send(self, piece: bytes, *, is_last: bool = False) -> Mapping[str, Any]:
        """Send the next piece; the answer to the last is the resource of the finished object, else it is empty.

        Args:
            piece: All but the last have :data:`PIECE_BYTES`.
            is_last: Whether the object ends here.

        Raises:
            Conflict: If the condition of the upload does not hold.
            RequestException: If the store cannot be reached in time.
            Transient: If the store has forgotten the upload.
        """
        self._checksum.update(piece)
        retrying = Retrying(
            stop=stop_after_delay(self._give_up_after_s),
            wait=wait_random_exponential(multiplier=0.2, max=4.0),
            retry=retry_if_exception_type(requests.RequestException),
            reraise=True,
        )
        for attempt in retrying:
            with attempt:
                is_first = attempt.retry_state.attempt_number == 1
                resource = self._deliver(piece, is_last=is_last, is_first=is_first)
        self._num_sent += len(piece)
        return resource

    def cancel(self) -> None:
        """Tell the store to forget the upload; where that does not arrive it forgets it after a week."""
        with contextlib.suppress(requests.RequestException):
            self._http.delete(self._url, timeout=self._timeout)

    def close(self) -> None:
        """End the connection."""
        self._http.close()

    def _deliver(self, piece: bytes, *, is_last: bool, is_first: bool) -> Mapping[str, Any]:
        start, end = self._num_sent, self._num_sent + len(piece)
        total = str(end) if is_last else "*"
        held = start if is_first else None  # None: ask
        while True:
            answer = self._put(piece[held - start :] if held is not None else b"", held, end, total)
            if answer.status_code in _DONE:
                return dict(answer.json())
            before, held = held, _num_held(answer)
            if held == end and not is_last:
                return {}
            if not start <= held <= end:
                raise Transient(f"the upload holds {held} bytes, expected {start} to {end}")
            if held == before:
                raise requests.RequestException("the store took nothing of a piece")

    def _put(self, data: bytes, start: int | None, end: int, total: str) -> requests.Response:
        where = f"{start}-{end - 1}" if start is not None and start < end else "*"
        headers = {"Content-Range": f"bytes {where}/{total}"}
        if total != "*":  # Cloud Storage then refuses what did not arrive as it was sent
            headers["x-goog-hash"] = f"crc32c={base64.b64encode(self._checksum.digest()).decode()}"
        answer = self._http.put(self._url, data=data, headers=headers, timeout=self._timeout, allow_redirects=False)
        status = answer.status_code
        if status in _DONE or status == HTTPStatus.PERMANENT_REDIRECT:
            return answer
        if status == HTTPStatus.PRECONDITION_FAILED:
            raise Conflict("there is such an object already")
        if status in _AGAIN:
            raise requests.RequestException(f"the store answered {status}: {answer.text[:200]}")
        raise Transient(f"the store refused a piece of an upload with {status}: {answer.text[:200]}")


def _num_held(answer: requests.Response) -> int:
    """Return how many bytes the store has made durable; without the header, none."""
    found = _HELD.fullmatch(answer.headers.get("Range", ""))
    return int(found[1]) + 1 if found else 0
