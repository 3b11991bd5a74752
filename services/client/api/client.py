"""The HTTP API of a convtailor server as Python calls with typed errors."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx
from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from services.client.api.connection import bearer, checked_address, open_http
from services.client.api.job_view import JobView, Submitted, UploadTicket, not_convtailor, read_job, read_submitted
from services.client.api.resumable_upload import ResumableUpload
from services.client.archive import BytesListener
from services.client.fault import Unreachable, UsageFault
from shared.errors import UserFault
from shared.job.retraining.correction import Correction

_CHUNK_BYTES = 1 << 18
_TIMEOUT = httpx.Timeout(connect=5.0, read=30.0, write=30.0, pool=5.0)
_TRANSFER_TIMEOUT = httpx.Timeout(connect=5.0, read=120.0, write=60.0, pool=5.0)
"""After an upload the server flushes the whole archive to its disk before it answers."""
_ATTEMPTS = 3
_JOBS = "/v1/jobs/"
_SERVER_ERROR = 500
_ALREADY_THERE = frozenset({409, 412})


class Client:
    """Speaks with one server; close it, or use it in a ``with`` block.

    Every method raises :class:`Unreachable` where the server does not answer, and :class:`UserFault` with the
    server's own code, message and fix where it refuses.

    Args:
        server: URL of the server, such as ``http://127.0.0.1:8080``.
        transport: Another way to reach it; tests answer from memory.
    """

    def __init__(self, server: str, *, transport: httpx.BaseTransport | None = None) -> None:
        self.server = checked_address(server)
        self._http = open_http(self.server, timeout=_TIMEOUT, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all connections."""
        self._http.close()

    def submit(
        self, email: str, options: Mapping[str, Any], *, size_bytes: int | None = None, key: str | None = None
    ) -> Submitted:
        """Make a job.

        Args:
            email: Where the report goes.
            options: Those of :class:`shared.job.options.JobOptions`; missing ones take the server's defaults.
            size_bytes: Size of the archive, where it is known; a large one may then be sent in pieces.
            key: API key, where the server asks for one.

        Raises:
            UsageFault: If the server refuses the address, an option or the size.
        """
        size = {} if size_bytes is None else {"size_bytes": size_bytes}
        document = self._call("POST", "/v1/jobs", json={"email": email, **options, **size}, token=key)
        return self._reached(read_submitted(document, server=self.server))

    def upload(self, ticket: UploadTicket, archive: Path, *, on_bytes: BytesListener | None = None) -> None:
        """Send the archive from disk, a piece at a time; a connection that breaks is tried again.

        Where the ticket opens a resumable upload, it goes on from where it broke.

        Raises:
            UserFault: If the archive is refused, such as for its size.
        """
        if ticket.is_resumable:
            self._upload_in_pieces(ticket, archive, on_bytes)
        else:
            self._upload_at_once(ticket, archive, on_bytes)

    def _upload_in_pieces(self, ticket: UploadTicket, archive: Path, on_bytes: BytesListener | None) -> None:
        sending = ResumableUpload(self._http, ticket, archive, timeout=_TRANSFER_TIMEOUT, on_bytes=on_bytes)
        try:
            _raise_for_upload(sending.run())
        except RetryError as error:
            raise self._unreachable(error, at=ticket.url) from error

    def _upload_at_once(self, ticket: UploadTicket, archive: Path, on_bytes: BytesListener | None) -> None:
        num_tries = 0
        try:
            for attempt in _retrying():
                with attempt:
                    num_tries += 1
                    response = self._put(ticket, archive, on_bytes)
        except RetryError as error:
            raise self._unreachable(error, at=ticket.url) from error
        if num_tries > 1 and response.status_code in _ALREADY_THERE:
            return  # an earlier try had arrived and only its answer was lost
        _raise_for_upload(response)

    def status(self, job_id: str, token: str) -> JobView:
        """Return how a job fares, and when the server says that there may be news."""
        response = self._ask("GET", f"/v1/jobs/{job_id}", token=token)
        view = read_job(_object_of(response, server=self.server), server=self.server)
        return replace(view, retry_after_s=_seconds(response.headers.get("Retry-After", "")))

    def status_document(self, job_id: str, token: str) -> dict[str, Any]:
        """Return how a job fares, as the server put it."""
        return self._call("GET", f"/v1/jobs/{job_id}", token=token)

    def jobs_document(self, key: str, hours: int, *, states: Sequence[str] = (), sort: str = "age") -> dict[str, Any]:
        """Return all jobs of the server, as it put them.

        Args:
            key: An operator's API key.
            hours: How long ago a job may have ended.
            states: Those in which it is to be; none: in any.
            sort: ``age`` or ``size``.

        Raises:
            UsageFault: If it is no operator's key.
        """
        return self.operator_document(f"/v1/jobs?hours={hours}&state={','.join(states)}&sort={sort}", key)

    def operator_document(self, path: str, key: str) -> dict[str, Any]:
        """Return what only operators are told.

        Raises:
            UsageFault: If it is no operator's key.
        """
        return self._call("GET", path, token=key)

    def act(self, method: str, path: str, key: str) -> dict[str, Any]:
        """Have the server do something to a job that an operator's key opens; return the job's status.

        Raises:
            UserFault: If the state of the job does not let it.
        """
        return self._call(method, path, token=key)

    def cancel(self, job_id: str, token: str) -> JobView:
        """Ask for a job to stop; while it trains the best network so far is still delivered."""
        self._call("POST", f"/v1/jobs/{job_id}/cancel", token=token)
        return self.status(job_id, token)

    def retrain(self, job_id: str, token: str, corrections: Sequence[Correction], *, key: str) -> Mapping[str, str]:
        """Make a job that trains from the archive of another, with corrections; return its id and its token by name.

        Args:
            job_id: Of the other job.
            token: Opens it.
            corrections: What is to be otherwise.
            key: Of our choosing; asked again with it, the server answers the same job.

        Raises:
            UsageFault: If the server refuses the corrections, or the archive is gone.
        """
        listed = [{"path": each.path, "move_to": each.move_to} for each in corrections]
        path, headers = f"/v1/jobs/{job_id}/retrain", {"Idempotency-Key": key}
        made = _object_of(
            self._ask("POST", path, token=token, json={"corrections": listed}, headers=headers), server=self.server
        )
        return {name: str(made.get(name, "")) for name in ("job_id", "token")}

    def download(self, link: str, token: str, target: Path) -> None:
        """Write what a link of the job leads to into a file.

        Args:
            link: From :attr:`JobView.links`; what it says of the job is asked of this server, so the token goes
                nowhere else, whatever the server calls itself.
            token: Opens the job.
            target: File to write.
        """
        parts = urlsplit(link)
        below = parts.path[max(0, parts.path.rfind(_JOBS)) :]  # without what a proxy serves the server below
        url = self.server + below + (f"?{parts.query}" if parts.query else "")
        try:
            for attempt in _retrying():
                with attempt:
                    self._download_once(url, token, target)
        except RetryError as error:
            raise self._unreachable(error) from error

    def _download_once(self, url: str, token: str, target: Path) -> None:
        with self._http.stream("GET", url, headers=bearer(token), timeout=_TRANSFER_TIMEOUT) as response:
            if response.is_error:
                response.read()
                _raise_for(response, server=self.server, refused=UserFault)
            with target.open("wb") as sink:
                for piece in response.iter_bytes(_CHUNK_BYTES):
                    sink.write(piece)

    def _put(self, ticket: UploadTicket, archive: Path, on_bytes: BytesListener | None) -> httpx.Response:
        size = archive.stat().st_size
        headers = {**ticket.headers, "Content-Length": str(size)}
        pieces = _pieces(archive, size, on_bytes)
        return self._http.request(ticket.method, ticket.url, content=pieces, headers=headers, timeout=_TRANSFER_TIMEOUT)

    def _call(self, method: str, path: str, *, token: str | None = None, json: Any = None) -> dict[str, Any]:
        """Return the JSON object that the server answers; see :meth:`_ask`."""
        return _object_of(self._ask(method, path, token=token, json=json), server=self.server)

    def _ask(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Return the server's answer, no error; reads are tried again, writes only when nothing was sent.

        Args:
            method: Of the request.
            path: Below the server's address.
            token: Or API key.
            json: The body.
            headers: With them a write may be asked twice.
        """
        again = httpx.TransportError if method == "GET" or headers else httpx.ConnectError
        headers = {**(headers or {}), **(bearer(token) if token else {})}
        try:
            for attempt in _retrying(again):
                with attempt:
                    response = self._http.request(
                        method, self.server + path, json=json, headers=headers, follow_redirects=method == "GET"
                    )
        except (RetryError, httpx.TransportError) as error:
            raise self._unreachable(error) from error
        if response.next_request is not None:
            raise self._moved(response.next_request.url.copy_with(query=None), path)
        _raise_for(response, server=self.server, refused=UsageFault)
        return response

    def _moved(self, to: httpx.URL, path: str) -> UsageFault:
        """Return the error for a server that sends a write on, which would arrive there as a read."""
        address = str(to).removesuffix(path.partition("?")[0])
        return UsageFault(
            "invalid_server",
            f"{self.server} sends on to {address}.",
            fix=f"If that is the server, give it: --server {address}",
            details={"server": self.server, "address": address},
        )

    def _reached(self, created: Submitted) -> Submitted:
        """Lead an upload that the server takes itself to where we have found the server, whatever it calls itself."""
        home = created.status_url.removesuffix(f"/v1/jobs/{created.job_id}")
        if home == created.status_url or not created.upload.url.startswith(f"{home}/"):
            return created
        url = self.server + created.upload.url.removeprefix(home)
        return replace(created, upload=replace(created.upload, url=url))

    def _unreachable(self, error: Exception, *, at: str = "") -> Unreachable:
        """Return the error for an address that does not answer: the server's, or another that it sent us to.

        Args:
            error: What happened.
            at: The URL that was asked, where it may be another's; it carries secrets, so only its host is told.
        """
        cause = error.last_attempt.exception() if isinstance(error, RetryError) else error
        parts = urlsplit(at or self.server)
        address = f"{parts.scheme}://{parts.netloc}"
        if not at or self.server.startswith(address):
            fix = "Check --server and the network; `convtailor serve` starts a server on this machine."
            return Unreachable(f"{self.server} does not answer: {cause}.", fix=fix, details={"server": self.server})
        return Unreachable(
            f"{address}, where {self.server} wants the archive, does not answer: {cause}.",
            fix="See whether this machine reaches that address; whoever runs the server can name another.",
            details={"server": self.server, "address": address},
        )


def _retrying(*again: type[Exception]) -> Retrying:
    kinds = again or (httpx.TransportError,)
    wait = wait_random_exponential(multiplier=0.1, max=1.0)
    return Retrying(stop=stop_after_attempt(_ATTEMPTS), wait=wait, retry=retry_if_exception_type(kinds))


def _seconds(text: str) -> float | None:
    """Read a ``Retry-After`` in seconds; a date, which our server never sends, counts as none."""
    return float(text) if text.isascii() and text.isdigit() else None


def _pieces(archive: Path, size: int, on_bytes: BytesListener | None) -> Iterator[bytes]:
    done = 0
    with archive.open("rb") as source:
        while piece := source.read(_CHUNK_BYTES):
            yield piece
            done += len(piece)
            if on_bytes:
                on_bytes(done, size)


def _raise_for(response: httpx.Response, *, server: str, refused: type[UserFault]) -> None:
    """Turn an answer that is an error into ours."""
    if not response.is_error:
        return
    error = _error_in(response, server=server)
    if response.status_code >= _SERVER_ERROR:
        raise Unreachable(
            f"{server} cannot answer now: {error['message']}",
            fix=str(error.get("fix") or "Try again in a minute."),
            details={"server": server, "status": response.status_code, **(error.get("details") or {})},
        )
    raise refused(error["code"], error["message"], fix=error.get("fix", ""), details=error.get("details") or {})


def _error_in(response: httpx.Response, *, server: str) -> dict[str, Any]:
    """Return what the server says is wrong; for one that does not run, what stands before it answers in its own words.

    Raises:
        Unreachable: If something else answers there.
    """
    try:
        error = _object_of(response, server=server).get("error")
    except Unreachable:
        if response.status_code < _SERVER_ERROR:
            raise
        return {"message": f"HTTP {response.status_code} {response.reason_phrase}."}
    if not isinstance(error, dict) or not {"code", "message"} <= error.keys():
        raise not_convtailor(server)
    return error


def _raise_for_upload(response: httpx.Response) -> None:
    """Turn a refused upload into our error; a bucket in the cloud refuses in its own words."""
    if not response.is_error:
        return
    if "json" in response.headers.get("content-type", ""):
        _raise_for(response, server=str(response.url.copy_with(query=None)), refused=UserFault)
    raise UserFault(
        "upload_refused",
        f"The upload was refused with HTTP {response.status_code} {response.reason_phrase}.",
        fix="Submit the job again; an upload URL holds for one archive and a limited time.",
        details={"status": response.status_code, "answer": response.text[:500]},
    )


def _object_of(response: httpx.Response, *, server: str) -> dict[str, Any]:
    try:
        document = response.json()
    except ValueError as error:
        raise not_convtailor(server) from error
    if not isinstance(document, dict):
        raise not_convtailor(server)
    return document
