"""Objects in a Cloud Storage bucket; what a signed URL allows is checked by Cloud Storage itself."""

import contextlib
import functools
import re
import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, BinaryIO
from urllib.parse import quote

from google.api_core.exceptions import NotFound as ObjectMissing
from google.api_core.exceptions import PreconditionFailed, RequestRangeNotSatisfiable
from google.cloud import storage
from google.cloud.storage.retry import DEFAULT_RETRY

from shared.adapters.gcp.storage.object_name import key_of, name_of, name_prefix
from shared.adapters.gcp.storage.storage_error import bucket_required, translated
from shared.adapters.gcp.storage.upload_session import PIECE_BYTES, UploadSession
from shared.adapters.gcp.storage.url_signing import UrlSigning
from shared.adapters.gcp.vendor_error import CallLimit
from shared.clock import Clock, utc_now
from shared.errors import NotFound, Transient
from shared.ports.object_store import RESUMABLE_FROM_BYTES, SignedRequest, StoredObject

_WRITE = "convtailor-write"
"""Metadata entry that tells our own write from another's, where the answer to it was lost."""
_LIMIT = CallLimit()
_FIELDS = "items(name,size,generation,contentType,updated),nextPageToken"


class GcsObjectStore:
    """The :class:`shared.ports.object_store.ObjectStore` of a bucket.

    Connects when it is first used. ``STORAGE_EMULATOR_HOST`` names another server, such as the tests' own.

    Args:
        bucket: Name of the bucket.
        project: The project that pays for requests; ``None`` for that of the credentials.
        signer: E-mail of the service account that signs URLs; ``None`` for that of the credentials.
        clock: The present moment.
        signing: Another way to sign URLs; tests reach another IAM.
        limit: How long a call may take; one that gets no answer at all ends within twice that.
    """

    def __init__(
        self,
        bucket: str,
        *,
        project: str | None = None,
        signer: str | None = None,
        clock: Clock = utc_now,
        signing: UrlSigning | None = None,
        limit: CallLimit = _LIMIT,
    ) -> None:
        self._name = bucket
        self._project = project
        self._clock = clock
        self._signing = signing or UrlSigning(signer=signer)
        self._limit = limit
        self._options = {
            "timeout": _timeout(limit),
            "retry": DEFAULT_RETRY.with_delay(initial=0.2, maximum=4.0, multiplier=2.0).with_timeout(limit.seconds),
        }

    def put(self, key: str, source: BinaryIO, *, content_type: str, if_absent: bool = False) -> StoredObject:
        """See the port."""
        name = name_of(key)
        first = _read_piece(source)
        condition = {"if_generation_match": 0} if if_absent else {}
        with translated(f"Cloud Storage writes {key!r}"):
            blob = self._bucket.blob(name)
            if len(first) < PIECE_BYTES:
                return self._upload_whole(blob, first, content_type=content_type, condition=condition)
            return self._upload_pieces(blob, first, source, content_type=content_type, condition=condition)

    def stat(self, key: str) -> StoredObject:
        """See the port."""
        name = name_of(key)
        with translated(f"Cloud Storage describes {key!r}"):
            blob = self._bucket.blob(name)
            blob.reload(**self._options)
        return _described(blob)

    def read(self, key: str, start: int = 0, end: int | None = None, *, generation: str | None = None) -> bytes:
        """See the port."""
        name = name_of(key)
        if generation is not None and not generation.isdecimal():
            raise NotFound(f"there is no object {key!r} of generation {generation!r}")
        with translated(f"Cloud Storage reads generation {generation or 'any'} of {key!r}"):
            blob = self._bucket.blob(name, generation=int(generation) if generation else None)
            if end is not None and end <= start:
                blob.reload(**self._options)
                return b""
            last = None if end is None else end - 1
            with contextlib.suppress(RequestRangeNotSatisfiable):  # it ends before the range begins
                return bytes(blob.download_as_bytes(start=start or None, end=last, **self._options))
        return b""

    def copy(self, source: str, target: str, *, generation: str | None = None) -> StoredObject:
        """See the port; large ones are rewritten in several calls, each of which carries on."""
        if generation is not None and not generation.isdecimal():
            raise NotFound(f"there is no object {source!r} of generation {generation!r}")
        with translated(f"Cloud Storage copies {source!r}"):
            found = self._bucket.blob(name_of(source), generation=int(generation) if generation else None)
            copied = self._bucket.blob(name_of(target))
            token, *_ = copied.rewrite(found, if_generation_match=0, **self._options)
            while token is not None:
                token, *_ = copied.rewrite(found, token=token, if_generation_match=0, **self._options)
        return _described(copied)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """See the port."""
        with translated(f"Cloud Storage lists {prefix!r}"):
            found = self._client.list_blobs(self._name, prefix=name_prefix(prefix), fields=_FIELDS, **self._options)
            stored = [_described(blob) for blob in found]
        yield from sorted(stored, key=lambda each: each.key)

    def delete(self, key: str) -> None:
        """See the port."""
        name = name_of(key)
        with contextlib.suppress(NotFound), translated(f"Cloud Storage deletes {key!r}"):
            self._bucket.blob(name).delete(**self._options)

    def sign_upload(
        self, key: str, *, content_type: str, max_bytes: int, valid_for: timedelta, size_bytes: int | None = None
    ) -> SignedRequest:
        """See the port; large ones are signed as a resumable upload: ``POST``, then ``PUT`` to its Location."""
        headers = {
            "Content-Type": content_type,
            "x-goog-content-length-range": f"1,{max_bytes}",
            "x-goog-if-generation-match": "0",
        }
        if size_bytes is not None and size_bytes > RESUMABLE_FROM_BYTES:
            return self._signed(key, "POST", headers | {"x-goog-resumable": "start"}, valid_for=valid_for)
        return self._signed(key, "PUT", headers, valid_for=valid_for)

    def sign_download(self, key: str, *, filename: str, valid_for: timedelta) -> SignedRequest:
        """See the port."""
        query = {"response-content-disposition": _attachment(filename)}
        return self._signed(key, "GET", {}, valid_for=valid_for, query=query)

    def close(self) -> None:
        """End its connections; a later call opens new ones."""
        client = self.__dict__.pop("_client", None)
        if client is not None:
            client.close()

    @functools.cached_property
    def _client(self) -> Any:
        return storage.Client(project=self._project)

    @property
    def _bucket(self) -> Any:
        return self._client.bucket(self._name)

    def _signed(
        self,
        key: str,
        method: str,
        headers: dict[str, str],
        *,
        valid_for: timedelta,
        query: dict[str, str] | None = None,
    ) -> SignedRequest:
        name = name_of(key)
        with translated(f"Google signs a URL of {key!r}"):
            blob = self._bucket.blob(name)
            # A signature counts whole seconds, from the whole second it was made in.
            expires_at = self._clock().replace(microsecond=0) + timedelta(seconds=int(valid_for.total_seconds()))
            url = self._signing.sign(blob, method=method, valid_for=valid_for, headers=headers, query=query)
        return SignedRequest(url=url, method=method, headers=headers, expires_at=expires_at)

    def _upload_whole(self, blob: Any, data: bytes, *, content_type: str, condition: Mapping[str, int]) -> StoredObject:
        """Write a small object in one request."""
        write = uuid.uuid4().hex
        blob.metadata = {_WRITE: write}
        try:
            with bucket_required():
                blob.upload_from_string(data, content_type=content_type, **self._options, **condition)
        except PreconditionFailed:
            # The first try may have arrived and only its answer was lost: then the object is ours.
            with contextlib.suppress(ObjectMissing):
                blob.reload(**self._options)
            if (blob.metadata or {}).get(_WRITE) != write or blob.generation is None:
                raise
        return _described(blob)

    def _upload_pieces(
        self, blob: Any, piece: bytes, source: BinaryIO, *, content_type: str, condition: Mapping[str, int]
    ) -> StoredObject:
        """Write a large object piece by piece; where the source breaks the upload is cancelled and leaves nothing."""
        with bucket_required():
            url = blob.create_resumable_upload_session(content_type=content_type, **self._options, **condition)
        session = UploadSession(url, timeout=_timeout(self._limit), give_up_after_s=self._limit.seconds)
        try:
            while len(piece) == PIECE_BYTES:
                session.send(piece)
                piece = _read_piece(source)
            return _told(session.send(piece, is_last=True))
        except BaseException:
            session.cancel()
            raise
        finally:
            session.close()


