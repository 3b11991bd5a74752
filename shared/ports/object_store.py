"""The store of objects: archives, networks, results and reports, with signed URLs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO, Protocol

RESUMABLE_FROM_BYTES = 8 << 20
"""Uploads of more than this are signed as resumable ones: a phone sends so much in a minute, and may lose it all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """An object as it lies in the store.

    Args:
        key: Its key: segments of any characters joined by ``/``.
        size_bytes: Its size.
        generation: Opaque; another one for every write under the key.
        content_type: Its media type.
        updated_at: When it was written.
    """

    key: str
    size_bytes: int
    generation: str
    content_type: str
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRequest:
    """A request that anybody may make until it expires.

    Args:
        url: Absolute URL.
        method: HTTP method.
        headers: Headers that must be sent exactly so.
        expires_at: When it ends.
    """

    url: str
    method: str
    headers: Mapping[str, str]
    expires_at: datetime


class ObjectStore(Protocol):
    """Keeps objects by key. A reader sees a whole object or none; every write makes a new generation.

    Every method may raise :class:`shared.errors.Transient`. Safe for threads and for several processes.
    """

    def put(self, key: str, source: BinaryIO, *, content_type: str, if_absent: bool = False) -> StoredObject:
        """Write an object from a binary stream, durably and at once: temporary name, flush, then its key.

        What ``source.read`` raises passes through (an ``OSError`` as ``Transient``), and the store is then as it was.
        The stream is never held in memory as a whole.

        Raises:
            Conflict: If ``if_absent`` and the key is taken.
            ValueError: As :func:`shared.ports.object_key.check_key`, which the other methods ask too.
        """
        ...

    def stat(self, key: str) -> StoredObject:
        """Describe an object.

        Raises:
            NotFound: If there is none under the key.
        """
        ...

    def read(self, key: str, start: int = 0, end: int | None = None, *, generation: str | None = None) -> bytes:
        """Return bytes ``start`` to ``end`` (exclusive; ``None``: to its end), fewer where the object is shorter.

        Raises:
            NotFound: If there is none under the key, or none of that generation.
        """
        ...

    def copy(self, source: str, target: str, *, generation: str | None = None) -> StoredObject:
        """Copy an object inside the store, without its bytes passing through this process; nothing is replaced.

        From then on either can be replaced or deleted without the other. The copy may tell the generation and the time
        of its source.

        Raises:
            Conflict: If there is an object under the key ``target`` already.
            NotFound: If there is none under the key ``source``, or none of that generation.
        """
        ...

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """Yield the objects whose key starts with the prefix, by key."""
        ...

    def delete(self, key: str) -> None:
        """Remove an object; a missing one is no error."""
        ...

    def sign_upload(
        self, key: str, *, content_type: str, max_bytes: int, valid_for: timedelta, size_bytes: int | None = None
    ) -> SignedRequest:
        """Sign one upload: this key, this content type, 1 to ``max_bytes`` bytes, and only while the key is free.

        The request is a ``PUT`` of the bytes. Where ``size_bytes`` says that they will be more than
        :data:`RESUMABLE_FROM_BYTES`, it may instead be a ``POST`` with the header ``x-goog-resumable: start``, whose
        answer names in ``Location`` the session to send them to; see ADR 6.

        Raises:
            ValueError: If ``valid_for`` is longer than the store can sign for.
        """
        ...

    def sign_download(self, key: str, *, filename: str, valid_for: timedelta) -> SignedRequest:
        """Sign a GET that offers the object under a file name. The object need not exist."""
        ...
