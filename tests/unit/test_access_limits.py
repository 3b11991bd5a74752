"""How much may be used within a time: windows, whose they are, and what is said at their limit."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.access.limits import Limit, limit_reached, of_network, window_of

AFTERNOON = datetime(2026, 3, 4, 15, 30, 5, tzinfo=UTC)
A_DAY = Limit(what="jobs", most=1200, window=timedelta(days=1))


@pytest.mark.parametrize(
    ("hours", "ends_at"),
    [
        (24, datetime(2026, 3, 5, tzinfo=UTC)),
        (1, datetime(2026, 3, 4, 16, tzinfo=UTC)),
        (6, datetime(2026, 3, 4, 18, tzinfo=UTC)),
    ],
)
def test_a_window_ends_at_the_next_full_one_and_the_next_is_another(hours: int, ends_at: datetime) -> None:
    limit = Limit(what="jobs", most=5, window=timedelta(hours=hours))
    window = window_of(limit, "key ada", AFTERNOON)
    assert window.ends_at == ends_at
    assert window_of(limit, "key ada", ends_at - timedelta(microseconds=1)) == window
    following = window_of(limit, "key ada", ends_at)
    assert following.ends_at == ends_at + limit.window
    assert following.key != window.key
    assert window_of(limit, "key \ud800", AFTERNOON).key != window.key


def test_callers_of_one_customer_s_network_are_one_and_those_of_whom_nothing_is_known_too() -> None:
    assert of_network("203.0.113.9") == of_network("::ffff:203.0.113.250") == "network 203.0.113.0/24"
    assert of_network("2001:db8:0:7f::1") == "network 2001:db8::/56"
    assert of_network("") == of_network("unix:") == "network unknown"


@pytest.mark.parametrize(("hours", "span"), [(1, "an hour"), (24, "a day"), (6, "6 hours")])
def test_who_wants_too_much_hears_how_much_is_taken_and_when_again(hours: int, span: str) -> None:
    limit = Limit(what="jobs", most=1200, window=timedelta(hours=hours))
    window = window_of(limit, "key ada", AFTERNOON)
    fault = limit_reached(limit, window, AFTERNOON).fault
    assert fault.message == f"More than 1,200 jobs within {span} are not taken."
    assert f"{window.ends_at:%Y-%m-%d %H:%M} UTC" in fault.fix
    wait_s = round((window.ends_at - AFTERNOON).total_seconds())
    assert fault.details == {"limit": 1200, "what": "jobs", "retry_after_s": wait_s}


@pytest.mark.parametrize(("left_s", "told_s"), [(0.2, 1), (1.4, 1), (2.0, 2)])
def test_nobody_is_told_to_wait_for_no_time_at_all(left_s: float, told_s: int) -> None:
    window = window_of(A_DAY, "key ada", AFTERNOON)
    fault = limit_reached(A_DAY, window, window.ends_at - timedelta(seconds=left_s)).fault
    assert fault.details["retry_after_s"] == told_s
