"""How slow a peer may be: told to a pace as it would go over the wire, without any waiting."""

import pytest

from shared.web.connections.pace import Pace
from shared.web.limits import Limits

LIMITS = Limits()


def pace() -> Pace:
    return Pace(stall_s=LIMITS.stall_s, min_bytes_per_s=LIMITS.min_bytes_per_s)


def send(peer: Pace, num_bytes: int, *, every_s: float, times: int) -> float:
    """Send pieces until the peer is given up; returns the seconds that it had."""
    for count in range(times):
        peer.waited(every_s)
        if peer.is_lost:
            return (count + 1) * every_s
        peer.moved(num_bytes)
    return times * every_s


@pytest.mark.parametrize(("num_bytes", "every_s"), [(20_000, 1), (200_000, 10), (900_000, 45), (1_500, 1)])
def test_a_phone_on_a_bad_link_may_take_hours(num_bytes, every_s):
    peer = pace()
    send(peer, num_bytes, every_s=every_s, times=2000)
    assert not peer.is_lost


def test_a_tunnel_of_less_than_a_minute_costs_nobody_the_upload():
    peer = pace()
    for _ in range(100):
        send(peer, 20_000, every_s=1, times=60)
        peer.waited(55)
        assert not peer.is_lost


@pytest.mark.parametrize(("num_bytes", "every_s"), [(1, 9), (1, 0.5), (500, 1)])
def test_a_peer_that_only_just_moves_is_given_up(num_bytes, every_s):
    assert send(pace(), num_bytes, every_s=every_s, times=2000) < 3 * LIMITS.stall_s


def test_haste_is_not_saved_up_for_a_long_silence():
    peer = pace()
    peer.moved(10**9)
    peer.waited(LIMITS.stall_s)
    assert peer.is_lost
