"""How a key is called in a bucket: Cloud Storage refuses some names that the port allows.

Control characters and a leading dot are escaped behind ``␛``, which itself is escaped; every other key is its own name.
Each character is escaped by itself, so a prefix of a key becomes a prefix of its name.
Source: https://cloud.google.com/storage/docs/objects#naming
"""

import re

from shared.ports.object_key import MAX_KEY_BYTES, check_key

_MARK = "␛"
_REFUSED = re.compile(r"\A\.|[\x00-\x1f\x7f-\x9f␛]")
_ESCAPED = re.compile(r"␛([0-9a-f]{2}|[.␛])")


def name_of(key: str) -> str:
    """Return the name of a key's object.

    Raises:
        ValueError: If the key is empty, absolute, too long or has a ``..`` segment.
    """
    check_key(key)
    name = name_prefix(key)
    if len(name.encode()) > MAX_KEY_BYTES:
        raise ValueError(
            f"received the key {key[:80]!r}, expected at most {MAX_KEY_BYTES} bytes, 5 for each control character"
        )
    return name


def name_prefix(prefix: str) -> str:
    """Return what the names of all keys with a prefix start with; any text is allowed."""
    return _REFUSED.sub(lambda found: _escape(found[0]), prefix)


def key_of(name: str) -> str:
    """Return the key of an object's name; the inverse of :func:`name_of`."""
    return _ESCAPED.sub(lambda found: _unescape(found[1]), name)


def _escape(sign: str) -> str:
    return _MARK + (sign if sign in {".", _MARK} else f"{ord(sign):02x}")


def _unescape(sign: str) -> str:
    return sign if sign in {".", _MARK} else chr(int(sign, 16))
