"""The operator's mirror of weights: a folder, or a bucket whose files are brought to the local disk."""

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from services.trainer.settings import TrainerSettings
from services.trainer.zoo.backbone import Backbone
from services.trainer.zoo.sources.download import default_cache_dir, keep
from shared.backends import open_bucket
from shared.errors import NotFound, Transient
from shared.ports.object_store import ObjectStore, StoredObject
from shared.settings import InvalidSettings

_SCHEME = "gs://"
_PIECE_BYTES = 8 << 20


class Mirror(Protocol):
    """Holds weights files under Keras's own names."""

    @property
    def address(self) -> str:
        """Where it is, for a person."""
        ...

    @property
    def is_remote(self) -> bool:
        """Whether asking it goes over the network."""
        ...

    def names(self) -> frozenset[str]:
        """Return the names of its files.

        Raises:
            Transient: If it could not be asked.
        """
        ...

    def fetch(self, row: Backbone, *, deadline_s: float) -> Path | None:
        """Return the weights file of a row on the local disk, or ``None`` where the mirror has none.

        Args:
            row: The backbone.
            deadline_s: Value of ``time.monotonic()`` at which to give up.

        Raises:
            Transient: If it could not be had, or not in time.
            services.trainer.zoo.sources.download.Damaged: If it is not the file that was published.
        """
        ...


def open_mirror(settings: TrainerSettings) -> Mirror | None:
    """Return the mirror that the settings name, without asking it anything.

    Raises:
        InvalidSettings: If the address of a bucket cannot be read, or Google's libraries are missing.
    """
    if settings.weights is None:
        return None
    if not settings.weights.startswith(_SCHEME):
        return FolderMirror(Path(settings.weights))
    bucket, _, prefix = settings.weights.removeprefix(_SCHEME).partition("/")
    if not bucket:
        raise InvalidSettings(f"CONVTAILOR_WEIGHTS is {settings.weights}, expected a folder or gs://bucket/prefix")
    return BucketMirror(
        objects=open_bucket(bucket, settings),
        prefix=f"{prefix.strip('/')}/" if prefix.strip("/") else "",
        address=settings.weights.rstrip("/"),
        cache_dir=settings.weights_cache_dir or default_cache_dir(),
    )


@dataclass(frozen=True, slots=True)
class FolderMirror:
    """A folder of this machine; its files are used where they lie.

    Operators may put rebuilt files there, so their hash is not asked for.

    Args:
        folder: Need not exist.
    """

    folder: Path

    @property
    def address(self) -> str:
        """See the protocol."""
        return f"folder {self.folder}"

    @property
    def is_remote(self) -> bool:
        """See the protocol."""
        return False

    def names(self) -> frozenset[str]:
        """See the protocol."""
        try:
            return frozenset(each.name for each in self.folder.iterdir())
        except FileNotFoundError:
            return frozenset()
        except OSError as error:
            raise Transient(f"{self.folder} cannot be read: {error}") from error

    def fetch(self, row: Backbone, *, deadline_s: float) -> Path | None:  # noqa: ARG002 - nothing to wait for
        """See the protocol."""
        path = self.folder / row.weights_file
        return path if path.is_file() else None


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketMirror:
    """A bucket; each version of a file comes over the network once and is kept, checked by its published hash.

    Args:
        objects: The bucket.
        prefix: What the keys begin with: empty, or with ``/`` at its end.
        address: As the operator wrote it.
        cache_dir: The copies are kept in ``mirror`` in it.
    """

    objects: ObjectStore
    prefix: str
    address: str
    cache_dir: Path

    @property
    def is_remote(self) -> bool:
        """See the protocol."""
        return True

    def names(self) -> frozenset[str]:
        """See the protocol."""
        try:
            return frozenset(stored.key.removeprefix(self.prefix) for stored in self.objects.list(self.prefix))
        except NotFound as error:
            raise Transient(f"there is no such bucket: {error}") from error

    def fetch(self, row: Backbone, *, deadline_s: float) -> Path | None:
        """See the protocol."""
        if time.monotonic() > deadline_s:
            raise Transient("the time limit of downloads was used up")
        try:
            stored = self.objects.stat(f"{self.prefix}{row.weights_file}")
        except NotFound:
            return None
        target = self._kept(stored, row.weights_file)
        if not target.is_file():
            keep(self._pieces(stored), target, expected_hash=row.weights_hash, deadline_s=deadline_s)
        return target

    def _kept(self, stored: StoredObject, name: str) -> Path:
        """Return where the copy of this very version is kept."""
        version = f"{self.address}/{stored.key}#{stored.generation}"
        return self.cache_dir / "mirror" / f"{hashlib.sha256(version.encode()).hexdigest()[:12]}-{name}"

    def _pieces(self, stored: StoredObject) -> Iterator[bytes]:
        for start in range(0, stored.size_bytes, _PIECE_BYTES):
            end = min(start + _PIECE_BYTES, stored.size_bytes)
            try:
                piece = self.objects.read(stored.key, start, end, generation=stored.generation)
            except NotFound as error:
                raise Transient(f"{stored.key} was replaced while it was read") from error
            if len(piece) != end - start:
                raise Transient(f"{stored.key} ended after {start + len(piece):,} of {stored.size_bytes:,} bytes")
            yield piece
