"""The signed URLs of the embedded object store, served: one upload each, downloads with ranges."""

import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, cast
from urllib.parse import quote

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.http import dump_options_header

from services.intake.api.document import UploadReceipt
from shared.adapters.embedded.signed_url import OBJECTS_PATH, Grant, UrlSigner, chunks, receive
from shared.clock import Clock
from shared.errors import Transient, UserFault
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
        on_stored: Hears of every whole upload.
    """

    signer: UrlSigner
    objects: ObjectStore
    clock: Clock
    on_stored: Callable[[StoredObject], None]

    def blueprint(self) -> Blueprint:
        """Return the routes for an app."""
        routes = Blueprint("objects", __name__)
        routes.add_url_rule(f"{OBJECTS_PATH}<signature>", view_func=self.upload, methods=["PUT"])
        routes.add_url_rule(f"{OBJECTS_PATH}<signature>", view_func=self.download, methods=["GET"])
        return routes

    def upload(self, signature: str) -> Response:
        """Keep the body, streamed; what is refused or breaks off leaves nothing."""
        request.max_content_length = sys.maxsize  # the grant has its own cap; None would mean the app's
        grant = self._grant(signature)
        stored = receive(
            self.objects,
            grant,
            cast("BinaryIO", _Body()),
            content_type=request.headers.get("Content-Type", ""),
            content_length=request.content_length,
        )
        try:
            self.on_stored(stored)
        except Transient:
            _log.warning("the upload could not be announced now; the sweeper will", exc_info=True)
        return jsonify(to_json(UploadReceipt(size_bytes=stored.size_bytes, generation=stored.generation)))

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
    span = wanted.range_for_length(stored.size_bytes)
    if span is None:
        raise RequestedRangeNotSatisfiable(length=stored.size_bytes)
    return span


class _Body:
    """The body of the request; a connection that breaks or stalls is the sender's fault, not the disk's."""

    def read(self, size: int) -> bytes:
        """Read on.

        Raises:
            UserFault: ``upload_incomplete``.
        """
        try:
            data: bytes = request.stream.read(size)
        except BROKEN_BODY as error:
            message = "The connection broke or was too slow before the whole file had come."
            fix = "Upload the file again to the same URL."
            raise UserFault("upload_incomplete", message, fix=fix) from error
        return data
