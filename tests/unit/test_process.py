"""Children of ours: what they hear and say, and that none of them outlives its starter, however that ends."""

import ast
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from shared.process.child_process import ChildProcess, python_module
from shared.process.line_process import LineProcess, ProcessDied
from tests.waiting import PATIENCE_S

ROOT = Path(__file__).resolve().parents[2]
ECHO = """
import sys, time
from shared.process.starter import Starter
starter = Starter()
print("what else is printed is no line")
while (line := starter.hear()) != b"leave\\n":
    starter.say(line.upper())
sys.exit(7)
"""
BUSY = """
import time
from shared.process.starter import Starter
Starter().say(b"busy\\n")
time.sleep(600)
"""
STUBBORN = """
import signal, subprocess, sys, time
from shared.process.parent_death import stop_with_starter
signal.signal(signal.SIGTERM, signal.SIG_IGN)
stop_with_starter(grace_s=0.1)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
time.sleep(600)
"""
STARTER = """
import os, sys, time
from shared.process.child_process import ChildProcess, python_module
from shared.process.line_process import LineProcess
busy, stubborn = sys.argv[1:]
busy = LineProcess([sys.executable, "-c", busy], os.environ)
busy.await_line()
stubborn = ChildProcess([sys.executable, "-c", stubborn], os.environ, leads_group=True)
print(busy.pid, stubborn.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def echo() -> Iterator[LineProcess]:
    process = LineProcess([sys.executable, "-c", ECHO], os.environ)
    yield process
    process.end()


def test_a_child_answers_line_by_line_and_nothing_else_gets_in_between(echo: LineProcess) -> None:
    long = b"x" * 200_000 + b"\n"
    for line in (b"one\n", long, b"two\n"):
        echo.send(line)
    assert [echo.await_line() for _ in range(3)] == [b"ONE\n", long.upper(), b"TWO\n"]
    assert echo.receive(0.01) is None


def test_the_end_of_a_child_is_told_with_its_exit_status_after_all_that_it_said(echo: LineProcess) -> None:
    echo.send(b"last\n")
    echo.send(b"leave\n")
    assert echo.await_line() == b"LAST\n"
    with pytest.raises(ProcessDied) as caught:
        echo.await_line()
    assert caught.value.return_code == 7
    echo.send(b"nobody hears\n")


def test_a_child_that_is_not_needed_any_more_leaves_by_itself() -> None:
    process = LineProcess([sys.executable, "-c", BUSY], os.environ)
    process.await_line()
    process.end(patience_s=PATIENCE_S)
    assert process.wait() == 0


def test_a_child_that_does_not_leave_is_killed_with_its_whole_group() -> None:
    process = ChildProcess([sys.executable, "-c", STUBBORN], os.environ, leads_group=True)
    family = [psutil.Process(process.pid)]
    while len(family) < 2:
        family = [family[0], *family[0].children()]
    process.end()
    _, alive = psutil.wait_procs(family, timeout=PATIENCE_S)
    assert not alive


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM])
def test_no_child_outlives_its_starter(sent: signal.Signals) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, BUSY, STUBBORN], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    with starter:
        busy, stubborn = (psutil.Process(int(pid)) for pid in starter.stdout.readline().split())
        family = [busy, stubborn]
        while len(family) < 3:
            family = [busy, stubborn, *stubborn.children()]
        starter.send_signal(sent)
        _, alive = psutil.wait_procs(family, timeout=PATIENCE_S)
    assert not alive


def test_the_folder_that_a_person_is_in_is_not_where_our_modules_are_looked_for(tmp_path: Path) -> None:
    (tmp_path / "shared.py").write_text("raise SystemExit('a module of the same name')")
    command = [*python_module("shared.process.guarded", "this")]
    program = f"""
import os
from shared.process.child_process import ChildProcess
raise SystemExit(ChildProcess({command!r}, os.environ, output={subprocess.DEVNULL}).wait())
"""
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False
    )
    assert done.returncode == 0


def test_every_child_is_started_in_this_one_way() -> None:
    starting = {"subprocess", "multiprocessing"}
    sources = [*ROOT.glob("shared/**/*.py"), *ROOT.glob("services/**/*.py")]
    found = {
        str(path.relative_to(ROOT).parent)
        for path in sources
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        if starting & {name.name for name in node.names} | starting & {getattr(node, "module", None)}
    }
    assert found == {"shared/process"}
