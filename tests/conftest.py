"""What holds for all tests, however they are started: alone, or beside one another with ``-n``."""

import contextlib
import gc
import os
import signal
import sys
import tempfile
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import HealthCheck, settings

from tests.cloud.shared_emulators import SharedEmulators
from tests.preloaded.python import Preloading, preloaded_programs, preloaded_python

FAST = ("contract", "unit")
"""Folders that come last, to fill the gaps that the others leave."""
MOST_PROCESSES = 4
"""Each may hold a TensorFlow, and start services that hold two more: about 1.5 GB."""
_KILLED_WITHIN_S = 10.0

# Contract suites are imported as bases by several folders of tests; their assertions are to tell what they saw.
for port in ("job_store", "heartbeat_store", "object_store", "event_bus", "mailer", "training_process"):
    pytest.register_assert_rewrite(f"tests.contract.{port}_contract")

# Examples are drawn alike in every run, and none fails for the time that a busy machine takes.
settings.register_profile(
    "convtailor", derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("convtailor")

# Several tests at a time need all processors as it is, and a thread of OpenBLAS that has nothing to do burns one.
# Set before anything imports numpy or TensorFlow, for this process and all that tests start.
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ[name] = "1"
# Formats of a network beside Keras's own take a third of a small job; tests that are about them ask for them.
os.environ["CONVTAILOR_FORMATS"] = "none"
# Nor is a training process started before there is a job: where there is one job, the second would train nothing.
os.environ["CONVTAILOR_WARM_CHILD"] = "false"
# No test heeds, or changes, what is known of how fast this machine is with real jobs.
os.environ["CONVTAILOR_CALIBRATION_FILE"] = str(Path(tempfile.gettempdir()) / f"calibration-{os.getpid()}.json")

# What one process compiles, tests with their assertions above all, is kept for the hundreds that follow.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# A shell's background job ignores Ctrl-C, and so would every program that the tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)  # for those who leave xdist out
def pytest_xdist_auto_num_workers() -> int:
    """Return how many processes ``-n auto`` means: two more than processors, because many tests wait for others.

    Not more, since each collects all tests before it begins, and what tests start fills the memory.
    """
    return min(len(os.sched_getaffinity(0)) + 2 if hasattr(os, "sched_getaffinity") else 2, MOST_PROCESSES)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let processes that run tests be started from nothing."""
    text = "have each process that runs tests import TensorFlow and its like itself"
    parser.addoption("--no-preloading", action="store_true", help=text)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config, specs: Iterable[Any]) -> None:
    """Have the processes that run tests be copies of one that has imported TensorFlow, where a test may need it."""
    if config.getoption("no_preloading") or all(set(FAST) & set(named(each).parts) for each in config.args):
        return
    for spec in specs:
        spec.python = preloaded_python()


def named(argument: str) -> Path:
    """Return the file or folder that pytest is to look for tests in."""
    return Path(argument.partition("::")[0])


def pytest_collection(session: pytest.Session) -> None:
    """Have each of several processes begin with another part of the files, so that each is compiled by one of them.

    Giving its assertions their words makes compiling a file of tests ten times as dear as importing it.
    """
    worker = getattr(session.config, "workerinput", None)
    if worker is None:
        return
    number, root = int(worker["workerid"].removeprefix("gw")), session.config.rootpath
    files = sorted(path for each in session.config.args for path in (root / named(each)).rglob("test_*.py"))
    for path in files[number :: worker["workercount"]]:
        with contextlib.suppress(Exception, pytest.skip.Exception):  # told of when the file is collected
            import_module(".".join(path.relative_to(root).with_suffix("").parts))


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Have ``-n`` keep files together and start with what takes longest, unless asked for otherwise."""
    if config.getoption("numprocesses", None) and config.option.dist == "no":
        config.option.dist = "loadfile"  # many a file starts something costly, once for all its tests
        config.option.loadscopereorder = False  # else by number of tests, not by what they cost


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that no process is left with one of them at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (item.path not in slow, item.path.parent.name in FAST))  # stable


def pytest_configure(config: pytest.Config) -> None:
    """Have one preloaded Python and one emulator of each kind for all processes of a run of tests."""
    if not hasattr(config, "workerinput"):  # which xdist gives to the processes that it starts
        config.add_cleanup(Preloading().end)
        config.add_cleanup(SharedEmulators().end)


def pytest_collection_finish() -> None:
    """Have Python look for garbage seldom, and never among the half a million objects of imported modules.

    Building a network takes a fifth less of a processor so, since it makes objects by the ten thousand.
    """
    _set_apart_what_stays()
    gc.set_threshold(100_000, 20, 20)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Nor among what a test has had imported, built and kept for others: a training looks for garbage often."""
    if item.path.parent.name not in FAST:
        _set_apart_what_stays()


def _set_apart_what_stays() -> None:
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module")
def preloaded() -> Iterator[None]:
    """Have all programs that a file's tests start, and those that these start, find TensorFlow imported already."""
    with preloaded_programs():
        yield


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    """Leave nothing running where tests were interrupted, whatever they had started.

    Nor a dead one that we started and did not wait for: the tool that changes modules takes it for a mutant that ended.
    """
    ours = psutil.Process().children()
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(ours, timeout=_KILLED_WITHIN_S)
