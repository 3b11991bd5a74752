"""Limits count a network and not an address, and a window that tells nothing of the person."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.access.limits import Limit, limit_reached, of_address, of_network, window_of

NOW = datetime(2026, 1, 2, 10, 30, tzinfo=UTC)
HOUR = Limit(what="jobs", most=5, window=timedelta(hours=1))


@pytest.mark.parametrize(
    ("one", "other", "are_same"),
    [
        ("203.0.113.7", "203.0.113.200", True),
        ("203.0.113.7", "203.0.114.7", False),
        ("::ffff:203.0.113.7", "203.0.113.9", True),
        ("2001:db8:1:2ff::1", "2001:db8:1:200:ffff::9", True),
        ("2001:db8:1:200::1", "2001:db8:2:200::1", False),
        ("unix", "", True),
    ],
)
def test_who_changes_the_address_within_a_network_stays_one_caller(one, other, are_same):
    assert (of_network(one) == of_network(other)) is are_same


def test_a_window_ends_on_the_hour_and_its_key_holds_no_address():
    window = window_of(HOUR, of_address("Ada@Example.org"), NOW)
    assert window.ends_at == NOW + timedelta(minutes=30)
    assert "example" not in window.key
    assert window == window_of(HOUR, of_address("ada@example.org"), NOW + timedelta(minutes=29))
    assert window != window_of(HOUR, of_address("ada@example.org"), NOW + timedelta(minutes=30))
    assert window != window_of(Limit(what="bytes", most=5, window=HOUR.window), of_address("ada@example.org"), NOW)


def test_who_is_refused_is_told_when_to_come_again():
    fault = limit_reached(HOUR, window_of(HOUR, "x", NOW), NOW).fault
    assert (fault.code, fault.details["retry_after_s"]) == ("limit_reached", 1800)
    assert "2026-01-02 11:00 UTC" in fault.fix
    assert "5 jobs within an hour" in fault.message
