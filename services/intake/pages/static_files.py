"""Scripts, style and pictures of the pages: read once, told under an address that changes with their content."""

import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from shared.archive.name_table import TABLE_FILE

_FOLDER = Path(__file__).parent / "static"
_TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm"}
_PACKED = ".gz"
_LEAST_PACKED_BYTES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticFile:
    """A file as it is sent.

    Args:
        content_type: Media type.
        data: Its bytes, packed by gzip where ``is_packed``.
        is_packed: Whether a browser has to unpack it.
    """

    content_type: str
    data: bytes
    is_packed: bool


@cache
def static_version() -> str:
    """Return a digest of all files, which is part of their addresses."""
    digest = hashlib.sha256()
    for name, path in sorted(_paths().items()):
        digest.update(name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


@cache
def static_file(name: str) -> StaticFile | None:
    """Return a file by its name, ``None`` where there is none."""
    path = _paths().get(name)
    if path is None:
        return None
    kind = _TYPES.get(Path(name).suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    data = path.read_bytes()
    if path.suffix == _PACKED:
        return StaticFile(content_type=kind, data=data, is_packed=True)
    if len(data) < _LEAST_PACKED_BYTES or kind.startswith("image/png"):
        return StaticFile(content_type=kind, data=data, is_packed=False)
    return StaticFile(content_type=kind, data=gzip.compress(data, mtime=0), is_packed=True)


@cache
def _paths() -> Mapping[str, Path]:
    """Return every file by the name that it is asked by; one that lies packed is asked by its own name."""
    found = {path.relative_to(_FOLDER).as_posix(): path for path in _FOLDER.rglob("*") if path.is_file()}
    return {name.removesuffix(_PACKED): path for name, path in found.items()} | {"names.json": TABLE_FILE}
