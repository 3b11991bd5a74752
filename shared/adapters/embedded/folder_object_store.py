"""Objects as files of one folder, written beside their place and moved into it in one step."""

import contextlib
import errno
import fcntl
import os
import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from shared.adapters.embedded.object_file import Metadata, describe, key_of, path_of, write_trailer
from shared.adapters.embedded.signed_url import UrlSigner
from shared.clock import Clock, utc_now
from shared.errors import Conflict, NotFound, StoreFull, Transient
from shared.ports.object_key import check_key
from shared.ports.object_store import RESUMABLE_FROM_BYTES, SignedRequest, StoredObject

_CHUNK_BYTES = 1 << 20
_ABANDONED_AFTER_S = 60.0
"""A file that was written to in the last minute is left: between its last byte and its name nobody holds it."""
_NUM_TRIES = 100  # each costs microseconds, and each time another delete has to come in between


class FolderObjectStore:
    """The :class:`shared.ports.object_store.ObjectStore` of one machine.

    Args:
        folder: Where objects are kept; made where it is missing.
        signer: Signs the URLs, which intake serves.
        clock: The present moment.

    Raises:
        Transient: If the folder cannot be made.
    """

    def __init__(self, folder: Path, *, signer: UrlSigner, clock: Clock = utc_now) -> None:
        self._objects = folder / "objects"
        self._incoming = folder / "incoming"
        self._signer = signer
        self._clock = clock
        with translated(folder):
            self._objects.mkdir(parents=True, exist_ok=True)
            self._incoming.mkdir(exist_ok=True)
            self._forget_abandoned()

    def put(self, key: str, source: BinaryIO, *, content_type: str, if_absent: bool = False) -> StoredObject:
        """See the port."""
        place = self._place(key)
        metadata = Metadata(generation=uuid.uuid4().hex, content_type=content_type, updated_at=self._clock())
        temporary = self._incoming / metadata.generation
        try:
            with translated(key), temporary.open("xb") as file:
                fcntl.flock(file, fcntl.LOCK_SH)  # until it is closed, by us or by our death: others leave it alone
                size_bytes = _copy(source, file)
                write_trailer(file, metadata)
                file.flush()
                os.fsync(file.fileno())
            self._move(temporary, place, key, if_absent=if_absent)
        finally:
            temporary.unlink(missing_ok=True)
        return StoredObject(
            key=key,
            size_bytes=size_bytes,
            generation=metadata.generation,
            content_type=content_type,
            updated_at=metadata.updated_at,
        )

    def adopt(self, path: Path, file: BinaryIO, key: str, *, content_type: str) -> StoredObject:
        """Make an object of a finished file of this file system, without a copy; the key must be free.

        Args:
            path: The file; gone afterwards, and as it was where that fails.
            file: The same, open to be appended to.
            key: Of the object.
            content_type: Its media type.

        Raises:
            Conflict: If the key is taken.
        """
        place = self._place(key)
        metadata = Metadata(generation=uuid.uuid4().hex, content_type=content_type, updated_at=self._clock())
        size_bytes = file.seek(0, os.SEEK_END)
        try:
            with translated(key):
                write_trailer(file, metadata)
                file.flush()
                os.fsync(file.fileno())
            self._move(path, place, key, if_absent=True)
        except Transient:
            with contextlib.suppress(OSError):
                os.truncate(path, size_bytes)
            raise
        path.unlink()
        return StoredObject(
            key=key,
            size_bytes=size_bytes,
            generation=metadata.generation,
            content_type=content_type,
            updated_at=metadata.updated_at,
        )

    def stat(self, key: str) -> StoredObject:
        """See the port."""
        with self._opened(key) as file:
            return describe(file, key)

    def read(self, key: str, start: int = 0, end: int | None = None, *, generation: str | None = None) -> bytes:
        """See the port."""
        with self._opened(key) as file:
            stored = describe(file, key)
            if generation not in (None, stored.generation):
                raise NotFound(f"object {key!r} has generation {stored.generation}, expected {generation}")
            stop = stored.size_bytes if end is None else min(end, stored.size_bytes)
            file.seek(start)
            return file.read(max(stop - start, 0))

    def copy(self, source: str, target: str, *, generation: str | None = None) -> StoredObject:
        """See the port; a second name of one file, which no write ever changes."""
        place, temporary = self._place(source), self._incoming / uuid.uuid4().hex
        try:
            with translated(source):
                try:
                    os.link(place, temporary)
                except FileNotFoundError as error:
                    raise NotFound(f"there is no object {source!r}") from error
                with temporary.open("rb") as file:
                    stored = describe(file, target)
            if generation not in (None, stored.generation):
                raise NotFound(f"object {source!r} has generation {stored.generation}, expected {generation}")
            self._move(temporary, self._place(target), target, if_absent=True)
        finally:
            temporary.unlink(missing_ok=True)
        return stored

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """See the port."""
        with translated(prefix):
            keys = sorted(self._keys(prefix))
        for key in keys:
            with contextlib.suppress(NotFound):  # deleted while the list is read
                yield self.stat(key)

    def delete(self, key: str) -> None:
        """See the port."""
        place = self._place(key)
        with translated(key):
            place.unlink(missing_ok=True)
            folder = place.parent
            while folder != self._objects and _removed(folder):
                folder = folder.parent
            _sync_remaining(folder)

    def sign_upload(
        self,
        key: str,
        *,
        content_type: str,
        max_bytes: int,
        valid_for: timedelta,
        size_bytes: int | None = None,
    ) -> SignedRequest:
        """See the port."""
        check_key(key)
        is_resumable = size_bytes is not None and size_bytes > RESUMABLE_FROM_BYTES
        return self._signer.sign_upload(
            key, content_type=content_type, max_bytes=max_bytes, valid_for=valid_for, is_resumable=is_resumable
        )

    def sign_download(self, key: str, *, filename: str, valid_for: timedelta) -> SignedRequest:
        """See the port."""
        check_key(key)
        return self._signer.sign_download(key, filename=filename, valid_for=valid_for)

    def _place(self, key: str) -> Path:
        return self._objects / path_of(key)

    @contextlib.contextmanager
    def _opened(self, key: str) -> Iterator[BinaryIO]:
        """Open the file of an object; a write or a delete meanwhile does not change what the handle reads."""
        place = self._place(key)
        with translated(key), contextlib.ExitStack() as stack:
            try:
                file = stack.enter_context(place.open("rb"))
            except FileNotFoundError as error:
                raise NotFound(f"there is no object {key!r}") from error
            yield file

    def _move(self, temporary: Path, place: Path, key: str, *, if_absent: bool) -> None:
        """Give a finished file its name, durably."""
        for _ in range(_NUM_TRIES):
            with translated(key):
                try:
                    self._make_folder(place.parent)
                    # A link fails where the name is taken; a rename would silently win.
                    (os.link if if_absent else os.replace)(temporary, place)
                except FileNotFoundError:
                    continue  # a delete took the empty folder away
                except FileExistsError as error:
                    raise Conflict(f"there is an object {key!r} already") from error
                _sync_remaining(place.parent)
                return
        raise Transient(f"could not write object {key!r}: its folder was deleted again and again")

    def _make_folder(self, folder: Path) -> None:
        """Make the folders of a key, durably."""
        if folder.is_dir():
            return
        self._make_folder(folder.parent)
        with contextlib.suppress(FileExistsError):  # exist_ok would look again, and the folder may be gone by then
            folder.mkdir()
        _sync_folder(folder.parent)

    def _keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys with a prefix, looking only into the folder that its whole segments name."""
        parent = prefix.rpartition("/")[0]
        top = self._objects
        if parent:
            probe = path_of(f"{parent}/x")
            top = self._objects / probe.parent
        for folder, _, names in os.walk(top, onerror=_unless_missing):
            for name in names:
                key = key_of(PurePosixPath((Path(folder) / name).relative_to(self._objects)))
                if key.startswith(prefix):
                    yield key

    def _forget_abandoned(self) -> None:
        """Remove what processes that were killed had begun to write: it lies there, and nobody holds it."""
        eldest = time.time() - _ABANDONED_AFTER_S
        for path in self._incoming.iterdir():
            with contextlib.suppress(FileNotFoundError, BlockingIOError), path.open("rb") as file:
                if path.stat().st_mtime < eldest:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink()


@contextlib.contextmanager
def translated(what: object) -> Iterator[None]:
    """Turn faults of the file system into convtailor errors."""
    try:
        yield
    except OSError as error:
        told = f"the folder of objects could not serve {what}"
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreFull(f"{told}: the disk is full") from error
        raise Transient(f"{told}: {error}") from error


def _unless_missing(error: OSError) -> None:
    """Pass over a folder that was deleted while it was listed."""
    if not isinstance(error, FileNotFoundError):
        raise error


def _copy(source: BinaryIO, file: BinaryIO) -> int:
    """Copy a stream piece by piece and return its length in bytes."""
    size_bytes = 0
    while data := source.read(_CHUNK_BYTES):
        file.write(data)
        size_bytes += len(data)
    return size_bytes


def _removed(folder: Path) -> bool:
    """Remove a folder if it is empty."""
    try:
        folder.rmdir()
    except OSError:
        return False
    return True


def _sync_remaining(folder: Path) -> None:
    """Sync a folder, unless a delete has removed it since; that delete syncs what is above it."""
    with contextlib.suppress(FileNotFoundError):
        _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    """Make names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
