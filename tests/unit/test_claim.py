from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from shared.errors import Conflict
from shared.job.claim import Claim, covers, held, release, take
from tests.job_fixture import NOW, HandClock

LEASE = timedelta(seconds=30)
owners = st.sampled_from(["ada", "bob", "cleo"])


class Claimants(RuleBasedStateMachine):
    """Three claimants and one job; each believes in the claim it got last."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = HandClock()
        self.claim: Claim | None = None
        self.beliefs: dict[str, Claim] = {}
        self.fences: list[int] = []

    @rule(seconds=st.integers(0, 40))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @rule(owner=owners)
    def one_takes(self, owner: str) -> None:
        before = self.claim
        try:
            self.claim = take(before, owner=owner, now=self.clock(), lease=LEASE)
        except Conflict:
            assert before.is_live(self.clock())
            assert before.owner != owner
        else:
            assert before is None or before.owner == owner or before.expires_at <= self.clock()
            self.beliefs[owner] = self.claim
            self.fences.append(self.claim.fence)

    @rule(owner=owners)
    def one_releases(self, owner: str) -> None:
        belief = self.beliefs.get(owner, Claim(owner=owner, fence=1, expires_at=NOW))
        is_current = self.claim is not None and (self.claim.owner, self.claim.fence) == (owner, belief.fence)
        try:
            self.claim = release(self.claim, owner=owner, fence=belief.fence, now=self.clock())
        except Conflict:
            assert not is_current
        else:
            assert is_current, "a zombie changed its successor's claim"
            assert self.claim.fence == belief.fence
            assert not self.claim.is_live(self.clock())

    @invariant()
    def fences_rise(self) -> None:
        assert self.fences == list(range(1, len(self.fences) + 1))


TestClaimants = Claimants.TestCase


@given(st.integers(0, 60))
def test_a_claim_is_live_until_the_moment_it_expires(seconds: int) -> None:
    claim = take(None, owner="ada", now=NOW, lease=LEASE)
    assert claim.is_live(NOW + timedelta(seconds=seconds)) == (seconds < 30)


@pytest.mark.parametrize(("owner", "fence"), [("bob", 1), ("ada", 2), ("ada", 0)])
def test_only_the_owner_at_its_fence_holds_a_claim(owner: str, fence: int) -> None:
    claim = take(None, owner="ada", now=NOW, lease=LEASE)
    assert held(claim, owner="ada", fence=1) is claim
    with pytest.raises(Conflict, match=f"{owner} no longer holds the claim with fence {fence}"):
        held(claim, owner=owner, fence=fence)
    with pytest.raises(Conflict):
        held(None, owner=owner, fence=fence)


@pytest.mark.parametrize(
    ("taken_by", "seconds", "expected"),
    [("event-1", 29, True), ("event-1", 30, False), ("event-2", 0, False), (None, 0, False)],
)
def test_a_live_claim_for_one_message_makes_every_other_one_needless(
    taken_by: str | None, seconds: int, *, expected: bool
) -> None:
    claim = take(None, owner="ada", now=NOW, lease=LEASE, event_id=taken_by)
    assert covers(claim, event_id="event-2", now=NOW + timedelta(seconds=seconds)) is expected
    assert not covers(None, event_id="event-2", now=NOW)
