"""Where memory runs out, the process that took it ends, and not the machine."""

import os
import subprocess
import sys

import pytest

from shared.process.memory_limit import memory_bytes

CODE = """
import resource
from pathlib import Path
from shared.process.memory_limit import spare_the_machine
limit = spare_the_machine()
print(limit, resource.getrlimit(resource.RLIMIT_DATA)[0], Path("/proc/self/oom_score_adj").read_text().strip())
try:
    bytearray(limit + 1)
except MemoryError:
    print("ends here")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps to it")
def test_a_process_that_spares_the_machine_gets_no_more_than_there_is_and_is_the_first_to_go() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True, env=os.environ)
    told, ending = done.stdout.splitlines()
    limit, kept, score = map(int, told.split())
    assert limit == kept == memory_bytes()
    assert score >= 500
    assert ending == "ends here"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_a_machine_tells_how_much_memory_it_has() -> None:
    assert 2**28 < (memory_bytes() or 0) < 2**45
