"""The signed URLs of the embedded object store, served: uploads at once or in pieces, downloads with ranges."""

import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, cast
from urllib.parse import quote, urlsplit

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import MethodNotAllowed, RequestedRangeNotSatisfiable
from werkzeug.http import dump_options_header

from services.intake.api.document import SignedLink, UploadReceipt
from shared.adapters.embedded.partial_upload import PartialUploads, read_content_range
from shared.adapters.embedded.signed_url import (
    OBJECTS_PATH,
    Grant,
    UrlSigner,
    already_uploaded,
    check_upload,
    chunks,
    receive,
    too_large,
)
from shared.clock import Clock
from shared.errors import Conflict, NotFound, Transient, UserFault
from shared.json_codec import to_json
from shared.ports.object_store import ObjectStore, StoredObject
from shared.web.body import BROKEN_BODY

_log = logging.getLogger(__name__)

_PAGE_POLICY = "sandbox allow-downloads; default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""A report shares its origin with the API, so it may show pictures and style, have its files saved, and no more.

Without ``allow-downloads`` Chromium ignores every click on a link that is answered with an attachment.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectRoutes:
    """The routes of signed URLs and what they may touch.

    Args:
        signer: Checks the signatures.
        objects: Where the objects lie.
        clock: Tells the time.
        check: Raises where nobody waits for what is sent under a key.
        on_stored: Hears of every whole upload.
        partials: Takes uploads in pieces; ``None`` where none are signed.
    """

    signer: UrlSigner
    objects: ObjectStore
    clock: Clock
    check: Callable[[str], None]
    on_stored: Callable[[StoredObject], None]
    partials: PartialUploads | None = None

    def blueprint(self) -> Blueprint:
        """Return the routes for an app."""
        routes = Blueprint("objects", __name__)
        routes.add_url_rule(f"{OBJECTS_PATH}<signature>", view_func=self.upload, methods=["PUT"])
        routes.add_url_rule(f"{OBJECTS_PATH}<signature>", view_func=self.begin, methods=["POST"])
        routes.add_url_rule(f"{OBJECTS_PATH}<signature>", view_func=self.download, methods=["GET"])
        return routes

    def upload(self, signature: str) -> Response:
        """Keep the body, streamed; what is refused or breaks off leaves nothing."""
        request.max_content_length = sys.maxsize  # the grant has its own cap; None would mean the app's
        grant = self._grant(signature)
        self.check(grant.key)
        if grant.session and self.partials is not None:
            return self._piece(grant, self.partials)
        stored = receive(
            self.objects,
            grant,
            cast("BinaryIO", _Body()),
            content_type=request.headers.get("Content-Type", ""),
            content_length=request.content_length,
        )
        self._announce(stored)
        return _receipt(stored)

    def begin(self, signature: str) -> tuple[Response, int]:
        """Begin an upload in pieces; its address, in the header ``Location``, opens it without another signature."""
        grant = self._grant(signature)
        if self.partials is None:
            raise MethodNotAllowed(["GET", "PUT"])
        self.check(grant.key)
        check_upload(self.objects, grant, content_type=request.headers.get("Content-Type", ""))
        signed = self.signer.sign_session(grant, self.partials.begin())
        answer = jsonify(to_json(SignedLink(url=signed.url, expires_at=signed.expires_at)))
        answer.headers["Location"] = urlsplit(signed.url).path  # right wherever the one who asks has found us
        return answer, 201

    def _piece(self, grant: Grant, partials: PartialUploads) -> Response:
        """Keep a piece of an upload, and the whole once it is the last; answer how much has arrived."""
        span = read_content_range(request.headers.get("Content-Range", ""))
        if (stored := _stored(self.objects, grant.key)) is not None:
            if span.total in (None, stored.size_bytes):
                return _receipt(stored)  # the answer to the last piece was lost
            raise already_uploaded()
        if max(span.stop, span.total or 0) > grant.max_bytes:
            raise too_large(grant.max_bytes)
        if span.start is None:
            held = partials.num_held(grant.session)
        else:
            body = cast("BinaryIO", _Body(span.stop - span.start))
            held = partials.add(grant.session, span.start, body)
        if span.total is None or held < span.total or held == 0:
            return _more(held)
        try:
            stored = partials.finish(grant.session, grant.key, content_type=grant.content_type)
        except Conflict as error:
            raise already_uploaded() from error
        self._announce(stored)
        return _receipt(stored)

    def _announce(self, stored: StoredObject) -> None:
        try:
            self.on_stored(stored)
        except Transient:
            _log.warning("the upload could not be announced now; the sweeper will", exc_info=True)

    def download(self, signature: str) -> Response:
        """Send an object, or the part of it that is asked for."""
        grant = self._grant(signature)
        stored = self.objects.stat(grant.key)
        span = _span(stored)
        start, stop = span or (0, stored.size_bytes)
        response = Response(
            chunks(self.objects, stored, start, stop),
            status=206 if span else 200,
            content_type=stored.content_type,
        )
        response.content_length = stop - start
        response.accept_ranges = "bytes"
        response.last_modified = stored.updated_at
        response.set_etag(stored.generation)
        if span:
            response.content_range.set(start, stop, stored.size_bytes)
        return _offer(response, stored, grant.filename)

    def _grant(self, signature: str) -> Grant:
        return self.signer.verify(signature, request.method, self.clock())


