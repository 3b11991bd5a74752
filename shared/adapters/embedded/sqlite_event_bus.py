"""Events as rows of one SQLite file: leases, delivery counts, back-off and dead letters.

A message is one row from publishing to acknowledging, so a process that is killed can lose none: its lease ends and
the row is due again.
"""

import sqlite3
import uuid
from datetime import timedelta
from pathlib import Path

from shared.adapters.embedded.sqlite_database import SqliteDatabase, microseconds
from shared.clock import Clock, utc_now
from shared.job.events import Event, Topic, encode
from shared.ports.event_bus import OUT_OF_ATTEMPTS, DeadLetter, Delivery, DeliveryRules

_SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    topic TEXT NOT NULL,
    data BLOB NOT NULL,
    due_at INTEGER NOT NULL,
    attempt INTEGER NOT NULL DEFAULT 0,
    receipt TEXT,
    dead_because TEXT
);
CREATE INDEX IF NOT EXISTS messages_due ON messages (topic, due_at) WHERE dead_because IS NULL;
CREATE INDEX IF NOT EXISTS messages_by_receipt ON messages (receipt)
"""
_DUE = "topic = ? AND dead_because IS NULL AND due_at <= ?"
_HELD = "receipt = ? AND dead_because IS NULL AND due_at > ?"


class SqliteEventBus:
    """The :class:`shared.ports.event_bus.EventBus` of one machine.

    Args:
        path: The database file; made where it is missing.
        rules: How often and how soon a message comes again.
        clock: The present moment.
    """

    def __init__(self, path: Path, *, rules: DeliveryRules | None = None, clock: Clock = utc_now) -> None:
        self._database = SqliteDatabase(path, schema=_SCHEMA)
        self._rules = rules or DeliveryRules()
        self._clock = clock

    def publish(self, *events: Event) -> None:
        """See the port."""
        now = self._now()
        rows = [(event.topic, encode(event), now) for event in events]
        with self._database.writing() as connection:
            connection.executemany("INSERT INTO messages (topic, data, due_at) VALUES (?, ?, ?)", rows)

    def pull(self, topic: Topic, *, lease: timedelta, max_messages: int = 1) -> list[Delivery]:
        """See the port."""
        now = self._now()
        # An idle subscriber polls several times a second; reading first spares the others the write lock.
        with self._database.reading() as connection:
            if connection.execute(f"SELECT 1 FROM messages WHERE {_DUE} LIMIT 1", (topic, now)).fetchone() is None:  # noqa: S608
                return []
        with self._database.writing() as connection:
            self._dead_letter_exhausted(connection, topic, now)
            rows = connection.execute(
                f"SELECT position, data, attempt FROM messages WHERE {_DUE} ORDER BY due_at, position LIMIT ?",  # noqa: S608
                (topic, now, max_messages),
            ).fetchall()
            taken = [
                (position, Delivery(topic=topic, data=data, receipt=uuid.uuid4().hex, attempt=attempt + 1))
                for position, data, attempt in rows
            ]
            connection.executemany(
                "UPDATE messages SET receipt = ?, attempt = ?, due_at = ? WHERE position = ?",
                [(each.receipt, each.attempt, now + _length(lease), position) for position, each in taken],
            )
        return [delivery for _, delivery in taken]

    def extend(self, delivery: Delivery, *, lease: timedelta) -> None:
        """See the port."""
        now = self._now()
        self._change("SET due_at = ?", (now + _length(lease),), delivery, now)

    def ack(self, delivery: Delivery) -> None:
        """See the port."""
        with self._database.writing() as connection:
            connection.execute(f"DELETE FROM messages WHERE {_HELD}", (delivery.receipt, self._now()))  # noqa: S608

    def nack(self, delivery: Delivery) -> None:
        """See the port."""
        if delivery.attempt >= self._rules.max_attempts:
            self.dead_letter(delivery, OUT_OF_ATTEMPTS)
            return
        now = self._now()
        due_at = now + _length(self._rules.backoff(delivery.attempt))
        self._change("SET receipt = NULL, due_at = ?", (due_at,), delivery, now)

    def dead_letter(self, delivery: Delivery, reason: str) -> None:
        """See the port."""
        self._change("SET receipt = NULL, dead_because = ?", (reason,), delivery, self._now())

    def dead_letters(self, topic: Topic) -> list[DeadLetter]:
        """See the port."""
        with self._database.writing() as connection:
            self._dead_letter_exhausted(connection, topic, self._now())
            rows = connection.execute(
                "SELECT data, dead_because FROM messages WHERE topic = ? AND dead_because IS NOT NULL"
                " ORDER BY position",
                (topic,),
            ).fetchall()
        return [DeadLetter(data=data, reason=reason) for data, reason in rows]

    def close(self) -> None:
        """Let go of the file; the bus must not be used afterwards."""
        self._database.close()

    def _change(self, assignment: str, values: tuple[int | str, ...], delivery: Delivery, now: int) -> None:
        """Change the message of a delivery, if its lease still holds."""
        with self._database.writing() as connection:
            connection.execute(
                f"UPDATE messages {assignment} WHERE {_HELD}",
                (*values, delivery.receipt, now),
            )

    def _dead_letter_exhausted(self, connection: sqlite3.Connection, topic: Topic, now: int) -> None:
        """Make dead letters of messages whose last lease ended without a word: their subscriber died every time."""
        connection.execute(
            f"UPDATE messages SET receipt = NULL, dead_because = ? WHERE {_DUE} AND attempt >= ?",  # noqa: S608
            (OUT_OF_ATTEMPTS, topic, now, self._rules.max_attempts),
        )

    def _now(self) -> int:
        return microseconds(self._clock())


def _length(duration: timedelta) -> int:
    """Return a duration in whole microseconds."""
    return duration // timedelta(microseconds=1)
