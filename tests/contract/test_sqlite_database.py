import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.adapters.embedded.sqlite_database import SqliteDatabase, microseconds
from shared.adapters.embedded.transaction.write import Write
from shared.errors import Conflict, ConvtailorError, StoreFull, Transient
from tests.waiting import PATIENCE_S, until

KEYED = "CREATE TABLE IF NOT EXISTS things (name TEXT NOT NULL PRIMARY KEY)"
INTO_THINGS = "INSERT INTO things (name)"
SCHEMA = "CREATE TABLE IF NOT EXISTS things (name TEXT)"


def write(database: SqliteDatabase, statements: Iterable[str]) -> None:
    """Execute statements in one step."""
    with database.writing() as connection:
        for statement in statements:
            connection.execute(statement)


def count(database: SqliteDatabase) -> int:
    with database.reading() as connection:
        return int(connection.execute("SELECT COUNT(*) FROM things").fetchone()[0])


def test_a_lock_that_lasts_is_transient_and_the_database_serves_again_afterwards(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "x.sqlite3", schema=SCHEMA, busy_timeout_s=0.01)
    other = SqliteDatabase(tmp_path / "x.sqlite3", schema=SCHEMA)
    with other.writing(), pytest.raises(Transient, match="locked"), database.writing():
        pytest.fail("two writers at once")
    with database.writing() as connection:
        connection.execute("INSERT INTO things VALUES ('a')")
    assert count(database) == 1
    database.close()
    other.close()


def test_threads_write_in_turn_and_a_turn_that_lasts_is_transient(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "x.sqlite3", schema=SCHEMA, busy_timeout_s=0.01)
    entered, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with database.writing() as connection:
            connection.execute("INSERT INTO things VALUES ('held')")
            entered.set()
            leave.wait(PATIENCE_S)

    holder = threading.Thread(target=hold)
    holder.start()
    assert entered.wait(PATIENCE_S)
    with pytest.raises(Transient, match="being written"):
        write(database, ["INSERT INTO things VALUES ('too soon')"])
    leave.set()
    holder.join()
    write(database, ["INSERT INTO things VALUES ('next')"])
    assert count(database) == 2
    database.close()


def test_a_single_statement_is_durable_at_once_and_waits_for_its_turn(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "x.sqlite3", schema=SCHEMA, busy_timeout_s=0.01)
    other = SqliteDatabase(tmp_path / "x.sqlite3", schema=SCHEMA)
    with database.writing_once() as connection:
        connection.execute("INSERT INTO things VALUES ('alone')")
        assert count(other) == 1, "nothing is left to commit"
    with (
        other.writing(),
        pytest.raises(Transient, match="locked"),
        database.writing_once() as connection,
    ):
        connection.execute("INSERT INTO things VALUES ('while another process writes')")
    with database.writing(), pytest.raises(Transient, match="being written"), database.writing_once():
        pytest.fail("two writers at once")
    assert count(other) == 1
    database.close()
    other.close()


def insert(name: str) -> Callable[[sqlite3.Connection], sqlite3.Connection]:
    """Return work that inserts a thing and tells through which connection."""

    def work(connection: sqlite3.Connection) -> sqlite3.Connection:
        connection.execute("INSERT INTO things VALUES (?)", (name,))
        return connection

    return work


