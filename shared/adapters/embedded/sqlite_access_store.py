"""API keys and counts as rows of an SQLite file of their own."""

import json
import logging
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from shared.access.api_key import ApiKey
from shared.access.limits import Window
from shared.adapters.embedded.sqlite_database import SqliteDatabase, microseconds
from shared.clock import Clock, utc_now
from shared.json_codec import from_json, to_json

_SCHEMA = """
CREATE TABLE IF NOT EXISTS api_keys (
    key_hash TEXT PRIMARY KEY,
    created_at INTEGER NOT NULL,
    document TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS used (
    window TEXT PRIMARY KEY,
    total INTEGER NOT NULL,
    ends_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS used_by_end ON used (ends_at)
"""
_log = logging.getLogger(__name__)


class SqliteAccessStore:
    """The :class:`shared.ports.access_store.AccessStore` of one machine.

    Args:
        path: The database file; made where it is missing.
        clock: Tells which windows are over.
    """

    def __init__(self, path: Path, *, clock: Clock = utc_now) -> None:
        self._database = SqliteDatabase(path, schema=_SCHEMA)
        self._clock = clock

    def put_key(self, key: ApiKey) -> None:
        """See the port."""
        document = json.dumps(to_json(key), ensure_ascii=False, separators=(",", ":"))
        with self._database.writing_once() as connection:
            connection.execute(
                "INSERT INTO api_keys (key_hash, created_at, document) VALUES (?, ?, ?)"
                " ON CONFLICT (key_hash) DO UPDATE SET document = excluded.document",
                (key.key_hash, microseconds(key.created_at), document),
            )

    def key(self, key_hash: str) -> ApiKey | None:
        """See the port."""
        row = self._database.row("SELECT document FROM api_keys WHERE key_hash = ?", (key_hash,))
        return None if row is None else _read(row[0])

    def all_keys(self) -> Sequence[ApiKey]:
        """See the port."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT document FROM api_keys ORDER BY created_at, key_hash").fetchall()
        return [key for (document,) in rows if (key := _read(document)) is not None]

    def add(self, window: Window, amount: int) -> int:
        """See the port; what is over is forgotten beside it."""
        now = microseconds(self._clock())

        def count(connection: sqlite3.Connection) -> int:
            connection.execute("DELETE FROM used WHERE ends_at <= ?", (now,))
            row = connection.execute(
                "INSERT INTO used (window, total, ends_at) VALUES (?, ?, ?)"
                " ON CONFLICT (window) DO UPDATE SET total = total + excluded.total RETURNING total",
                (window.key, amount, microseconds(window.ends_at)),
            ).fetchone()
            return int(row[0])

        return self._database.write(count)

    def close(self) -> None:
        """Let go of the file; the store must not be used afterwards."""
        self._database.close()


def _read(document: str) -> ApiKey | None:
    try:
        return from_json(ApiKey, json.loads(document))
    except (ValueError, ValidationError):
        _log.exception("an API key cannot be read and opens nothing")
        return None
