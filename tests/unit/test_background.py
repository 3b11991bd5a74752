"""What intake does again and again beside its requests: nothing that goes wrong once stops it."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from services.intake.events.background import keep_expiring, keep_sweeping
from shared.errors import Transient


class Turns:
    """Stands in for the event that ends a service: waiting takes no time, and after some turns the end comes."""

    def __init__(self, number: int) -> None:
        self.left = number
        self.waited_s: list[float] = []

    def is_set(self) -> bool:
        return self.left == 0

    def wait(self, seconds: float) -> bool:
        self.waited_s.append(seconds)
        self.left -= 1
        return self.is_set()


def failing(*errors: Exception | None) -> tuple[list[object], Callable[[object], None]]:
    """Return what a task was told in each turn, and the task, which raises one after the other."""
    told: list[object] = []
    left = list(errors)

    def work(given: object) -> None:
        told.append(given)
        error = left.pop(0) if left else None
        if error is not None:
            raise error

    return told, work


def test_what_is_kept_is_looked_through_every_hour_and_thoroughly_until_that_was_done_once() -> None:
    turns = Turns(5)
    told, work = failing(Transient("the store sleeps"), RuntimeError("nobody foresaw this"))
    keep_expiring(turns, expire=work)
    assert told == [True, True, True, False, False]
    assert turns.waited_s == [3600.0] * 5


def test_the_first_sweep_that_comes_to_its_end_has_no_patience(caplog: pytest.LogCaptureFixture) -> None:
    turns = Turns(4)
    told, work = failing(Transient("the store sleeps"))
    keep_sweeping(turns, sweep=work, patience=timedelta(minutes=2))
    assert told == [timedelta(0), timedelta(0), timedelta(minutes=2), timedelta(minutes=2)]
    assert turns.waited_s == [60.0] * 4
    assert "a sweep broke off" in caplog.text
