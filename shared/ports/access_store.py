"""The store of API keys, and of how much was used of limits."""

from collections.abc import Sequence
from typing import Protocol

from shared.access.api_key import ApiKey
from shared.access.limits import Window


class AccessStore(Protocol):
    """Keeps API keys for good, and counts for as long as their windows last.

    Every method may raise :class:`shared.errors.Transient`; after that a write may or may not have happened. Safe for
    threads and for several processes.
    """

    def put_key(self, key: ApiKey) -> None:
        """Keep a key, durably, in place of one of the same ``key_hash``."""
        ...

    def key(self, key_hash: str) -> ApiKey | None:
        """Return the key of this hash, revoked or not; ``None`` where there is none or none that can be read."""
        ...

    def all_keys(self) -> Sequence[ApiKey]:
        """Return all keys that can be read, the oldest first."""
        ...

    def add(self, window: Window, amount: int) -> int:
        """Add to what was counted in a window, in one step, and return the sum.

        Counts of windows that are over may be forgotten at any time.
        """
        ...
