"""API keys: what a program shows instead of a person's click, and how much may be submitted with it.

The text of a key is shown once, when it is made; only its hash is kept.
"""

import hashlib
import secrets
from dataclasses import dataclass, replace
from datetime import datetime

_PREFIX = "ctk_"
_ID_BYTES = 6
_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """One key.

    Args:
        key_id: Names it, in lists and in jobs; no secret.
        name: Whose it is, as the operator calls them.
        key_hash: SHA-256, hexadecimal, of its text.
        created_at: When it was made.
        jobs_per_day: Most jobs within a day; 0: as many as come.
        bytes_per_day: Most bytes of archives within a day; 0: as many as come.
        is_operator: Whether it opens what only the operator may see and do.
        revoked_at: From when on it opens nothing.
    """

    key_id: str
    name: str
    key_hash: str
    created_at: datetime
    jobs_per_day: int = 0
    bytes_per_day: int = 0
    is_operator: bool = False
    revoked_at: datetime | None = None


def drawn_key(
    name: str, now: datetime, *, jobs_per_day: int = 0, bytes_per_day: int = 0, is_operator: bool = False
) -> tuple[str, ApiKey]:
    """Draw a key; return its text, which is kept nowhere, and what is kept."""
    key_id = secrets.token_hex(_ID_BYTES)
    text = f"{_PREFIX}{key_id}_{secrets.token_urlsafe(_SECRET_BYTES)}"
    key = ApiKey(
        key_id=key_id,
        name=name,
        key_hash=hash_of(text),
        created_at=now,
        jobs_per_day=jobs_per_day,
        bytes_per_day=bytes_per_day,
        is_operator=is_operator,
    )
    return text, key


def revoked(key: ApiKey, now: datetime) -> ApiKey:
    """Return the key, good for nothing from now on; one that was revoked before stays as it is."""
    return key if key.revoked_at is not None else replace(key, revoked_at=now)


def is_key(text: str) -> bool:
    """Tell whether a text looks like a key, known or not; tokens of jobs do not."""
    return text.startswith(_PREFIX)


def hash_of(secret: str) -> str:
    """Return the SHA-256 of a secret, hexadecimal; secrets have 256 random bits, so they need neither salt nor work."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
