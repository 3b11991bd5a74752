"""A write that one thread wants and another may carry out, together with its own and those of others."""

import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from shared.errors import Transient

OWN_MISTAKES = (sqlite3.ProgrammingError, sqlite3.IntegrityError, sqlite3.DataError)
"""Of the faults of SQLite those that no retry mends."""
_MOST_ROWS = 50
"""In one statement: each number of rows is a statement of its own, and a connection keeps 128 prepared."""


def _held_lock() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock


@dataclass(frozen=True, slots=True)
class Row:
    """A row to be inserted: the statement up to its values, and these."""

    head: str
    values: Sequence[Any]

    def insert(self, connection: sqlite3.Connection) -> bool:
        """Insert it, unless there is one of its key; returns whether it was inserted."""
        statement = f"{self.head} VALUES {_marks(self.values)} ON CONFLICT DO NOTHING"
        return _inserted(connection, statement, self.values) == 1


def _inserted(connection: sqlite3.Connection, statement: str, values: Sequence[Any]) -> int:
    """Insert, and return how many rows; ``execute()`` would let go of the interpreter's lock for the last one's id."""
    return connection.executemany(statement, [values]).rowcount


def _marks(values: Sequence[Any]) -> str:
    return f"({', '.join('?' * len(values))})"


@dataclass(slots=True, eq=False)
class Write:
    """What a thread wants to write, and what came of it."""

    work: Callable[[sqlite3.Connection], Any]
    is_one_statement: bool
    row: Row | None = None
    value: Any = None
    fault: Exception | None = None
    is_over: bool = False
    called: threading.Lock = field(default_factory=_held_lock)

    def call(self) -> None:
        """Wake its thread, which waits to hear that the write is over, or that it is next to write for all."""
        with suppress(RuntimeError):  # it was called before, and has not looked since
            self.called.release()

    def carry_out(self, connection: sqlite3.Connection) -> None:
        """Do the work; a fault of its own undoes it, and one of SQLite's is everybody's."""
        try:
            self.value = self.work(connection)
        except sqlite3.Error as error:
            if not isinstance(error, OWN_MISTAKES):
                raise
            self.fault = error
        except Exception as error:  # noqa: BLE001 - whoever wants to write is told, whatever it is
            self.fault = error

    def carry_out_among_others(self, connection: sqlite3.Connection) -> None:
        """Do the work within a transaction that holds other threads' too; a single statement undoes itself."""
        if self.is_one_statement:
            self.carry_out(connection)
            return
        connection.execute("SAVEPOINT own")
        self.carry_out(connection)
        if self.fault is not None:
            connection.execute("ROLLBACK TO own")
        connection.execute("RELEASE own")

    def outcome(self) -> Any:
        """Return what the work returned, or raise what it raised."""
        if isinstance(self.fault, Transient):
            raise type(self.fault)(str(self.fault)) from self.fault  # several threads have the same one
        if self.fault is not None:
            raise self.fault
        return self.value


def carry_out_together(connection: sqlite3.Connection, writes: Sequence[Write]) -> None:
    """Carry writes out in one transaction, and tell each what came of it.

    Raises:
        sqlite3.Error: If none of them was written, for a reason that is everybody's.
    """
    if len(writes) == 1 and writes[0].is_one_statement:
        writes[0].carry_out(connection)  # a transaction by itself
    elif not _inserted_together(connection, writes):
        connection.execute("BEGIN IMMEDIATE")
        for each in writes:
            each.carry_out_among_others(connection)
        connection.execute("COMMIT")


def _inserted_together(connection: sqlite3.Connection, writes: Sequence[Write]) -> bool:
    """Insert rows by one statement, a transaction by itself, if that is all that is to be written.

    Returns:
        Whether all were inserted; else nothing is written, such as where one of them is refused.
    """
    rows = [each.row for each in writes if each.row is not None]
    if not len(rows) == len(writes) <= _MOST_ROWS or len({row.head for row in rows}) > 1:
        return False
    statement = f"{rows[0].head} VALUES {', '.join(_marks(row.values) for row in rows)}"
    try:
        _inserted(connection, statement, [value for row in rows for value in row.values])
    except OWN_MISTAKES:
        return False
    for each in writes:
        each.value = True
    return True
