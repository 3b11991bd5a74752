"""How an object lies in a folder: which file its key names, and how its metadata travels with its bytes.

A file is the bytes of the object followed by a trailer of fixed length with generation, type and time. One file is one
rename or one link, so bytes and metadata can never be seen apart, and the bytes come first, so that an operator opens
an archive or a report where it lies.
"""

import json
import os
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import BinaryIO
from urllib.parse import unquote

from shared.errors import Transient
from shared.json_codec import from_json, to_json
from shared.ports.object_key import check_key
from shared.ports.object_store import StoredObject

TRAILER_BYTES = 512
_MAX_NAME_BYTES = 200  # file systems allow 255
_FOLDER = "+"  # ends the name of a folder that stands for a segment, so that keys a and a/b can both exist
_CONTINUED = "="  # ends the name of a folder that holds the rest of a long segment
_SPECIAL = re.compile("[^a-z0-9_.~-]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What the trailer tells."""

    generation: str
    content_type: str
    updated_at: datetime


def path_of(key: str) -> PurePosixPath:
    """Return the relative path of a key's file: percent-encoded, so that nothing in a key is special to a file system.

    Capitals are encoded too, because some file systems do not tell them from small letters.

    Raises:
        ValueError: As :func:`shared.ports.object_key.check_key`.
    """
    check_key(key)
    *folders, last = (_encoded(segment) for segment in key.split("/"))
    names = [name for folder in folders for name in _pieces(folder + _FOLDER)]
    return PurePosixPath(*names, *_pieces(last))


def key_of(path: PurePosixPath) -> str:
    """Return the key whose file lies at a relative path; the inverse of :func:`path_of`."""
    joined = "".join(
        name.removesuffix(_CONTINUED) if name.endswith(_CONTINUED) else name.replace(_FOLDER, "/")
        for name in path.parts
    )
    return "/".join("" if segment == "%" else unquote(segment, errors="strict") for segment in joined.split("/"))


def write_trailer(file: BinaryIO, metadata: Metadata) -> None:
    """Append the trailer.

    Raises:
        ValueError: If the content type is too long.
    """
    trailer = json.dumps(to_json(metadata)).encode()
    if len(trailer) >= TRAILER_BYTES:
        raise ValueError(f"received a content type of {len(metadata.content_type)} characters, expected at most 255")
    file.write(b"\n" + trailer.ljust(TRAILER_BYTES - 1))


def describe(file: BinaryIO, key: str) -> StoredObject:
    """Read what an open file tells about its object.

    Raises:
        Transient: If the trailer cannot be read; something else wrote the file.
    """
    size_bytes = os.fstat(file.fileno()).st_size - TRAILER_BYTES
    try:
        file.seek(size_bytes)
        metadata = from_json(Metadata, json.loads(file.read(TRAILER_BYTES)))
    except ValueError as error:
        raise Transient(f"the file of object {key!r} was not written by convtailor: {error}") from error
    return StoredObject(
        key=key,
        size_bytes=size_bytes,
        generation=metadata.generation,
        content_type=metadata.content_type,
        updated_at=metadata.updated_at,
    )


def _encoded(segment: str) -> str:
    if segment == "":
        return "%"  # never the beginning of an encoded segment by itself
    if segment == ".":
        return "%2E"
    name = _SPECIAL.sub(_percent_encoded, segment)
    # Cutting a long name must not leave a piece that is "." or "..".
    return name.replace(".", "%2E") if len(name) > _MAX_NAME_BYTES else name


def _percent_encoded(sign: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in sign[0].encode())


def _pieces(name: str) -> list[str]:
    """Cut a long name into folders, each but the last marked as continued."""
    cuts = range(0, len(name), _MAX_NAME_BYTES)
    pieces = [name[at : at + _MAX_NAME_BYTES] for at in cuts]
    return [piece + _CONTINUED for piece in pieces[:-1]] + pieces[-1:]
