"""API keys and counts in memory."""

import threading

from shared.access.api_key import ApiKey
from shared.access.limits import Window


class MemoryAccessStore:
    """The :class:`shared.ports.access_store.AccessStore` of a test."""

    def __init__(self) -> None:
        self._keys: dict[str, ApiKey] = {}
        self._used: dict[str, int] = {}
        self._lock = threading.Lock()

    def put_key(self, key: ApiKey) -> None:
        self._keys[key.key_hash] = key

    def key(self, key_hash: str) -> ApiKey | None:
        return self._keys.get(key_hash)

    def all_keys(self) -> list[ApiKey]:
        return sorted(self._keys.values(), key=lambda key: key.created_at)

    def add(self, window: Window, amount: int) -> int:
        with self._lock:
            self._used[window.key] = self._used.get(window.key, 0) + amount
            return self._used[window.key]
