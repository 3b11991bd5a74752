"""Jobs as JSON rows of one SQLite file, with compare-and-set by revision and the outbox in the same transaction."""

import random
import sqlite3
from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path

from shared.adapters.embedded.sqlite_database import SqliteDatabase, microseconds, moment
from shared.errors import Conflict, NotFound, Unreadable
from shared.job.events import Event, encode
from shared.job.job import Job, JobState
from shared.job.stored import read_events, read_job
from shared.json_codec import to_stored_text
from shared.ports.job_store import JobPage, Position, StoredJob

# Rows lie in the order in which they were made, so that those of one moment are written to one page. Sorted by their
# ids, which are drawn at random, as in the files of older releases, every one has to be put between others.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    job_id TEXT NOT NULL PRIMARY KEY,
    revision INTEGER NOT NULL,
    state TEXT NOT NULL,
    is_open INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    document TEXT NOT NULL
);
DROP INDEX IF EXISTS jobs_by_age;
CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, is_open, updated_at, job_id);
CREATE TABLE IF NOT EXISTS outbox (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL UNIQUE,
    data BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS outbox_unreadable (
    event_id TEXT PRIMARY KEY,
    data BLOB NOT NULL
)
"""

_INSERT = "INSERT INTO jobs (job_id, revision, state, is_open, updated_at, document)"
_KEYS_OF_STATE = (
    "SELECT * FROM (SELECT updated_at, job_id FROM jobs WHERE state = ? AND is_open = ?"
    " AND (updated_at, job_id) > (?, ?) AND updated_at < ? ORDER BY updated_at, job_id LIMIT ?)"
)
"""Read from the index alone, however many jobs there are in other states."""

_OutboxRow = tuple[str, bytes]
"""An event's row in the outbox: its id and the event as JSON."""


class SqliteJobStore:
    """The :class:`shared.ports.job_store.JobStore` of one machine.

    Args:
        path: The database file; made where it is missing.
    """

    def __init__(self, path: Path) -> None:
        self._database = SqliteDatabase(path, schema=_SCHEMA)

    def create(self, job: Job, events: Sequence[Event] = ()) -> StoredJob:
        """See the port."""
        # Counting from 1 would take a revision of a deleted job for one of the next job of its id.
        revision = random.getrandbits(48)
        columns, rows = (job.job_id, revision, *_columns(job)), _outbox_rows(events)

        def insert(connection: sqlite3.Connection) -> bool:
            written = connection.execute(f"{_INSERT} VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", columns)
            if written.rowcount == 1:
                _put_into_outbox(connection, rows)
            return written.rowcount == 1

        is_new = self._database.write(insert) if rows else self._database.insert(_INSERT, columns)
        if not is_new:
            raise Conflict(f"there is a job {job.job_id} already")
        return StoredJob(job=job, revision=str(revision))

    def get(self, job_id: str) -> StoredJob:
        """See the port."""
        row = self._database.row("SELECT document, revision FROM jobs WHERE job_id = ?", (job_id,))
        if row is None:
            raise NotFound(f"there is no job {job_id}")
        return _stored(job_id, *row)

    def replace(self, stored: StoredJob, job: Job, events: Sequence[Event] = ()) -> StoredJob:
        """See the port."""
        if job.job_id != stored.job.job_id:
            raise ValueError(f"received job {job.job_id}, expected {stored.job.job_id}: a job keeps its id")
        revision = int(stored.revision)
        columns, rows = _columns(job), _outbox_rows(events)

        def update(connection: sqlite3.Connection) -> None:
            written = connection.execute(
                "UPDATE jobs SET revision = ?, state = ?, is_open = ?, updated_at = ?, document = ?"
                " WHERE job_id = ? AND revision = ?",
                (revision + 1, *columns, job.job_id, revision),
            )
            if written.rowcount == 0:
                raise _reason_of_refusal(connection, stored)
            _put_into_outbox(connection, rows)

        self._database.write(update, is_one_statement=not rows)
        return StoredJob(job=job, revision=str(revision + 1))

    def delete(self, job_id: str) -> None:
        """See the port."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM jobs WHERE job_id = ?", (job_id,))
            # Recorded events are few at any moment; a column for the id would need a new version of the file.
            rows = connection.execute("SELECT event_id, data FROM outbox").fetchall()
            events, _ = read_events(rows)
            doomed = [(event.event_id,) for event in events if event.job_id == job_id]
            connection.executemany("DELETE FROM outbox WHERE event_id = ?", doomed)

    def find(
        self,
        states: Collection[JobState],
        *,
        updated_before: datetime,
        after: Position | None = None,
        open_only: bool = False,
        limit: int = 100,
    ) -> JobPage:
        """See the port."""
        start = (-1, "") if after is None else (microseconds(after.updated_at), after.job_id)
        kinds = [(state, is_open) for state in states for is_open in ((1,) if open_only else (0, 1))]
        if not kinds:
            return JobPage(jobs=(), end=None)
        keys = " UNION ALL ".join([_KEYS_OF_STATE] * len(kinds))
        values = [each for kind in kinds for each in (*kind, *start, microseconds(updated_before), limit)]
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT updated_at, job_id, document, revision FROM jobs WHERE job_id IN"  # noqa: S608 - constants only
                f" (SELECT job_id FROM ({keys}) ORDER BY updated_at, job_id LIMIT ?) ORDER BY updated_at, job_id",
                (*values, limit),
            ).fetchall()
        jobs, unreadable = [], []
        for _, job_id, document, revision in rows:
            try:
                jobs.append(_stored(job_id, document, revision))
            except Unreadable:
                unreadable.append(job_id)
        end = None if len(rows) < limit else Position(updated_at=moment(rows[-1][0]), job_id=rows[-1][1])
        return JobPage(jobs=tuple(jobs), end=end, unreadable=tuple(unreadable))

    def pending_events(self, limit: int = 100) -> list[Event]:
        """See the port."""
        while True:
            with self._database.reading() as connection:
                rows = connection.execute(
                    "SELECT event_id, data FROM outbox ORDER BY position LIMIT ?", (limit,)
                ).fetchall()
            events, unreadable = read_events(rows)
            if not unreadable:
                return events
            self._set_aside(unreadable)

    def settle_events(self, event_ids: Collection[str]) -> None:
        """See the port."""
        with self._database.writing() as connection:
            connection.executemany("DELETE FROM outbox WHERE event_id = ?", [(each,) for each in event_ids])

    def close(self) -> None:
        """Let go of the file; the store must not be used afterwards."""
        self._database.close()

    def _set_aside(self, event_ids: Collection[str]) -> None:
        ids = [(each,) for each in event_ids]
        with self._database.writing() as connection:
            connection.executemany(
                "INSERT INTO outbox_unreadable SELECT event_id, data FROM outbox WHERE event_id = ?"
                " ON CONFLICT DO NOTHING",
                ids,
            )
            connection.executemany("DELETE FROM outbox WHERE event_id = ?", ids)


def _columns(job: Job) -> tuple[str, bool, int, str]:
    """Return the columns state, is_open, updated_at and document of a job."""
    return job.state, job.is_open, microseconds(job.updated_at), to_stored_text(job)


def _stored(job_id: str, document: str, revision: int) -> StoredJob:
    return StoredJob(job=read_job(document, job_id=job_id), revision=str(revision))


def _outbox_rows(events: Sequence[Event]) -> list[_OutboxRow]:
    """Return the rows of events in the outbox; made before the turn to write, which others wait for."""
    return [(event.event_id, encode(event)) for event in events]


def _put_into_outbox(connection: sqlite3.Connection, rows: Sequence[_OutboxRow]) -> None:
    """Put events into the outbox; one that is there already is the same fact."""
    if rows:
        connection.executemany("INSERT INTO outbox (event_id, data) VALUES (?, ?) ON CONFLICT DO NOTHING", rows)


def _reason_of_refusal(connection: sqlite3.Connection, stored: StoredJob) -> Conflict | NotFound:
    job_id = stored.job.job_id
    row = connection.execute("SELECT revision FROM jobs WHERE job_id = ?", (job_id,)).fetchone()
    if row is None:
        return NotFound(f"there is no job {job_id}")
    return Conflict(f"job {job_id} has revision {row[0]}, expected {stored.revision}: it was written since")
