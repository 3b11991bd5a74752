"""A lease on a job, with a fencing token: who works on it, until when, and whose word counts.

Every new claim has a higher fence than all before it. Whatever a claimant writes is addressed by its fence, so a
worker that slept past its lease (a zombie) can change nothing once a successor has claimed.
Source: Kleppmann, Designing Data-Intensive Applications, 2017, chapter 8, "Fencing tokens".
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.errors import Conflict


class Claimed(Conflict):
    """Another claimant is at work, or died without a word; nobody can tell which before its claim ends.

    Args:
        claim: As it stands.
        left: How long it still holds, unless its holder prolongs it.
    """

    def __init__(self, claim: "Claim", left: timedelta) -> None:
        super().__init__(f"claimed by {claim.owner} until {claim.expires_at.isoformat()}")
        self.left = left


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A lease.

    Args:
        owner: Unique name of one claimant process.
        fence: 1 for the first claim of a job, one more for each later one.
        expires_at: The claim is void from this moment on, unless its holder prolongs it by a heartbeat
            (:mod:`shared.job.heartbeat`).
        event_id: The event by which the claimant heard of the job; its message comes again should the claimant die.
    """

    owner: str
    fence: int
    expires_at: datetime
    event_id: str | None = None

    def is_live(self, now: datetime) -> bool:
        """Tell whether the lease still holds."""
        return now < self.expires_at


def covers(claim: Claim | None, *, event_id: str, now: datetime) -> bool:
    """Tell whether a live claim makes another event's message needless.

    The claimant's own message stays with the bus until the job is done, and comes again should the claimant die. Every
    other one tells nothing new; handed back, it would count as a job that waits for a machine for as long as this one
    is at work.
    """
    return claim is not None and claim.is_live(now) and claim.event_id not in (None, event_id)


def take(claim: Claim | None, *, owner: str, now: datetime, lease: timedelta, event_id: str | None = None) -> Claim:
    """Return a new claim for the owner, with the next fence.

    Raises:
        Claimed: If another owner's claim is live.
    """
    if claim is not None and claim.is_live(now) and claim.owner != owner:
        raise Claimed(claim, claim.expires_at - now)
    fence = (claim.fence if claim else 0) + 1
    return Claim(owner=owner, fence=fence, expires_at=now + lease, event_id=event_id)


def release(claim: Claim | None, *, owner: str, fence: int, now: datetime) -> Claim:
    """Return the claim ended now; its fence stays, so that the next one is higher.

    Raises:
        Conflict: If the claim is no longer this owner's at this fence.
    """
    return replace(held(claim, owner=owner, fence=fence), expires_at=now)


def held(claim: Claim | None, *, owner: str, fence: int) -> Claim:
    """Return the claim if it is this owner's at this fence.

    Raises:
        Conflict: If it is not.
    """
    if claim is None or (claim.owner, claim.fence) != (owner, fence):
        raise Conflict(f"{owner} no longer holds the claim with fence {fence}")
    return claim
