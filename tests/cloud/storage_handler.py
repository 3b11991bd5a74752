"""One connection to the strict Cloud Storage server: what the emulator leaves out is done here, the rest is its own."""

import io
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.message import Message
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

from gcp_storage_emulator.handlers import objects
from gcp_storage_emulator.server import RequestHandler, Router

from tests.cloud.strict_storage import Refusal, Rules, Session
from tests.cloud.v4_signature import SignatureRefused, SignedCall, judge

if TYPE_CHECKING:
    from tests.cloud.storage_server import StorageServer

_JSON_PATHS = re.compile(r"/(storage|upload|download|batch)/")
_JSON_OBJECT = re.compile(r"/(?:download/)?storage/v1/b/(?P<bucket>[^/]+)/o/(?P<name>[^/]+)")
_JSON_REWRITE = re.compile(r"/storage/v1/b/(?P<bucket>[^/]+)/o/(?P<name>[^/]+)/rewriteTo/.*")
_CORS = {
    "Access-Control-Allow-Methods": "PUT,POST,GET",
    "Access-Control-Allow-Headers": "Content-Type,Content-Range,x-goog-resumable,x-goog-content-length-range,"
    "x-goog-if-generation-match",
    "Access-Control-Expose-Headers": "Content-Type,Content-Range,Range,Location",
}
_REFUSED_SIGNATURE = {"ExpiredToken": 400, "InvalidArgument": 400, "MalformedSecurityHeader": 400}


