"""What holds for all tests, however they are started: alone, or beside one another with ``-n``."""

import contextlib
import os
import signal
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[1]
APART = ("contract", "unit")
"""Folders whose tests may run anywhere. The files of others start something costly, once for all of a file's tests."""
MOST_PROCESSES = 4
"""Each may hold a TensorFlow, and start services that hold two more: about 1.5 GB."""

# Contract suites are imported as bases by several folders of tests; their assertions are to tell what they saw.
for port in ("job_store", "object_store", "event_bus", "mailer", "training_process"):
    pytest.register_assert_rewrite(f"tests.contract.{port}_contract")

# A shell's background job ignores Ctrl-C, and so would every program that the tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)  # for those who leave xdist out
def pytest_xdist_auto_num_workers() -> int:
    """Return how many processes ``-n auto`` means: one more than processors, because many tests wait for others."""
    return min(len(os.sched_getaffinity(0)) + 1 if hasattr(os, "sched_getaffinity") else 2, MOST_PROCESSES)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Have ``-n`` keep files together and start with what takes longest, unless asked for otherwise."""
    if config.getoption("numprocesses", None) and config.option.dist == "no":
        config.option.dist = "loadgroup"
        config.option.loadscopereorder = False  # else by number of tests, not by what they cost


@pytest.hookimpl(tryfirst=True)  # before xdist writes the names of groups into those of tests
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Name what stays together, and put it in an order that leaves no process with a long file at the end."""
    slow = {_file(item) for item in items if item.get_closest_marker("slow")}
    for item in items:
        if _folder(item) not in APART:
            item.add_marker(pytest.mark.xdist_group(_file(item)))
    items.sort(key=lambda item: (_file(item) not in slow, _folder(item) in APART))  # stable


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    """Leave nothing running where tests were interrupted, whatever they had started."""
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def _file(item: pytest.Item) -> str:
    return item.path.relative_to(ROOT).as_posix()


def _folder(item: pytest.Item) -> str:
    return item.path.parent.name