def _timeout(limit: CallLimit) -> tuple[float, float]:
    """Return the seconds to connect and the seconds without a byte."""
    return min(5.0, limit.seconds), limit.seconds


def _read_piece(source: BinaryIO) -> bytes:
    """Read :data:`PIECE_BYTES`, fewer only where the source ends; a pipe gives what it has just then."""
    parts, missing = [], PIECE_BYTES
    try:
        while missing and (part := source.read(missing)):
            parts.append(part)
            missing -= len(part)
    except OSError as error:
        raise Transient(f"the source of an upload broke: {error}") from error
    return b"".join(parts)


def _described(blob: Any) -> StoredObject:
    return StoredObject(
        key=key_of(blob.name),
        size_bytes=blob.size,
        generation=str(blob.generation),
        content_type=blob.content_type or "",
        updated_at=blob.updated,
    )


def _told(resource: Mapping[str, Any]) -> StoredObject:
    """Return the object of a resource in Cloud Storage's JSON."""
    return StoredObject(
        key=key_of(resource["name"]),
        size_bytes=int(resource["size"]),
        generation=resource["generation"],
        content_type=resource.get("contentType", ""),
        updated_at=datetime.fromisoformat(resource["updated"]),
    )


def _attachment(filename: str) -> str:
    """Return a Content-Disposition whose file name any browser reads. Source: RFC 6266, appendix D."""
    plain = re.sub(r"[^ !#-\[\]-~]", "_", filename)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"
