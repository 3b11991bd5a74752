"""``model.zip``: everything to use a network with, in one file."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from services.trainer.export.bundle.documents import NetworkFile

_PART = 2**20
_EXAMPLES = "examples"


def describe_file(path: Path) -> NetworkFile:
    """Return a file's name, size and digest.

    Raises:
        OSError: If it cannot be read.
    """
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return NetworkFile(name=path.name, size_bytes=path.stat().st_size, sha256=digest)


def write_zip(path: Path, files: Sequence[Path], texts: Mapping[str, str], examples: Sequence[Path]) -> None:
    """Write the zip; the same contents give the same bytes.

    Args:
        path: Where.
        files: Networks, at its top; not packed, for weights hardly shrink.
        texts: By name.
        examples: Pictures, in a folder of their own.

    Raises:
        OSError: If it cannot be written.
    """
    with ZipFile(path, "w") as archive:
        for name, text in texts.items():
            archive.writestr(_entry(name, ZIP_DEFLATED), text.encode())
        for source in files:
            _copy(archive, source, source.name)
        for source in examples:
            _copy(archive, source, f"{_EXAMPLES}/{source.name}")


def _copy(archive: ZipFile, source: Path, name: str) -> None:
    with source.open("rb") as reader, archive.open(_entry(name, ZIP_STORED), "w", force_zip64=True) as writer:
        while part := reader.read(_PART):
            writer.write(part)


def _entry(name: str, packing: int) -> ZipInfo:
    entry = ZipInfo(name)
    entry.compress_type = packing
    entry.external_attr = 0o644 << 16
    return entry
