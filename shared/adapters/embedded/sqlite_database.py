"""One SQLite file, opened for many threads and processes; every fault of SQLite leaves here as a convtailor error."""

import os
import sqlite3
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_random

from shared.adapters.embedded.transaction.write import OWN_MISTAKES, Row, Write, carry_out_together
from shared.errors import ConvtailorError, StoreFull, Transient

T = TypeVar("T")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(when: datetime) -> int:
    """Return a moment as whole microseconds since 1970; integers compare exactly, ISO strings and floats do not."""
    return (when - _EPOCH) // _MICROSECOND


def moment(count: int) -> datetime:
    """Return the moment so many microseconds after the beginning of 1970; undoes :func:`microseconds`."""
    return _EPOCH + count * _MICROSECOND


class SqliteDatabase:
    """A database in WAL mode: readers never wait, writers queue up.

    Args:
        path: The file; its folder must exist.
        schema: Statements that create what is missing and drop indexes that nothing asks for any more; data they leave
            as it is. A newer release may add some.
        version: Of what the statements make; a file of another version is refused.
        busy_timeout_s: Seconds to wait for another writer.

    Raises:
        Transient: If the file cannot be opened now.
        ConvtailorError: If the file belongs to another version of convtailor.
    """

    def __init__(self, path: Path, *, schema: str, version: int = 1, busy_timeout_s: float = 10.0) -> None:
        self._path = path
        self._busy_timeout_s = busy_timeout_s
        self._start_pool()
        with self.writing() as connection:
            found = int(connection.execute("PRAGMA user_version").fetchone()[0])
            if found not in (0, version):
                raise ConvtailorError(
                    f"{path} has schema version {found}, expected {version}; use the convtailor that wrote it"
                )
            # executescript() would commit the transaction that is open.
            for statement in schema.split(";"):
                connection.execute(statement)
            if found == 0:
                connection.execute(f"PRAGMA user_version = {version}")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Hold the write lock for the block: all of it is durable on leaving, or nothing after an exception.

        Raises:
            Transient: If SQLite is locked for too long, out of disk or cannot read its file.
        """
        with self._turn(), self._connection(self._writer) as connection:
            # A deferred transaction that turns writer half-way fails at once instead of waiting for the lock.
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")

    @contextmanager
    def writing_once(self) -> Iterator[sqlite3.Connection]:
        """Hold the turn for one statement that writes, a transaction by itself: durable once it is executed.

        Each statement lets go of the interpreter's lock several times and waits to have it again, while all who want to
        write wait for the turn: where one statement is enough, two more around it cost a loaded service dearly.

        Raises:
            Transient: As :meth:`writing`.
        """
        with self._turn(), self._connection(self._writer) as connection:
            yield connection

    def write(self, work: Callable[[sqlite3.Connection], T], *, is_one_statement: bool = False) -> T:
        """Do work in a transaction that it shares with what other threads want to write meanwhile; durable then.

        A disk takes as long for the commit of many writes as for that of one. While a commit is under way the others
        queue up; the first of them then writes for all, and the rest sleep until theirs is over: were each to wait for
        the turn only to find that it has nothing left to do, who comes next would wait for all of them.

        Args:
            work: Called once, in whichever thread; what it raises undoes what it wrote and nothing else.
            is_one_statement: Whether only one statement of it writes, after which it raises nothing but where that
                statement wrote nothing.

        Returns:
            What the work returned.

        Raises:
            Transient: As :meth:`writing`; the work was then not done.
        """
        result: T = self._written(Write(work, is_one_statement))
        return result

    def insert(self, head: str, values: Sequence[Any]) -> bool:
        """Insert a row as :meth:`write` writes, in one statement with the rows that other threads insert meanwhile.

        Between two statements others have the interpreter, and who writes for all waits to have it again.

        Args:
            head: The statement up to its values.
            values: Of the row.

        Returns:
            Whether the row was inserted; else there is one of its key.

        Raises:
            Transient: As :meth:`writing`.
        """
        row = Row(head, values)
        is_inserted: bool = self._written(Write(row.insert, is_one_statement=True, row=row))
        return is_inserted

    def _written(self, write: Write) -> Any:
        """Have a write carried out, by whichever thread, and return or raise what came of it."""
        self._mind_fork()
        self._wanted.append(write)
        try:
            if self._writers_turn.acquire(blocking=False) or self._has_turn_after_all(write):
                try:
                    if not write.is_over:
                        self._write_for_all(self._take_wanted())
                finally:
                    self._end_turn()
        except Transient:
            if self._took_back(write):
                raise
        return write.outcome()

    def _has_turn_after_all(self, write: Write) -> bool:
        """Wait behind whoever writes; returns whether the turn is ours now, or else the write is over.

        Raises:
            Transient: If neither came in time.
        """
        if not write.called.acquire(timeout=self._busy_timeout_s):
            raise self._too_long()
        if write.is_over:
            return False
        if not self._writers_turn.acquire(timeout=self._busy_timeout_s):
            raise self._too_long()
        return True

    def _took_back(self, write: Write) -> bool:
        """Take a write back, after which it never comes to pass; wait for one that another thread has taken on."""
        try:
            self._wanted.remove(write)
        except ValueError:
            while not write.is_over:
                write.called.acquire()
            return False
        self._call_next()  # it may be us who was to write for all
        return True

    def _take_wanted(self) -> list[Write]:
        taken = []
        while self._wanted:
            taken.append(self._wanted.popleft())
        return taken

    def _write_for_all(self, writes: Sequence[Write]) -> None:
        """Carry writes out in one transaction and tell each what came of it, once that is durable."""
        try:
            with self._connection(self._writer) as connection:
                carry_out_together(connection, writes)
        except BaseException as error:  # none of them was written, and all are told
            fault = error if isinstance(error, Exception) else Transient(f"{self._path} was left by its writer")
            for each in writes:
                each.fault = fault
            if fault is not error:
                raise
        finally:
            for each in writes:
                each.is_over = True
                each.call()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection for single SELECT statements.

        Raises:
            Transient: If SQLite cannot read its file.
        """
        self._mind_fork()
        with self._connection(self._readers) as connection:
            yield connection

    def row(self, statement: str, values: Sequence[Any] = ()) -> Any:
        """Return the first row of a SELECT that is asked for often; ``None`` where there is none.

        Raises:
            Transient: If SQLite cannot read its file.
        """
        self._mind_fork()
        readers = self._readers
        try:
            connection = self._borrowed(readers)
            try:
                found = connection.execute(statement, values).fetchone()
            except BaseException:
                connection.close()
                raise
        except OWN_MISTAKES:
            raise
        except sqlite3.Error as error:
            raise self._fault_of(error) from error
        readers.append(connection)
        return found

    def close(self) -> None:
        """Close the connections that nobody is using."""
        for idle in (self._readers, self._writer):
            _close_all(idle, self._owner_pid)

    @contextmanager
    def _connection(self, idle: list[sqlite3.Connection]) -> Iterator[sqlite3.Connection]:
        """Lend a connection to one thread; a connection that has seen a fault of SQLite is not used again."""
        try:
            connection = self._borrowed(idle)
            try:
                yield connection
            except sqlite3.Error:
                connection.close()
                raise
            except BaseException:
                connection.rollback()
                idle.append(connection)
                raise
            idle.append(connection)
        except OWN_MISTAKES:
            raise
        except sqlite3.Error as error:
            raise self._fault_of(error) from error

    def _fault_of(self, error: sqlite3.Error) -> Transient:
        kind = StoreFull if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL else Transient
        return kind(f"SQLite could not use {self._path}: {error}")

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Let the threads of this process write one after the other.

        SQLite's own waiting is sleep of growing length, after which whoever asks first goes next, so that some wait for
        very long (the p99 of `benchmarks intake`).
        """
        self._mind_fork()
        if not self._writers_turn.acquire(timeout=self._busy_timeout_s):
            raise self._too_long()
        try:
            yield
        finally:
            self._end_turn()

    def _end_turn(self) -> None:
        self._writers_turn.release()
        self._call_next()

    def _call_next(self) -> None:
        """Have the first who wants to write do so for all; nobody is called who came since, and has the turn."""
        with suppress(IndexError):
            self._wanted[0].call()

    def _too_long(self) -> Transient:
        return Transient(f"{self._path} was being written for more than {self._busy_timeout_s} s")

    def _mind_fork(self) -> None:
        if self._owner_pid != os.getpid():
            self._start_pool()  # SQLite forbids carrying a connection over a fork, and a lock may be held forever

    def _start_pool(self) -> None:
        """Begin with no connection; what is idle when the database is forgotten gets closed.

        What is written goes through one connection: it keeps the pages that it wrote, where another would read them
        anew after every commit.
        """
        self._writers_turn = threading.Lock()
        self._wanted: deque[Write] = deque()
        self._readers: list[sqlite3.Connection] = []
        self._writer: list[sqlite3.Connection] = []
        self._owner_pid = os.getpid()
        for idle in (self._readers, self._writer):
            weakref.finalize(self, _close_all, idle, self._owner_pid)

    def _borrowed(self, idle: list[sqlite3.Connection]) -> sqlite3.Connection:
        try:
            return idle.pop()
        except IndexError:
            return self._opened()

    # Switching to WAL needs the file alone for a moment, and SQLite does not wait for that by itself.
    @retry(
        retry=retry_if_exception_type(sqlite3.OperationalError),
        stop=stop_after_attempt(20),
        wait=wait_random(0.01, 0.1),
        reraise=True,
    )
    def _opened(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=self._busy_timeout_s, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            # NORMAL may lose the last commits when the power fails; the ports promise that a write is durable.
            connection.execute("PRAGMA synchronous = FULL")
            # Otherwise an address that was deleted could be read in the file until its place is needed.
            connection.execute("PRAGMA secure_delete = ON")
        except BaseException:
            connection.close()
            raise
        return connection


_LEFT_TO_PARENT: list[list[sqlite3.Connection]] = []
"""Connections that a forked child found; kept, because SQLite forbids the child even to close them."""


def _close_all(connections: list[sqlite3.Connection], owner_pid: int) -> None:
    if os.getpid() != owner_pid:
        _LEFT_TO_PARENT.append(connections)
        return
    while connections:
        connections.pop().close()