class StrictHandler(RequestHandler):
    """Answers one request after the other on a connection."""

    owner: ClassVar["StorageServer"]
    protocol_version = "HTTP/1.1"
    timeout = 60

    def setup(self) -> None:
        super().setup()
        self.owner.connections.add(self.connection)

    def finish(self) -> None:
        self.owner.connections.discard(self.connection)
        super().finish()

    def do_OPTIONS(self) -> None:  # noqa: N802
        self._serve()

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS  # noqa: N815

    def send_response(self, code: int, message: str | None = None) -> None:
        self.owner.log.append((self.command, self.path, code))
        super().send_response(code, message)

    def end_headers(self) -> None:
        if self.headers.get("Origin"):
            self.send_header("Access-Control-Allow-Origin", "*")
        super().end_headers()

    def _serve(self) -> None:
        body, is_whole = self._read_body()
        faults = self.owner.faults
        if not is_whole:
            self._keep_what_came(body)
            self.close_connection = True
            return
        with self._buffered(body) as answer:
            try:
                with self.owner.lock:
                    self._answer(body)
            except Refusal as refusal:
                self._refuse(refusal)
        if faults.lost_answers and self.command in {"PUT", "POST"}:
            faults.lost_answers -= 1
            self.close_connection = True
            return
        self.wfile.write(answer.getvalue())

    @contextmanager
    def _buffered(self, body: bytes) -> Iterator[io.BytesIO]:
        """Let the emulator read a body that has come and write an answer that waits, so that a lock is held briefly."""
        streams = self.rfile, self.wfile
        answer = io.BytesIO()
        self.rfile, self.wfile = io.BytesIO(body), answer  # type: ignore[assignment]
        try:
            yield answer
        finally:
            self.rfile, self.wfile = streams

    def _read_body(self) -> tuple[bytes, bool]:
        """Return the body and whether all of it came."""
        length = int(self.headers.get("Content-Length") or 0)
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            raise NotImplementedError("no client of ours sends chunks")
        cuts = self.owner.faults.cut_after
        if cuts and length > cuts[0]:
            return self.rfile.read(cuts.pop(0)), False
        body = self.rfile.read(length)
        return body, len(body) == length

    def _keep_what_came(self, body: bytes) -> None:
        session_id = parse_qs(urlsplit(self.path).query).get("upload_id", [""])[0]
        start = _range_of(self.headers)[0]
        if session_id in self.owner.storage.sessions and start is not None:
            with self.owner.lock:
                self.owner.storage.keep_whole_units(session_id, body, start=start)

    def _answer(self, body: bytes) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        self.storage.rules = Rules()
        if self.owner.faults.statuses:
            raise Refusal(self.owner.faults.statuses.pop(0), "InternalError", "a fault")
        if self.command == "OPTIONS":
            self._send(200, _CORS)
        elif "upload_id" in query:
            self._continue(query["upload_id"], body)
        elif _JSON_PATHS.match(parts.path):
            self._serve_json(parts.path, query)
        else:
            self._serve_signed(parts.path, query, num_bytes=len(body))

    def _serve_json(self, path: str, query: Mapping[str, str]) -> None:
        condition = query.get("ifGenerationMatch")
        found = _JSON_OBJECT.fullmatch(path)
        if found:
            current = self.storage.current(unquote(found["bucket"]), unquote(found["name"]))
            _check_read(self, current, query)
            if condition is not None:
                Rules(generation=int(condition)).check(current)
        else:
            copied = _JSON_REWRITE.fullmatch(path)
            if copied and "sourceGeneration" in query:
                current = self.storage.current(unquote(copied["bucket"]), unquote(copied["name"]))
                _check_read(self, current, {"generation": query["sourceGeneration"]})
            if condition is not None:
                self.storage.rules = Rules(generation=int(condition))
        Router(self).handle(self.command)

    def _serve_signed(self, path: str, query: Mapping[str, str], *, num_bytes: int) -> None:
        if "X-Goog-Signature" not in query:
            raise Refusal(403, "AccessDenied", "Public access prevention is enforced.")
        call = SignedCall(
            method=self.command, path=path, query=urlsplit(self.path).query, headers=dict(self.headers.items())
        )
        try:
            judge(call, keys=self.owner.keys, now=self.owner.clock())
        except SignatureRefused as refused:
            raise Refusal(_REFUSED_SIGNATURE.get(refused.code, 403), refused.code, str(refused)) from refused
        _, bucket, name = unquote(path).split("/", 2)
        if self.command == "GET":
            _check_read(self, self.storage.current(bucket, name), query)
            Router(self).handle("GET")
            return
        self.storage.rules = _rules_of(self.headers)
        if self.command == "POST" and self.headers.get("x-goog-resumable") == "start":
            self._begin(bucket, name)
        elif self.command == "PUT":
            self.storage.rules.check(self.storage.current(bucket, name), num_bytes)
            Router(self).handle("PUT")
        else:
            raise Refusal(400, "InvalidArgument", "a POST without x-goog-resumable: start")

    def _begin(self, bucket: str, name: str) -> None:
        content_type = self.headers.get("Content-Type")
        resource = objects._make_object_resource(self.owner.url, bucket, name, content_type, None)
        session_id = self.storage.create_resumable_upload(bucket, name, resource)
        path = urlsplit(self.path).path
        self._send(201, {"Location": f"{self.owner.url}{path}?upload_id={session_id}"})

    def _continue(self, session_id: str, body: bytes) -> None:
        if self.command == "DELETE":
            known = self.storage.sessions.pop(session_id, None)
            self._send(499 if known else 404, {})
            return
        start, total = _range_of(self.headers)
        crc32c = dict(re.findall(r"(\w+)=([^,]+)", self.headers.get("x-goog-hash", ""))).get("crc32c", "")
        session = self.storage.add_piece(session_id, body, start=start, total=total, crc32c=crc32c)
        if session.is_finished:
            self._send(200, {"Content-Type": "application/json"}, json.dumps(session.resource).encode())
        else:
            self._send(308, _held(session))

    def _refuse(self, refusal: Refusal) -> None:
        told = {"error": {"code": refusal.status, "message": str(refusal), "errors": [{"reason": refusal.code}]}}
        if _JSON_PATHS.match(self.path):
            self._send(refusal.status, {"Content-Type": "application/json"}, json.dumps(told).encode())
        else:
            xml = f"<?xml version='1.0'?><Error><Code>{refusal.code}</Code></Error>"
            self._send(refusal.status, {"Content-Type": "application/xml"}, xml.encode())

    def _send(self, status: int, headers: Mapping[str, str], body: bytes = b"") -> None:
        self.send_response(status, "Resume Incomplete" if status == 308 else None)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _check_read(handler: RequestHandler, current: Mapping[str, Any] | None, query: Mapping[str, str]) -> None:
    """Refuse another generation than the present one, and a range that begins beyond the end."""
    wanted = query.get("generation")
    if wanted is not None and (current is None or current["generation"] != wanted):
        raise Refusal(404, "NoSuchKey", "No such object of this generation.")
    range_header = re.fullmatch(r"bytes=(\d+)-\d*", handler.headers.get("Range", ""))
    if range_header and current and int(range_header[1]) >= int(current["size"]):
        raise Refusal(416, "InvalidRange", "The requested range cannot be satisfied.")


def _rules_of(headers: Message) -> Rules:
    """Return what the headers of a signed upload say about it."""
    generation = headers.get("x-goog-if-generation-match")
    least, _, most = headers.get("x-goog-content-length-range", "").partition(",")
    return Rules(
        generation=int(generation) if generation is not None else None,
        min_bytes=int(least or 0),
        max_bytes=int(most) if most else None,
    )


def _range_of(headers: Message) -> tuple[int | None, int | None]:
    """Return the first byte of a piece, ``None`` for a question, and the size of the whole, ``None`` if unknown."""
    told = headers.get("Content-Range")
    length = int(headers.get("Content-Length") or 0)
    if told is None:
        return 0, length
    found = re.fullmatch(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)", told)
    if not found or (found[1] and int(found[2]) - int(found[1]) + 1 != length):
        raise Refusal(400, "InvalidArgument", f"received Content-Range: {told} with {length} bytes")
    return (int(found[1]) if found[1] else None), (None if found[3] == "*" else int(found[3]))


def _held(session: Session) -> dict[str, str]:
    """Return the header that tells how far a session got; there is none before the first byte."""
    return {"Range": f"bytes=0-{len(session.data) - 1}"} if session.data else {}
