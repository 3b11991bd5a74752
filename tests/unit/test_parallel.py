"""Tests that run beside one another: a file's stay together, and the long files come first."""

import shutil
import subprocess
import sys
from pathlib import Path

CONFTEST = Path(__file__).parents[1] / "conftest.py"
TEST = """
import os, pathlib, pytest

@pytest.mark.slow
@pytest.mark.parametrize("number", range(4))
def test_it(number):
    with pathlib.Path("ran").open("a") as file:
        print("{name}", os.environ["PYTEST_XDIST_WORKER"], file=file)
    assert number >= 0
"""
FOLDERS = {"unit/test_a": False, "unit/test_z": True, "keras/test_b": False, "keras/test_c": True}
"""By file: whether it is marked as slow."""


def test_a_file_stays_in_one_process_and_slow_files_come_first(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = slow\naddopts = --import-mode=importlib\n")
    for name, is_slow in FOLDERS.items():
        path = tmp_path / "tests" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(TEST.format(name=name) if is_slow else TEST.format(name=name).replace("@pytest.mark.slow", ""))
    shutil.copy(CONFTEST, tmp_path / "tests")
    for begun_with in ("cloud/emulator.py", "cloud/shared_emulators.py", "preloaded/python.py", "waiting.py"):
        (tmp_path / "tests" / begun_with).parent.mkdir(exist_ok=True)
        shutil.copy(CONFTEST.parent / begun_with, tmp_path / "tests" / begun_with)
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", "--no-preloading", "tests"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    ran = [line.split() for line in (tmp_path / "ran").read_text().splitlines()]
    assert len(ran) == 4 * len(FOLDERS)
    processes = {name: {process for each, process in ran if each == name} for name in FOLDERS}
    assert all(len(each) == 1 for each in processes.values()), processes
    first = {process: name for name, process in reversed(ran)}  # by process, of which none waits for another
    assert set(first.values()) == {"unit/test_z", "keras/test_c"}