def refuse(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO things VALUES ('refused')")
    raise Conflict("not wanted after all")


def wait_behind(database: SqliteDatabase, *works: Callable[[sqlite3.Connection], object]) -> list[Future[object]]:
    """Have threads want to write while the turn is another's, and return what came of each."""
    with ThreadPoolExecutor(len(works)) as pool:
        with database.writing():
            futures = [pool.submit(database.write, work) for work in works]
            until(lambda: len(database._wanted) == len(works))
        return futures


def test_who_waits_for_a_turn_is_written_with_all_who_wait_and_a_refusal_is_its_own(tmp_path: Path) -> None:
    """However many want to write at once, the disk is waited for once."""
    database = SqliteDatabase(tmp_path / "x.sqlite3", schema=SCHEMA, busy_timeout_s=PATIENCE_S)
    statements: list[str] = []
    with database.writing() as connection:
        pass
    connection.set_trace_callback(statements.append)
    *kept, refused = wait_behind(database, *(insert(str(number)) for number in range(5)), refuse)
    with pytest.raises(Conflict, match="not wanted"):
        refused.result()
    assert len({each.result() for each in kept}) == 1
    assert [each for each in statements if each in ("BEGIN IMMEDIATE", "COMMIT")] == ["BEGIN IMMEDIATE", "COMMIT"] * 2
    other = SqliteDatabase(tmp_path / "x.sqlite3", schema=SCHEMA)
    with other.reading() as connection:
        assert sorted(connection.execute("SELECT name FROM things")) == [(str(number),) for number in range(5)]
    other.close()
    database.close()


def test_rows_that_wait_together_are_inserted_by_one_statement(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "x.sqlite3", schema=KEYED, busy_timeout_s=PATIENCE_S)
    with database.writing() as connection:
        pass
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    outcomes = insert_together(database, ["a", "b", "c"])
    assert [each.result() for each in outcomes] == [True] * 3
    assert [each for each in statements if each.startswith("INSERT")] == statements[2:]
    assert len(statements) == 3, "that of who had the turn before, and one"
    assert count(database) == 3
    database.close()


def test_of_rows_that_wait_together_the_bad_ones_alone_are_refused(tmp_path: Path) -> None:
    """One job that cannot be made must not cost another person theirs."""
    database = SqliteDatabase(tmp_path / "x.sqlite3", schema=KEYED, busy_timeout_s=PATIENCE_S)
    assert database.insert(INTO_THINGS, ("taken",))
    first, taken, wrong, last = insert_together(database, ["first", "taken", None, "last"])
    assert (first.result(), taken.result(), last.result()) == (True, False, True)
    with pytest.raises(sqlite3.IntegrityError, match="NOT NULL"):
        wrong.result()
    assert count(database) == 3
    database.close()


def insert_together(database: SqliteDatabase, names: Sequence[str | None]) -> list[Future[bool]]:
    """Have threads want to insert a row each while the turn is another's, and return what came of each."""
    with ThreadPoolExecutor(len(names)) as pool:
        with database.writing():
            outcomes = [pool.submit(database.insert, INTO_THINGS, (name,)) for name in names]
            until(lambda: len(database._wanted) == len(names))
        return outcomes


def test_where_the_disk_is_full_nobody_is_told_that_anything_was_written(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "x.sqlite3", schema=SCHEMA, busy_timeout_s=PATIENCE_S)

    def fill(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA max_page_count = 3")
        connection.execute("INSERT INTO things VALUES (hex(zeroblob(100000)))")

    for each in wait_behind(database, insert("small"), fill, insert("another")):
        with pytest.raises(StoreFull, match="full"):
            each.result()
    assert count(database) == 0
    database.write(insert("afterwards"), is_one_statement=True)
    assert count(database) == 1
    database.close()


def test_what_waited_for_too_long_is_not_written_later(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "x.sqlite3", schema=SCHEMA, busy_timeout_s=0.01)
    with database.writing(), pytest.raises(Transient, match="being written"):
        database.write(insert("too soon"))
    database.write(insert("in time"))
    with database.reading() as connection:
        assert connection.execute("SELECT name FROM things").fetchall() == [("in time",)]
    database.close()


def test_who_gives_up_after_having_been_called_calls_those_behind(tmp_path: Path) -> None:
    """The one that is to write for all may be kept from it; the others must not wait for it in vain."""
    database = SqliteDatabase(tmp_path / "x.sqlite3", schema=SCHEMA, busy_timeout_s=PATIENCE_S)
    database._writers_turn.acquire()
    first = Write(insert("nobody's"), is_one_statement=True)
    database._wanted.append(first)  # as of a thread that waits
    with ThreadPoolExecutor(1) as pool:
        behind = pool.submit(database.write, insert("behind"))
        until(lambda: len(database._wanted) == 2)
        database._end_turn()
        assert first.called.acquire(timeout=PATIENCE_S), "it is to write for all"
        assert database._took_back(first)
        behind.result(PATIENCE_S)
    assert count(database) == 1
    database.close()


def test_threads_without_number_are_each_told_of_their_own_write(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "x.sqlite3", schema=SCHEMA, busy_timeout_s=PATIENCE_S)
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda number: database.write(insert(str(number)), is_one_statement=number % 2 == 0), range(600)))
    with database.reading() as connection:
        assert {name for (name,) in connection.execute("SELECT name FROM things")} == {str(each) for each in range(600)}
    assert not database._wanted
    database.close()


def test_a_full_disk_is_transient_and_undoes_the_whole_step(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "x.sqlite3", schema=SCHEMA)
    with pytest.raises(Transient, match="full"):
        write(
            database,
            [
                "PRAGMA max_page_count = 3",
                "INSERT INTO things VALUES ('small')",
                "INSERT INTO things VALUES (hex(zeroblob(100000)))",
            ],
        )
    assert count(database) == 0
    database.close()


def test_an_exception_undoes_the_whole_step(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "x.sqlite3", schema=SCHEMA)

    def statements() -> Iterator[str]:
        yield "INSERT INTO things VALUES ('a')"
        raise KeyError

    with pytest.raises(KeyError):
        write(database, statements())
    assert count(database) == 0
    write(database, ["INSERT INTO things VALUES ('b')"])
    assert count(database) == 1
    database.close()


def test_our_own_mistakes_are_not_called_transient(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "x.sqlite3", schema="CREATE TABLE things (name TEXT NOT NULL)")
    with pytest.raises(sqlite3.IntegrityError), database.writing() as connection:
        connection.execute("INSERT INTO things VALUES (NULL)")
    database.close()


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.sqlite3").write_bytes(b"photographs" * 1000)
    with pytest.raises(Transient, match=r"x\.sqlite3.*not a database"):
        SqliteDatabase(tmp_path / "x.sqlite3", schema=SCHEMA)


def test_a_file_of_another_version_is_refused(tmp_path: Path) -> None:
    SqliteDatabase(tmp_path / "x.sqlite3", schema=SCHEMA, version=2).close()
    with pytest.raises(ConvtailorError, match="version 2, expected 1"):
        SqliteDatabase(tmp_path / "x.sqlite3", schema=SCHEMA, version=1)


def test_a_commit_survives_a_power_cut(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "x.sqlite3", schema=SCHEMA)
    with database.reading() as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,), "FULL"
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    database.close()


def test_microseconds_are_exact() -> None:
    moment = datetime(2026, 3, 1, 12, 0, 0, 123_457, tzinfo=UTC)
    assert microseconds(moment + timedelta(microseconds=1)) - microseconds(moment) == 1
    assert microseconds(datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=UTC)) == 1_000_005
