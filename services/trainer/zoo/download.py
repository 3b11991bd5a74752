"""Fetching a weights file over the network: quickly given up, never half written, checked by its hash."""

import hashlib
import os
import threading
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path

from shared.errors import Transient

_CHUNK_BYTES = 1 << 20
_STALL_S = 15.0
_MD5_DIGITS = 32


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
    """Put a file in place, whole or not at all.

    Args:
        url: Where it lies.
        target: Where it goes; its folder is made.
        expected_hash: MD5 or SHA-256 in hexadecimal, or ``None`` where the publisher gives none.
        deadline_s: Value of ``time.monotonic()`` at which to give up.

    Raises:
        Transient: If it could not be had in time, or what came has another hash.
    """
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _stream(url, partial, deadline_s)
        if expected_hash is not None and hash_of(partial, expected_hash) != expected_hash:
            raise Transient("what was downloaded is damaged: its hash is not the published one")
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


def _stream(url: str, partial: Path, deadline_s: float) -> None:
    left_s = deadline_s - time.monotonic()
    if left_s <= 0:
        raise Transient("the time limit of downloads was used up")
    with urllib.request.urlopen(url, timeout=min(_STALL_S, left_s)) as response, partial.open("wb") as file:  # noqa: S310 - rows of the catalogue only
        while chunk := response.read(_CHUNK_BYTES):
            file.write(chunk)
            if time.monotonic() > deadline_s:
                raise Transient("the download took longer than the time limit")
        file.flush()
        os.fsync(file.fileno())
