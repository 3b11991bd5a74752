"""Which keys an object can have, whatever store it lies in."""

MAX_KEY_BYTES = 1024


def check_key(key: str) -> None:
    """Refuse a key that an object cannot have.

    Raises:
        ValueError: If the key is empty, absolute, longer than :data:`MAX_KEY_BYTES` in UTF-8, or has a ``..`` segment.
    """
    if not key or key.startswith("/") or ".." in key.split("/") or len(key.encode()) > MAX_KEY_BYTES:
        raise ValueError(
            f"received the key {key[:80]!r}, expected 1 to {MAX_KEY_BYTES} bytes, relative, without '..' segments"
        )
