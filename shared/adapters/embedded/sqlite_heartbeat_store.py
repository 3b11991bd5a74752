"""Heartbeats as rows of an SQLite file of their own, so that they never keep those waiting who write jobs."""

from pathlib import Path

from shared.adapters.embedded.sqlite_database import SqliteDatabase
from shared.job.heartbeat import Cadence, Heartbeat, decode_heartbeat, encode_heartbeat

_SCHEMA = """
CREATE TABLE IF NOT EXISTS heartbeats (
    job_id TEXT NOT NULL,
    fence INTEGER NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (job_id, fence)
) WITHOUT ROWID
"""
_CADENCE = Cadence(least_s=0.0, progress_s=1.0, look_s=0.5)
"""A write takes milliseconds here and a read less: nobody has to wait to see a phase begin or a cancel work."""


class SqliteHeartbeatStore:
    """The :class:`shared.ports.heartbeat_store.HeartbeatStore` of one machine.

    Args:
        path: The database file; made where it is missing.
    """

    def __init__(self, path: Path) -> None:
        self._database = SqliteDatabase(path, schema=_SCHEMA)

    @property
    def cadence(self) -> Cadence:
        """See the port."""
        return _CADENCE

    def put(self, heartbeat: Heartbeat) -> None:
        """See the port."""
        document = encode_heartbeat(heartbeat)
        with self._database.writing_once() as connection:
            connection.execute(
                "INSERT INTO heartbeats (job_id, fence, document) VALUES (?, ?, ?)"
                " ON CONFLICT (job_id, fence) DO UPDATE SET document = excluded.document",
                (heartbeat.job_id, heartbeat.fence, document),
            )

    def get(self, job_id: str, fence: int) -> Heartbeat | None:
        """See the port."""
        row = self._database.row("SELECT document FROM heartbeats WHERE job_id = ? AND fence = ?", (job_id, fence))
        return None if row is None else decode_heartbeat(row[0])

    def delete(self, job_id: str) -> None:
        """See the port."""
        with self._database.writing_once() as connection:
            connection.execute("DELETE FROM heartbeats WHERE job_id = ?", (job_id,))

    def close(self) -> None:
        """Let go of the file; the store must not be used afterwards."""
        self._database.close()
