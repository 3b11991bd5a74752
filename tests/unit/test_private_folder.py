"""Nobody else on a machine reads the photographs, addresses and logs of a service."""

import os
import stat
from pathlib import Path

import pytest

from shared.adapters.embedded.private_folder import is_ours, make_private
from shared.backends import open_backends
from shared.settings import Settings
from tests.open_files import open_to_others


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A data folder as versions before left it."""
    folder = tmp_path / "data"
    for name in ("objects/uploads+/1+", "logs", "outbox", "incoming", "scratch/1", "sessions"):
        (folder / name).mkdir(parents=True)
    for name in (
        "jobs.sqlite3",
        "jobs.sqlite3-wal",
        "access.sqlite3",
        "url.secret",
        "link.secret",
        "calibration.json",
        "sessions/1.part",
        "logs/intake.log",
        "objects/uploads+/1+/archive.zip",
    ):
        (folder / name).write_text("ada@example.org")
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder


def test_a_new_folder_is_closed(tmp_path):
    make_private(tmp_path / "a" / "data")
    assert open_to_others(tmp_path / "a" / "data") == set()


def test_what_an_older_version_left_open_is_closed(old):
    assert len(open_to_others(old)) > 10
    make_private(old)
    assert open_to_others(old) == set()
    assert (old / "objects/uploads+/1+/archive.zip").read_text() == "ada@example.org"


def test_a_folder_in_which_others_keep_things_stays_open_and_ours_is_closed(old):
    (old / "slides.pdf").write_text("for all")
    (old / "slides.pdf").chmod(0o644)
    make_private(old)
    assert open_to_others(old) == {".", "slides.pdf"}


def test_a_link_out_of_the_folder_changes_nothing_there(old, tmp_path):
    theirs = tmp_path / "theirs"
    theirs.write_text("x")
    theirs.chmod(0o644)
    (old / "logs" / "more.log").symlink_to(theirs)
    make_private(old)
    assert stat.S_IMODE(theirs.stat().st_mode) == 0o644


def test_what_an_operators_command_makes_is_closed_as_what_a_service_makes_is(tmp_path):
    """A login shell lets new files be read by all, and in a folder with other things nothing else keeps them."""
    (tmp_path / "slides.pdf").write_text("for all")
    before = os.umask(0o022)
    try:
        tmp_path.chmod(0o755)
        (tmp_path / "slides.pdf").chmod(0o644)
        open_backends(Settings(data_dir=tmp_path))
        (tmp_path / "theirs").touch()
    finally:
        os.umask(before)
    assert open_to_others(tmp_path) == {".", "slides.pdf", "theirs"}
    assert {path.name for path in tmp_path.iterdir() if not is_ours(path.name)} == {"slides.pdf", "theirs"}
