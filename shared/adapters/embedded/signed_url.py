"""Signed, expiring URLs of the embedded object store, and what intake needs to serve them.

``{public_url}/v1/objects/<token>`` is the whole address: the token carries what it grants, signed with HMAC-SHA256,
so that intake serves it without looking anything up. Serving takes three calls::

    grant = signer.verify(token, request.method, now)
    receive(objects, grant, stream, content_type=…, content_length=…)      # PUT
    objects.stat(grant.key), chunks(objects, stored)                       # GET
"""

import hashlib
import hmac
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, cast

from itsdangerous import BadData, Signer, URLSafeSerializer
from itsdangerous.encoding import base64_encode
from itsdangerous.signer import SigningAlgorithm
from pydantic import ValidationError

from shared.clock import Clock, utc_now
from shared.errors import Conflict, NotFound, Transient, UserFault
from shared.json_codec import from_json, to_json, to_json_text
from shared.ports.object_store import ObjectStore, SignedRequest, StoredObject

OBJECTS_PATH = "/v1/objects/"
_PURPOSE = "convtailor signed URL, version 1"
_CHUNK_BYTES = 1 << 20
START_SESSION = {"x-goog-resumable": "start"}
"""Header of a request that begins an upload in pieces, as Cloud Storage has it."""
SESSION_VALID_FOR = timedelta(days=7)


class _Sha256(SigningAlgorithm):
    """HMAC-SHA256, begun once for every URL, where :class:`itsdangerous.HMACAlgorithm` begins anew for each.

    ``hmac.digest()`` is quick too, but lets go of the interpreter's lock, and at a loaded service waits for it again.

    Args:
        key: Of every signature.
    """

    def __init__(self, key: bytes) -> None:
        self._begun = hmac.new(key, digestmod=hashlib.sha256)

    def get_signature(self, key: bytes, value: bytes) -> bytes:  # noqa: ARG002 - known since the beginning
        """Return the signature."""
        mac = self._begun.copy()
        mac.update(value)
        return mac.digest()


