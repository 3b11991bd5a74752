"""Logs of a server that runs for years: what they take of the disk is bounded, and the latest lines are there."""

import stat
from pathlib import Path

from services.onebox.log_file import bound_log, open_log


def test_a_log_takes_no_more_than_twice_its_bound_however_long_services_write(tmp_path: Path) -> None:
    log = tmp_path / "intake.log"
    with open_log(log) as service:
        for number in range(5_000):
            service.write(f"line {number}\n".encode())
            service.flush()
            bound_log(log, 1_000)
            assert sum(each.stat().st_size for each in tmp_path.iterdir()) <= 2_100
    older = tmp_path / "intake.log.1"
    lines = (older.read_bytes() + log.read_bytes()).splitlines()
    assert lines[1:] == [f"line {number}".encode() for number in range(5_001 - len(lines), 5_000)]
    assert stat.S_IMODE(older.stat().st_mode) == 0o600, "it names people's files"


def test_of_a_log_that_grew_under_an_older_release_the_latest_is_kept(tmp_path: Path) -> None:
    log = tmp_path / "trainer.log"
    log.write_bytes(bytes(50_000) + b"the latest\n")
    bound_log(log, 1_000)
    assert log.read_bytes() == b""
    assert (tmp_path / "trainer.log.1").read_bytes() == bytes(989) + b"the latest\n"


def test_a_log_is_kept_small_even_where_its_past_cannot_be_written(tmp_path: Path) -> None:
    log = tmp_path / "intake.log"
    log.write_bytes(bytes(50_000))
    tmp_path.joinpath("intake.log.1").symlink_to(tmp_path / "nowhere" / "else")
    bound_log(log, 1_000)
    assert log.stat().st_size == 0


def test_a_short_log_and_one_that_is_yet_to_be_are_left_alone(tmp_path: Path) -> None:
    log = tmp_path / "intake.log"
    bound_log(log, 1_000)
    log.write_bytes(b"started\n")
    bound_log(log, 1_000)
    assert [each.name for each in tmp_path.iterdir()] == ["intake.log"]
