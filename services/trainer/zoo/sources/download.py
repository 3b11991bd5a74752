"""Fetching a weights file over the network: quickly given up, never half written, checked by its hash."""

import hashlib
import os
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from http.client import HTTPException
from pathlib import Path

from shared.errors import Transient

_CHUNK_BYTES = 1 << 20
_STALL_S = 15.0
_MD5_DIGITS = 32


class Damaged(Transient):
    """What came is not the file that was asked for."""


def default_cache_dir() -> Path:
    """Return the folder in which Keras keeps downloaded weights."""
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "models"


def is_reachable(url: str, *, within_s: float) -> bool:
    """Tell whether the host of a URL answers at all; an error page is an answer.

    The question runs in a thread of its own: without a network, looking a name up can take far longer than any
    time limit that a socket knows.

    Args:
        url: An ``https`` address; proxies of the environment are honoured.
        within_s: Seconds after which no answer means no.
    """
    answers: list[bool] = []

    def ask() -> None:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=within_s):  # noqa: S310 - rows of the catalogue only
                answers.append(True)
        except urllib.error.HTTPError:
            answers.append(True)
        except (OSError, HTTPException):
            answers.append(False)

    thread = threading.Thread(target=ask, daemon=True, name="reachability")
    thread.start()
    thread.join(within_s)
    return bool(answers and answers[0])


def download(url: str, target: Path, *, expected_hash: str | None, deadline_s: float) -> None:
    """Put a file of the network in place, whole or not at all; see :func:`keep`."""
    keep(_stream(url, deadline_s), target, expected_hash=expected_hash, deadline_s=deadline_s)


def keep(pieces: Iterable[bytes], target: Path, *, expected_hash: str | None, deadline_s: float) -> None:
    """Put a file in place, whole or not at all.

    Args:
        pieces: What is in it; what reading them raises passes through, but for an ``OSError``.
        target: Where it goes; its folder is made.
        expected_hash: MD5 or SHA-256 in hexadecimal, or ``None`` where the publisher gives none.
        deadline_s: Value of ``time.monotonic()`` at which to give up.

    Raises:
        Transient: If it could not be had in time.
        Damaged: If what came has another hash.
    """
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _write(pieces, partial, deadline_s)
        if expected_hash is not None and hash_of(partial, expected_hash) != expected_hash:
            raise Damaged("what was downloaded is damaged: its hash is not the published one")
        partial.replace(target)
    except (OSError, HTTPException) as error:
        raise Transient(f"the download failed: {error}") from error
    finally:
        partial.unlink(missing_ok=True)


def hash_of(path: Path, like: str) -> str:
    """Return the hash of a file by the algorithm that another hash has, told from its number of digits."""
    algorithm = "md5" if len(like) == _MD5_DIGITS else "sha256"
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest()


def _stream(url: str, deadline_s: float) -> Iterator[bytes]:
    left_s = max(0.1, deadline_s - time.monotonic())
    with urllib.request.urlopen(url, timeout=min(_STALL_S, left_s)) as response:  # noqa: S310 - rows of the catalogue only
        while chunk := response.read(_CHUNK_BYTES):
            yield chunk


def _write(pieces: Iterable[bytes], partial: Path, deadline_s: float) -> None:
    if time.monotonic() > deadline_s:
        raise Transient("the time limit of downloads was used up")
    with partial.open("wb") as file:
        for piece in pieces:
            file.write(piece)
            if time.monotonic() > deadline_s:
                raise Transient("the download took longer than the time limit")
        file.flush()
        os.fsync(file.fileno())