class _PlainSerializer(URLSafeSerializer):
    """Leaves the payload as it is: a grant shrinks little, and to compress means to wait for the interpreter twice."""

    def __init__(self, secret: bytes) -> None:
        # The key of the signature, made of secret and purpose, is the same for every URL.
        key = Signer(secret, salt=_PURPOSE, digest_method=hashlib.sha256).derive_key()
        super().__init__(key, signer_kwargs={"algorithm": _Sha256(key), "key_derivation": "none"})
        self._signer = self.make_signer()

    def dump_payload(self, obj: object) -> bytes:
        """Return JSON in base64; the inherited :meth:`load_payload` reads it."""
        return base64_encode(to_json_text(obj))

    def signed(self, grant: "Grant") -> str:
        """Return a grant with its signature, as :meth:`dumps` does, which makes a signer anew each time."""
        return self._signer.sign(self.dump_payload(grant)).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What one signed URL allows until it expires.

    Args:
        method: ``PUT``, ``GET``, which covers ``HEAD``, or ``POST``, which begins an upload in pieces.
        key: The object.
        expires_at: When it ends.
        content_type: Media type that an upload must have.
        max_bytes: Cap on the size of an upload.
        filename: Name under which a download is offered.
        session: Upload in pieces that a ``PUT`` adds to; empty where it brings the whole.
    """

    method: str
    key: str
    expires_at: datetime
    content_type: str = ""
    max_bytes: int = 0
    filename: str = ""
    session: str = ""


class UrlSigner:
    """Makes and checks signed URLs.

    Args:
        secret: Key of the signature; whoever knows it can forge URLs.
        public_url: Address under which people reach intake.
        clock: The present moment.
    """

    def __init__(self, secret: bytes, *, public_url: str, clock: Clock = utc_now) -> None:
        self._serializer = _PlainSerializer(secret)
        self._address = public_url.rstrip("/") + OBJECTS_PATH
        self._clock = clock

    def sign_upload(
        self, key: str, *, content_type: str, max_bytes: int, valid_for: timedelta, is_resumable: bool = False
    ) -> SignedRequest:
        """See :meth:`shared.ports.object_store.ObjectStore.sign_upload`."""
        grant = Grant(
            method="POST" if is_resumable else "PUT",
            key=key,
            expires_at=self._clock() + valid_for,
            content_type=content_type,
            max_bytes=max_bytes,
        )
        return self._request(grant, {"Content-Type": content_type} | (START_SESSION if is_resumable else {}))

    def sign_session(self, begun: Grant, session: str) -> SignedRequest:
        """Sign the pieces of an upload that a request began.

        Args:
            begun: What that request was granted.
            session: The upload.
        """
        expires_at = self._clock() + SESSION_VALID_FOR
        return self._request(replace(begun, method="PUT", expires_at=expires_at, session=session), {})

    def sign_download(self, key: str, *, filename: str, valid_for: timedelta) -> SignedRequest:
        """See :meth:`shared.ports.object_store.ObjectStore.sign_download`."""
        return self._request(Grant(method="GET", key=key, expires_at=self._clock() + valid_for, filename=filename), {})

    def verify(self, token: str, method: str, now: datetime) -> Grant:
        """Return what a token grants.

        Args:
            token: The last segment of the URL's path.
            method: HTTP method of the request.
            now: The present moment.

        Raises:
            UserFault: ``url_invalid`` if the token was not signed here or is for another method, ``url_expired`` if
                its time is over.
        """
        try:
            grant = from_json(Grant, self._serializer.loads(token))
        except (BadData, ValidationError) as error:
            raise _invalid("The URL is not one that this service signed.") from error
        if method != grant.method and (method, grant.method) != ("HEAD", "GET"):
            raise _invalid(f"The URL was signed for {grant.method}, received {method}.")
        if now >= grant.expires_at:
            raise UserFault(
                "url_expired",
                f"The URL was valid until {grant.expires_at:%Y-%m-%d %H:%M:%S} UTC.",
                fix="Ask for a new job to upload, or follow the link of the job again to download.",
                details={"expires_at": to_json(grant)["expires_at"]},
            )
        return grant

    def _request(self, grant: Grant, headers: dict[str, str]) -> SignedRequest:
        token = self._serializer.signed(grant)
        return SignedRequest(
            url=self._address + token, method=grant.method, headers=headers, expires_at=grant.expires_at
        )


def receive(
    objects: ObjectStore, grant: Grant, source: BinaryIO, *, content_type: str, content_length: int | None
) -> StoredObject:
    """Store the body of a signed upload; whatever is refused leaves nothing behind.

    Args:
        objects: Where it goes.
        grant: What :meth:`UrlSigner.verify` returned.
        source: The body.
        content_type: Header of the request.
        content_length: Header of the request; ``None`` for a chunked body.

    Raises:
        UserFault: ``upload_wrong_type``, ``upload_too_large`` (before a byte is read, where the length is known),
            ``upload_empty``, ``upload_incomplete`` or ``already_uploaded``.
    """
    check_upload(objects, grant, content_type=content_type)
    if content_length is not None and content_length > grant.max_bytes:
        raise too_large(grant.max_bytes)
    body = cast("BinaryIO", _Body(source, max_bytes=grant.max_bytes, num_expected=content_length))
    try:
        return objects.put(grant.key, body, content_type=content_type, if_absent=True)
    except Conflict as error:
        raise already_uploaded() from error


def check_upload(objects: ObjectStore, grant: Grant, *, content_type: str) -> None:
    """Refuse an upload that cannot be taken, before a byte of it is read.

    Raises:
        UserFault: ``upload_wrong_type`` or ``already_uploaded``.
    """
    if content_type != grant.content_type:
        raise UserFault(
            "upload_wrong_type",
            f"Received Content-Type {content_type or 'none'}, expected {grant.content_type}.",
            fix="Send exactly the headers that came with the upload URL.",
        )
    if _exists(objects, grant.key):
        raise already_uploaded()


def chunks(objects: ObjectStore, stored: StoredObject, start: int = 0, end: int | None = None) -> Iterator[bytes]:
    """Yield bytes ``start`` to ``end`` (exclusive) of one generation of an object, a megabyte at a time."""
    stop = stored.size_bytes if end is None else min(end, stored.size_bytes)
    for at in range(start, stop, _CHUNK_BYTES):
        yield objects.read(stored.key, at, min(at + _CHUNK_BYTES, stop), generation=stored.generation)


def load_secret(path: Path) -> bytes:
    """Return the secret in a file, made on first use and readable by its owner only.

    Raises:
        Transient: If the file can be neither read nor made.
    """
    try:
        if not path.exists():
            _make_secret(path)
        return path.read_bytes()
    except OSError as error:
        raise Transient(f"cannot read or make the secret of signed URLs in {path}: {error}") from error


def _make_secret(path: Path) -> None:
    """Put a secret at the path in one step: of several processes that start together, one wins and all agree."""
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_hex(32).encode())
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()


class _Body:
    """A request's body that refuses to be too long, empty or cut short."""

    def __init__(self, source: BinaryIO, *, max_bytes: int, num_expected: int | None) -> None:
        self._source = source
        self._max_bytes = max_bytes
        self._num_expected = num_expected
        self._num_read = 0

    def read(self, size: int = -1) -> bytes:
        """Read on; never more than one byte beyond the cap."""
        left = self._max_bytes + 1 - self._num_read
        data = self._source.read(left if size < 0 else min(size, left))
        self._num_read += len(data)
        if self._num_read > self._max_bytes:
            raise too_large(self._max_bytes)
        if not data and size != 0:
            self._check_end()
        return data

    def _check_end(self) -> None:
        if self._num_expected is not None and self._num_read < self._num_expected:
            raise UserFault(
                "upload_incomplete",
                f"Received {self._num_read:,} bytes, expected {self._num_expected:,}: the connection broke.",
                fix="Upload the file again to the same URL.",
            )
        if self._num_read == 0:
            raise UserFault(
                "upload_empty",
                "The zip is empty: not a byte came.",
                fix="Check the file on your side, and send it again.",
            )


def _exists(objects: ObjectStore, key: str) -> bool:
    try:
        objects.stat(key)
    except NotFound:
        return False
    return True


def _invalid(message: str) -> UserFault:
    return UserFault("url_invalid", message, fix="Use the URL and the method exactly as they were given to you.")


def too_large(max_bytes: int) -> UserFault:
    """Return the fault of an upload that is larger than it may be."""
    return UserFault(
        "upload_too_large",
        f"The upload has more than {max_bytes:,} bytes, the most this service takes.",
        fix="Send fewer or smaller images.",
        details={"max_bytes": max_bytes},
    )


def already_uploaded() -> UserFault:
    """Return the fault of a second upload."""
    return UserFault(
        "already_uploaded",
        "An archive was uploaded to this URL before.",
        fix="Ask for a new job to upload another archive.",
    )
