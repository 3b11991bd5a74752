import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.cloud import emulator
from tests.waiting import PATIENCE_S

ROOT = Path(__file__).parents[2]
STARTER = """
import sys, time
from pathlib import Path
from tests.cloud import emulator
started = emulator.start(emulator.PUBSUB, Path(sys.argv[1]))
print(started.port, flush=True)
time.sleep(600)
"""


def listens(port: int) -> bool:
    return any(
        f"--port={port}" in word
        for process in psutil.process_iter(["cmdline"])
        for word in process.info["cmdline"] or ()
    )


@pytest.mark.skipif(emulator.missing_program() is not None, reason="needs gcloud and java, for Google's emulators")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_no_emulator_outlives_the_tests_however_they_end(tmp_path: Path, how: signal.Signals) -> None:
    tests = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    port = int(tests.stdout.readline())
    guard = next(iter(psutil.Process(tests.pid).children()))
    assert listens(port)
    os.kill(tests.pid, how)
    tests.communicate(timeout=PATIENCE_S)
    guard.wait(timeout=PATIENCE_S)
    assert not listens(port)
