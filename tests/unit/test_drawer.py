"""The process that draws: whatever becomes of it, the report has all other pictures and says which one is missing."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain, repeat
from typing import Any

import pytest

from services.reporter.report.figures import CONFUSION, TUNING
from services.reporter.report.plots.drawer import Drawer
from services.reporter.report.plots.plan import planned_plots
from tests.reporter_fixture import draw, finished_job
from tests.result_fixture import make_result
from tests.unit.test_reporter_letter import flat, write

SCRIPT = """
import json, os, signal, sys, time
from shared.process.starter import Starter
def misbehave(): {misbehave}
starter = Starter()
while True:
    for name in json.loads(starter.hear())["names"]:
        answer = {{"png": "cG5n"}}
        if name == "tuning":
            answer = misbehave() or answer
        starter.say(json.dumps(answer).encode() + b"\\n")
"""

Opener = Callable[..., Drawer]


@pytest.fixture
def open_drawer() -> Iterator[Opener]:
    opened: list[Drawer] = []

    def open_one(misbehave: str, **options: Any) -> Drawer:
        opened.append(Drawer([sys.executable, "-c", SCRIPT.format(misbehave=misbehave)], **options))
        return opened[-1]

    yield open_one
    for drawer in opened:
        drawer.end()


@pytest.mark.parametrize(
    "misbehave",
    ['return {"error": "MemoryError: 9 GB"}', "os.kill(os.getpid(), signal.SIGKILL)", "sys.exit(1)"],
    ids=["raises", "is killed", "ends"],
)
def test_a_plot_that_fails_costs_itself_and_the_mail_says_which(open_drawer: Opener, misbehave: str) -> None:
    result = make_result()
    drawer = open_drawer(misbehave)
    for _ in range(2):
        figures = drawer.draw(result)
        assert [name for name in planned_plots(result) if not figures[name].is_drawn] == [TUNING]
    letter = write(finished_job(), result, figures)
    assert "cid:tuning" not in letter.html
    assert "cid:confusion" in letter.html
    for told in (flat(letter.text), flat(letter.html)):
        assert "A picture is missing here, because drawing it failed" in told
        assert "Accuracy and loss per epoch of fine-tuning" in told


def test_a_plot_that_never_ends_keeps_no_report_waiting_for_ever(open_drawer: Opener) -> None:
    result = make_result()
    num_before = list(planned_plots(result)).index(TUNING)
    seconds = chain([0.0] * (1 + num_before), repeat(60.0))  # when it begins, and when it waits for each plot
    drawer = open_drawer("time.sleep(600)", patience_s=60.0, monotonic=lambda: next(seconds))
    figures = drawer.draw(result)
    assert figures[CONFUSION].is_drawn
    assert not figures[TUNING].is_drawn


def test_where_nothing_can_be_drawn_the_thumbnails_are_still_there() -> None:
    figures = Drawer(["/nowhere/python"]).draw(make_result())
    assert {picture.subtype for picture in figures.values() if picture.is_drawn} == {"jpeg"}
    assert "A picture is missing here" in write(finished_job(), make_result(), figures).text


def test_the_process_draws_what_is_drawn_here() -> None:
    drawer, result = Drawer(patience_s=120.0), make_result(("cat", "dog"), num_candidates=1)
    try:
        assert drawer.draw(result) == draw(result)
    finally:
        drawer.end()


def test_what_exceeds_the_limit_of_a_process_fails_inside_it() -> None:
    code = (
        "from shared.process.memory_limit import limit_memory\n"
        "limited = limit_memory(2**28)\n"
        "try:\n    bytearray(2**29)\nexcept MemoryError:\n    limited = 'kept'\n"
        "print(limited)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout.strip() == ("kept" if sys.platform == "linux" else "False")


def test_a_result_without_curves_plans_none() -> None:
    result = make_result()
    assert TUNING not in planned_plots(replace(result, tuning=None))
