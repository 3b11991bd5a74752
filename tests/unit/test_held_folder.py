"""Folders of processes that were killed: found by whoever comes next, and told from those of the living."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from shared.process.held_folder import hold, make_held, remove_unheld

KEEPER = (
    "import sys, time; from pathlib import Path; from shared.process.held_folder import make_held;"
    "folder, _ = make_held(Path(sys.argv[1]), '.kept-'); (folder / 'photograph.jpg').touch();"
    "print(folder, flush=True); time.sleep(600)"
)


def test_what_a_killed_process_left_goes_with_the_next_of_its_kind_and_nothing_else(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", KEEPER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as keeper:
        left = Path(keeper.stdout.readline().strip())
        mine = tmp_path / "photographs"
        mine.mkdir()
        own, descriptor = make_held(tmp_path, ".kept-")
        assert (left / "photograph.jpg").exists(), "its process lives"
        keeper.send_signal(signal.SIGKILL)
    os.close(descriptor)
    make_held(tmp_path, ".kept-")
    assert not left.exists()
    assert not own.exists(), "the descriptor was closed, so nobody holds it either"
    assert mine.exists()
    assert len(list(tmp_path.iterdir())) == 2


def test_a_folder_that_several_hold_stays_until_the_last_lets_go(tmp_path: Path) -> None:
    first, second = hold(tmp_path / "job"), hold(tmp_path / "job")
    os.close(first)
    assert not remove_unheld(tmp_path / "job")
    os.close(second)
    assert remove_unheld(tmp_path / "job")
    assert remove_unheld(tmp_path / "job"), "there is nothing left of it"
