"""Objects in a dictionary, with the promises of the port but durability; whole objects are held in memory."""

import io
import threading
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import BinaryIO

from shared.adapters.embedded.signed_url import UrlSigner
from shared.clock import Clock, utc_now
from shared.errors import Conflict, NotFound, Transient
from shared.ports.object_key import check_key
from shared.ports.object_store import SignedRequest, StoredObject


class MemoryObjectStore:
    """The :class:`shared.ports.object_store.ObjectStore` of one process.

    Args:
        signer: Signs the URLs.
        clock: The present moment.
    """

    def __init__(self, *, signer: UrlSigner, clock: Clock = utc_now) -> None:
        self._lock = threading.Lock()
        self._objects: dict[str, tuple[StoredObject, bytes]] = {}
        self._signer = signer
        self._clock = clock

    def put(self, key: str, source: BinaryIO, *, content_type: str, if_absent: bool = False) -> StoredObject:
        """See the port."""
        check_key(key)
        data = _read_all(source)
        stored = StoredObject(
            key=key,
            size_bytes=len(data),
            generation=uuid.uuid4().hex,
            content_type=content_type,
            updated_at=self._clock(),
        )
        with self._lock:
            if if_absent and key in self._objects:
                raise Conflict(f"there is an object {key!r} already")
            self._objects[key] = (stored, data)
        return stored

    def stat(self, key: str) -> StoredObject:
        """See the port."""
        return self._found(key)[0]

    def read(self, key: str, start: int = 0, end: int | None = None, *, generation: str | None = None) -> bytes:
        """See the port."""
        stored, data = self._found(key)
        if generation not in (None, stored.generation):
            raise NotFound(f"object {key!r} has generation {stored.generation}, expected {generation}")
        return data[start:end]

    def copy(self, source: str, target: str, *, generation: str | None = None) -> StoredObject:
        """See the port."""
        check_key(target)
        data = self.read(source, generation=generation)
        return self.put(target, io.BytesIO(data), content_type=self.stat(source).content_type, if_absent=True)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """See the port."""
        with self._lock:
            found = [stored for key, (stored, _) in self._objects.items() if key.startswith(prefix)]
        return iter(sorted(found, key=lambda stored: stored.key))

    def delete(self, key: str) -> None:
        """See the port."""
        check_key(key)
        with self._lock:
            self._objects.pop(key, None)

    def sign_upload(
        self,
        key: str,
        *,
        content_type: str,
        max_bytes: int,
        valid_for: timedelta,
        size_bytes: int | None = None,  # the server of this store takes any size in one request
    ) -> SignedRequest:
        """See the port; uploads of any size are one ``PUT``."""
        check_key(key)
        return self._signer.sign_upload(key, content_type=content_type, max_bytes=max_bytes, valid_for=valid_for)

    def sign_download(self, key: str, *, filename: str, valid_for: timedelta) -> SignedRequest:
        """See the port."""
        check_key(key)
        return self._signer.sign_download(key, filename=filename, valid_for=valid_for)

    def _found(self, key: str) -> tuple[StoredObject, bytes]:
        check_key(key)
        with self._lock:
            if key not in self._objects:
                raise NotFound(f"there is no object {key!r}")
            return self._objects[key]


def _read_all(source: BinaryIO) -> bytes:
    data = io.BytesIO()
    try:
        while piece := source.read(1 << 20):
            data.write(piece)
    except OSError as error:
        raise Transient(f"the stream broke: {error}") from error
    return data.getvalue()