def _receipt(stored: StoredObject) -> Response:
    return jsonify(to_json(UploadReceipt(size_bytes=stored.size_bytes, generation=stored.generation)))


def _more(num_held: int) -> Response:
    """Ask for the next piece, as Cloud Storage does: a redirect that leads nowhere."""
    response = Response(status=308)
    if num_held:
        response.headers["Range"] = f"bytes=0-{num_held - 1}"
    return response


def _stored(objects: ObjectStore, key: str) -> StoredObject | None:
    try:
        return objects.stat(key)
    except NotFound:
        return None


def _offer(response: Response, stored: StoredObject, filename: str) -> Response:
    """Let a page open in the browser, in a cage, and everything else be saved under its name."""
    is_page = stored.content_type.partition(";")[0] == "text/html"
    name = {"filename": filename} if filename.isascii() else {"filename*": f"UTF-8''{quote(filename, safe='')}"}
    response.headers["Content-Disposition"] = dump_options_header("inline" if is_page else "attachment", name)
    if is_page:
        response.headers["Content-Security-Policy"] = _PAGE_POLICY
    return response


def _span(stored: StoredObject) -> tuple[int, int] | None:
    """Return the bytes asked for, start and stop (exclusive), or ``None`` for all of them.

    Several ranges at once, and a range of a version that is gone, are answered with the whole object, as RFC 9110
    (14.2, 13.1.5) allows.
    """
    wanted = request.range
    if wanted is None or wanted.units != "bytes" or len(wanted.ranges) != 1:
        return None
    condition = request.if_range
    if condition.date is not None or condition.etag not in (None, stored.generation):
        return None
    first, _ = wanted.ranges[0]
    if first < -stored.size_bytes < 0:
        return 0, stored.size_bytes  # RFC 9110, 14.1.2: a suffix longer than the object means the whole
    span = wanted.range_for_length(stored.size_bytes)
    if span is None:
        raise RequestedRangeNotSatisfiable(length=stored.size_bytes)
    return span


class _Body:
    """The body of the request; a connection that breaks or stalls is the sender's fault, not the disk's.

    Args:
        most: Bytes that are read of it.
    """

    def __init__(self, most: int = sys.maxsize) -> None:
        self._left = most

    def read(self, size: int) -> bytes:
        """Read on.

        Raises:
            UserFault: ``upload_incomplete``.
        """
        try:
            data: bytes = request.stream.read(min(size, self._left))
        except BROKEN_BODY as error:
            message = "The connection broke or was too slow before the whole file had come."
            fix = "Upload the file again to the same URL."
            raise UserFault("upload_incomplete", message, fix=fix) from error
        self._left -= len(data)
        return data
