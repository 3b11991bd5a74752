"""Memory that a process gives back while it works on."""

import sys
from pathlib import Path

import numpy as np
import pytest

from services.trainer.run.memory import is_light, let_go, may_stay

MB = 2**20


def resident_file_bytes() -> int:
    """Return how much of mapped files counts as memory of this process."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssFile:"))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells, and only there anything is given back")
def test_what_was_written_to_a_mapped_file_is_no_memory_of_the_process_and_is_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "array.npy"
    array = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(64 * MB,))
    before = resident_file_bytes()
    array[:] = 7
    assert resident_file_bytes() > before + 60 * MB
    let_go(array, None, np.zeros(3))
    assert resident_file_bytes() < before + 4 * MB
    array[0] = 8
    assert np.load(path, mmap_mode="r")[[0, 1, -1]].tolist() == [8, 7, 7]


def test_what_is_light_is_told_by_the_weights() -> None:
    assert is_light(20 * MB)
    assert not is_light(200 * MB)


def test_networks_stay_beside_one_another_only_where_they_take_a_small_part_of_the_memory() -> None:
    founding_five = [59 * MB, 13 * MB, 87 * MB, 217 * MB, 83 * MB]
    assert may_stay(founding_five, 24 * 2**30)
    assert not may_stay(founding_five, 8 * 2**30)
    assert not may_stay(founding_five, None)
