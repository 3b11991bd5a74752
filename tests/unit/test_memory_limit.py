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


@pytest.mark.parametrize(
    ("told", "limits"),
    [
        ("0::/system.slice/convtailor.service\n", {"sys/fs/cgroup/system.slice/convtailor.service/memory.max": "3000"}),
        ("0::/system.slice/convtailor.service\n", {"sys/fs/cgroup/system.slice/memory.max": "3000"}),
        ("0::/\n", {"sys/fs/cgroup/memory.max": "3000"}),
        ("4:cpu,memory:/box\n0::/\n", {"sys/fs/cgroup/memory/box/memory.limit_in_bytes": "3000"}),
        ("0::/a/b\n", {"sys/fs/cgroup/a/memory.max": "3000", "sys/fs/cgroup/a/b/memory.max": "max"}),
    ],
)
def test_a_service_of_systemd_and_a_container_know_how_much_they_may_take(tmp_path, told, limits) -> None:
    files = {"proc/meminfo": "MemTotal:     1000 kB\n", "proc/self/cgroup": told}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert memory_bytes(tmp_path) == 1_024_000, "no limit yet"
    for name, text in limits.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert memory_bytes(tmp_path) == 3000


def test_a_group_that_lies_outside_of_what_is_seen_is_passed_over(tmp_path) -> None:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("0::/../../other\n")
    assert memory_bytes(tmp_path) is None
